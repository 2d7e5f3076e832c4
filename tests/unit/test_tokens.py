"""Signed links: they come back as they went out, and nothing else is taken."""

from __future__ import annotations

import string
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.tokens import Claim, Purpose, Signer, TokenError

_KEYS = {1: b"a" * 32, 2: b"b" * 32}
_OLD, _NEW = Signer({1: _KEYS[1]}, 1), Signer(_KEYS, 2)
_ALPHABET = string.ascii_letters + string.digits + "-_"
_claims = st.builds(
    Claim,
    purpose=st.sampled_from(Purpose),
    list_id=st.integers(0, 2**32 - 1),
    subscriber_id=st.integers(0, 2**63 - 1),
)


@given(_claims)
def test_a_token_says_what_was_signed(claim: Claim) -> None:
    """Out and back, in letters that need no escaping in an address, always of the same length."""
    token = _NEW.sign(claim)
    assert _NEW.check(token, claim.purpose) == claim
    assert len(token) == 42
    assert set(token) <= set(_ALPHABET)
    assert token == _NEW.sign(claim)


@given(_claims)
def test_an_old_key_still_opens(claim: Claim) -> None:
    """A link of three years ago works after the key was changed."""
    assert _NEW.check(_OLD.sign(claim), claim.purpose) == claim


@given(_claims)
def test_a_key_that_is_gone_or_forged_does_not_open(claim: Claim) -> None:
    """Without the key, or with another secret under its number, a link is not ours."""
    token = _NEW.sign(claim)
    for stranger in (_OLD, Signer({2: b"c" * 32}, 2), Signer({1: _KEYS[2]}, 1)):
        with pytest.raises(TokenError):
            stranger.check(token, claim.purpose)


@given(_claims, st.sampled_from(Purpose))
def test_a_purpose_is_not_another(claim: Claim, other: Purpose) -> None:
    """A sign-off link confirms nothing, and so on."""
    if other != claim.purpose:
        with pytest.raises(TokenError):
            _NEW.check(_NEW.sign(claim), other)


def test_a_number_that_was_given_up_is_not_given_again() -> None:
    """3 is nobody's: a link that was ever signed with it opens nothing, today or under a later purpose."""
    given_up = 3
    assert given_up not in set(Purpose)
    token = _NEW.sign(Claim(cast("Purpose", given_up), 5, 7))
    for purpose in Purpose:
        with pytest.raises(TokenError):
            _NEW.check(token, purpose)


@given(_claims, st.integers(0, 41), st.sampled_from(_ALPHABET))
def test_any_changed_letter_is_noticed(claim: Claim, place: int, letter: str) -> None:
    """One letter that is another, anywhere: refused, whatever purpose is asked for."""
    token = _NEW.sign(claim)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        for purpose in Purpose:
            with pytest.raises(TokenError):
                _NEW.check(changed, purpose)


@given(st.text(max_size=60) | st.text(_ALPHABET, min_size=42, max_size=42))
@example("")
@example("=" * 42)
@example("A" * 41 + "\n")
@example("ａ" * 42)
def test_any_text_is_refused_with_a_sentence(text: str) -> None:
    """What was never signed is not taken, and the sentence does not repeat it."""
    with pytest.raises(TokenError, match="open it once more from the mail itself") as caught:
        _NEW.check(text, Purpose.UNSUBSCRIBE)
    assert len(text) < 6 or text not in str(caught.value)


@given(_claims)
def test_a_token_hides_nothing_and_shows_no_address(claim: Claim) -> None:
    """Cut or lengthened by one letter it is refused."""
    token = _NEW.sign(claim)
    for other in (token[:-1], token + "A", " " + token, token + "="):
        with pytest.raises(TokenError):
            _NEW.check(other, claim.purpose)


@pytest.mark.parametrize(("keys", "current"), [({}, 1), ({1: b"short"}, 1), ({1: b"a" * 32}, 2)])
def test_a_signer_without_a_proper_key_is_not_made(keys: dict[int, bytes], current: int) -> None:
    """A short or missing key is a fault at the start, not at the first link."""
    with pytest.raises(ValueError, match="missing or shorter"):
        Signer(keys, current)
