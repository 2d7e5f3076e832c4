"""Leaving by mail: what is read, what is refused, and that no bytes do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.mail.sign_off_mail import (
    NAME_LIMIT,
    Refusal,
    SignOffMailError,
    read_sign_off,
    sign_off_address,
    token_in,
)
from digest.tokens import Claim, Purpose, Signer

SIGNER = Signer({1: b"k" * 32, 2: b"n" * 32}, current=2)
CLAIM = Claim(Purpose.UNSUBSCRIBE, 7, 2**63 - 1)
TOKEN = SIGNER.sign(CLAIM)
OTHER = SIGNER.sign(Claim(Purpose.UNSUBSCRIBE, 7, 8))
ADDRESS = sign_off_address("leave@example.org", TOKEN)


def mail(*fields: str, body: str = "") -> bytes:
    return "\r\n".join(("From: Somebody <eva@mail.test>", *fields, "", body)).encode()


def refusal(raw: bytes) -> Refusal:
    with pytest.raises(SignOffMailError) as caught:
        read_sign_off(raw, SIGNER)
    assert TOKEN not in str(caught.value)
    return caught.value.refusal


@pytest.mark.parametrize(
    "raw",
    [
        mail(f"Subject: unsubscribe {TOKEN}", "To: leave@example.org"),
        mail(f"Subject: Unsubscribe: {TOKEN} "),
        mail(f"subject:\r\n unsubscribe\r\n {TOKEN}"),
        mail(f"Subject: {TOKEN}"),
        mail(f"Subject: =?utf-8?q?unsubscribe_{TOKEN.replace('_', '=5F')}?="),
        mail("Subject: unsubscribe", f"To: {ADDRESS}"),
        mail("Subject:", f"To: <{ADDRESS.upper()}>, somebody@mail.test"),
        mail(f"Delivered-To: {ADDRESS}", f"To: {ADDRESS}", f"Subject: unsubscribe {TOKEN}"),
        mail(f"Subject: unsubscribe {TOKEN}", "Auto-Submitted: no"),
        mail(f"Subject: unsubscribe {TOKEN}", body="x" * 1_000_000),
        f"Subject: unsubscribe {TOKEN}".encode(),
        f"Subject: unsubscribe {TOKEN}\n\nbody".encode(),
        mail(f"Subject: unsubscribe {Signer(SIGNER.keys, 1).sign(CLAIM)}"),
    ],
)
def test_a_mail_that_wants_to_leave_is_read(raw: bytes) -> None:
    """By its subject or by the address it goes to, folded, encoded or in capitals; also by an old key."""
    assert read_sign_off(raw, SIGNER) == CLAIM


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", Refusal.NOTHING),
        (mail("Subject: unsubscribe"), Refusal.NOTHING),
        (mail(f"Subject: Re: unsubscribe {TOKEN}"), Refusal.NOTHING),
        (mail("Subject: Fwd: The Courier", body=f"https://example.org/u/{TOKEN}"), Refusal.NOTHING),
        (mail(f"Reply-To: {ADDRESS}", f"From: {ADDRESS}"), Refusal.NOTHING),
        (mail(f"Subject: unsubscribe {TOKEN}x"), Refusal.NOTHING),
        (mail(f"Subject: unsubscribe {TOKEN[:-1]}"), Refusal.NOTHING),
        (mail(f"Subject: unsubscribe {TOKEN[:-1]}{'A' if TOKEN[-1] != 'A' else 'E'}"), Refusal.NOT_OURS),
        (mail(f"Subject: unsubscribe {TOKEN.swapcase()}"), Refusal.NOT_OURS),
        (mail(f"Subject: {SIGNER.sign(CLAIM._replace(purpose=Purpose.CONFIRM))}"), Refusal.NOT_OURS),
        (mail(f"Subject: {Signer({2: b'z' * 32}, 2).sign(CLAIM)}"), Refusal.NOT_OURS),
        (mail(f"To: leave+{'v' * 50}@example.org"), Refusal.NOTHING),
        (mail(f"To: leave+{'0' * 50}@example.org"), Refusal.NOT_OURS),
        (mail(f"Subject: {OTHER}", f"To: {ADDRESS}"), Refusal.AMBIGUOUS),
        (mail(f"To: {ADDRESS}, {sign_off_address('leave@example.org', OTHER)}"), Refusal.AMBIGUOUS),
        (mail(f"Subject: {TOKEN}", f"Subject: {TOKEN}"), Refusal.AMBIGUOUS),
        (mail(f"Subject: {TOKEN}", "Auto-Submitted: auto-replied"), Refusal.AUTOMATIC),
        (mail(f"To: {ADDRESS}", "Precedence: bulk"), Refusal.AUTOMATIC),
        (mail(f"To: {ADDRESS}", "Return-Path: <>"), Refusal.AUTOMATIC),
        (mail(f"To: {ADDRESS}", "Content-Type: multipart/report; boundary=x"), Refusal.AUTOMATIC),
        (mail(f"To: {ADDRESS}", "List-Id: <x.example.org>"), Refusal.AUTOMATIC),
        (b"X: " + b"y" * 70_000 + mail(f"Subject: {TOKEN}"), Refusal.TOO_LARGE),
        (mail(*["X: y"] * 400, f"Subject: {TOKEN}"), Refusal.TOO_LARGE),
        (mail(f"Subject: {'x' * 9_000} unsubscribe {TOKEN}"), Refusal.NOTHING),
    ],
)
def test_what_signs_nobody_off_is_refused_with_its_reason(raw: bytes, why: Refusal) -> None:
    """Cut, changed, foreign or quoted tokens, two that differ, answers of programs, and mails without end."""
    assert refusal(raw) is why


@given(st.integers(0, len(ADDRESS) - 1), st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyz+@.-"))
def test_a_changed_address_is_refused(place: int, letter: str) -> None:
    """Each other letter in the code ends in a refusal; the mailbox before and after it proves nothing."""
    changed = ADDRESS[:place] + letter + ADDRESS[place + 1 :]
    raw = mail(f"To: {changed}")
    start, end = ADDRESS.index("+"), ADDRESS.index("@")
    if letter == ADDRESS[place] or not start <= place <= end:
        assert read_sign_off(raw, SIGNER) == CLAIM
    else:
        assert refusal(raw) in {Refusal.NOTHING, Refusal.NOT_OURS}


@given(st.binary(max_size=3000))
def test_any_bytes_end_in_a_refusal(raw: bytes) -> None:
    """Nothing but our own error comes out, whatever came in."""
    assert refusal(raw) in set(Refusal)
    assert refusal(b"Subject: " + raw) in set(Refusal)


def test_addresses_for_leaving_fit_into_a_mail() -> None:
    """64 letters before the @, and no name that could be mistaken for a code."""
    assert len(ADDRESS.split("@")[0]) <= 64
    assert token_in(mail(f"To: {ADDRESS}")) == TOKEN
    longest = sign_off_address(f"{'x' * NAME_LIMIT}@example.org", TOKEN)
    assert len(longest.split("@")[0]) == 64
    for mailbox in (f"{'x' * (NAME_LIMIT + 1)}@example.org", "leave+x@example.org"):
        with pytest.raises(InputError, match="mailbox"):
            sign_off_address(mailbox, TOKEN)
    for token in ("", TOKEN[:-1], TOKEN + "A", "!" * 42):
        with pytest.raises(InputError, match="no token"):
            sign_off_address("leave@example.org", token)
