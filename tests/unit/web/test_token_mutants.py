"""What is not a token of ours does not become one by chance."""

from __future__ import annotations

import random
import string

import pytest

from digest.tokens import Claim, Purpose, Signer, TokenError

ALPHABET = string.ascii_letters + string.digits + "-_"
SIGNER = Signer({1: b"a" * 32, 2: b"b" * 32}, 2)


def mutants(token: str, number: int) -> list[str]:
    """Tokens with letters changed, swapped, cut, added or taken from another token."""
    chance = random.Random(20261123)
    other = SIGNER.sign(Claim(Purpose.STOP_EDITION, 8, 9))
    found: set[str] = set()
    while len(found) < number:
        at, width = chance.randrange(len(token)), chance.randint(1, 6)
        made = chance.choice(
            [
                token[:at] + "".join(chance.choices(ALPHABET, k=width)) + token[at + width :],
                token[:at] + other[at : at + width] + token[at + width :],
                token[:at] + token[at + 1 :] + chance.choice(ALPHABET),
                token[:at] + token[at + width :],
                token[:at] + chance.choice(ALPHABET + "=+/ %.\n") + token[at:],
                "".join(chance.choices(ALPHABET, k=len(token))),
            ]
        )
        if made != token:
            found.add(made)
    return sorted(found)


def accepted(token: str, purpose: Purpose) -> bool:
    try:
        SIGNER.check(token, purpose)
    except TokenError:
        return False
    return True


@pytest.mark.parametrize("purpose", Purpose)
def test_ten_thousand_mutants_are_refused(purpose: Purpose) -> None:
    """Not one of 10,000 changed tokens of all purposes is taken, those that they were made from are."""
    _are_refused(purpose, many=10_000 // len(Purpose) + 1)


@pytest.mark.slow  # the run has as many in all
@pytest.mark.parametrize("purpose", Purpose)
def test_ten_thousand_mutants_of_each_purpose_are_refused(purpose: Purpose) -> None:
    """Not one of 10,000 of its own."""
    _are_refused(purpose, many=10_000)


def _are_refused(purpose: Purpose, *, many: int) -> None:
    token = SIGNER.sign(Claim(purpose, 7, 123_456))
    assert accepted(token, purpose)
    assert [mutant for mutant in mutants(token, many) if accepted(mutant, purpose)] == []
