"""VERP: an address of each mail's own, which nobody else can make."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.addresses import parse_address
from digest.errors import InputError
from digest.mail.transport import Envelope
from digest.mail.verp import NAME_LIMIT, check_bounce_address, parse_verp, verp_address
from digest.tokens import Claim, Purpose, Signer

BOUNCES = "bounces@example.org"
SIGNER = Signer({1: b"first key of the tests", 2: b"second key of the tests"}, 2)
IDS = st.one_of(st.integers(0, 5000), st.integers(0, 2**63 - 1))
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz+.@-_ =/\x00\néА"


@given(IDS, IDS, st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,17}[a-z0-9])?", fullmatch=True))
def test_what_was_made_is_read_back(edition_id: int, subscriber_id: int, name: str) -> None:
    """For any ids and mailbox: at most 64 letters, a form that SMTP takes, and read back in any case."""
    if ".." in name or name.startswith("-"):
        return
    made = verp_address(f"{name}@news.example.org", edition_id, subscriber_id, SIGNER)
    assert len(made.partition("@")[0]) <= 64
    assert made == made.lower()
    assert parse_verp(made, SIGNER) == (edition_id, subscriber_id)
    assert parse_verp(made.upper(), SIGNER) == (edition_id, subscriber_id)
    assert parse_address(made).text == made
    Envelope(sender=made, recipient="a@example.org", message=b"")


def test_the_same_delivery_has_the_same_address_and_no_other() -> None:
    """One address for each edition and subscriber: it is a function of them, and never shared."""
    made = {(e, s): verp_address(BOUNCES, e, s, SIGNER) for e in range(60) for s in range(60)}
    assert len(set(made.values())) == len(made)
    assert verp_address(BOUNCES, 3, 4, SIGNER) == made[3, 4]


def test_keys_are_rotated_by_adding() -> None:
    """A bounce of a mail from before the rotation is still read; without the old key it is not."""
    old = verp_address(BOUNCES, 7, 8, Signer({1: SIGNER.keys[1]}, 1))
    assert parse_verp(old, SIGNER) == (7, 8)
    assert verp_address(BOUNCES, 7, 8, SIGNER) != old
    assert parse_verp(old, Signer({2: SIGNER.keys[2]}, 2)) is None
    assert parse_verp(old, Signer({1: b"another first key"}, 1)) is None


def test_ten_thousand_mutants_are_refused() -> None:
    """One to three letters changed, put in, left out or swapped: none is taken for another delivery."""
    numbers = random.Random(20261123)
    refused = 0
    while refused < 10_000:
        edition_id, subscriber_id = numbers.randrange(5000), numbers.randrange(10**6)
        made = verp_address(BOUNCES, edition_id, subscriber_id, SIGNER)
        mutant = _mutated(made, numbers)
        if mutant.lower() == made:
            continue
        assert parse_verp(mutant, SIGNER) is None, (made, mutant)
        refused += 1


@given(st.text(max_size=300))
def test_any_text_is_refused_without_an_error(text: str) -> None:
    """Whatever stands in a bounce's header: None, never an exception."""
    assert parse_verp(text, SIGNER) is None
    assert parse_verp(f"bounces+{text}@example.org", SIGNER) is None


def test_foreign_addresses_are_refused() -> None:
    """Another mailbox, another domain, a sign-off token, the bare mailbox, an endless address."""
    made = verp_address(BOUNCES, 17, 123456, SIGNER)
    local, _, _ = made.partition("@")
    token = SIGNER.sign(Claim(Purpose.UNSUBSCRIBE, 17, 123456))
    for foreign in (
        made.replace("example.org", "example.com"),
        made.replace("bounces", "bounce"),
        f"{local}@example.org.evil.test",
        f"{local}@evil.test@example.org",
        f"x+{made}",
        BOUNCES,
        f"bounces+{token}@example.org",
        made + "\n",
        " " + made,
        f"{local}@{'e' * 5_000_000}",
        made.replace("+h.", "+\u210e."),
        "",
    ):
        assert parse_verp(foreign, SIGNER) is None


def test_another_spelling_of_a_number_is_refused() -> None:
    """Leading zeros, signs and underscores, which int() would take, make no second address."""
    made = verp_address(BOUNCES, 1, 2, SIGNER)
    for spelling in ("+01.2.", "+1.02.", "++1.2.", "+1_.2.", "+-1.2.", "+ 1.2."):
        assert parse_verp(made.replace("+1.2.", spelling), SIGNER) is None


@pytest.mark.parametrize(
    ("given_as", "kept_as"),
    [
        (BOUNCES, BOUNCES),
        (" Bounces@News.Example.ORG ", "bounces@news.example.org"),
        ("b" * NAME_LIMIT + "@example.org", "b" * NAME_LIMIT + "@example.org"),
        ("bounces@paper.հայ", "bounces@paper.xn--y9a3aq"),
    ],
)
def test_a_bounce_address_is_kept_in_lower_case(given_as: str, kept_as: str) -> None:
    """As it is read back, whatever the case it was written in."""
    assert check_bounce_address(given_as) == kept_as


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bounces",
        "bounces+x@example.org",
        "b" * (NAME_LIMIT + 1) + "@example.org",
        "жар@example.org",
        '"a b"@example.org',
        "a@b@example.org",
        "bounces@example",
        "a" * 300 + "@example.org",
        f"b@{'.'.join(['e' * 60] * 4)}.org",
    ],
)
def test_a_bounce_address_without_room_is_refused(text: str) -> None:
    """One sentence, before an edition is sent with it."""
    with pytest.raises(InputError):
        check_bounce_address(text)


def _mutated(text: str, numbers: random.Random) -> str:
    letters = list(text)
    for _ in range(numbers.randint(1, 3)):
        at = numbers.randrange(len(letters))
        kind = numbers.randrange(4)
        if kind == 0:
            letters[at] = numbers.choice(_ALPHABET)
        elif kind == 1:
            letters.insert(at, numbers.choice(_ALPHABET))
        elif kind == 2:
            del letters[at]
        else:
            other = numbers.randrange(len(letters))
            letters[at], letters[other] = letters[other], letters[at]
    return "".join(letters)
