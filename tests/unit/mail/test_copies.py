"""A mail under another subject: nothing else of it moves."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import StateError
from digest.mail.copies import with_subject

MAIL = (
    b"From: news@courier.example\r\nX-Note: Subject: not this one\r\n"
    b"Subject: =?utf-8?q?One?=\r\n =?utf-8?q?_two?=\r\nDate: today\r\n\r\nSubject: in the text\r\n"
)


def test_only_the_subject_changes() -> None:
    """With its folded lines; what looks like one elsewhere stays."""
    assert with_subject(MAIL, "[Test] One two") == (
        b"From: news@courier.example\r\nX-Note: Subject: not this one\r\n"
        b"Subject: [Test] One two\r\nDate: today\r\n\r\nSubject: in the text\r\n"
    )


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_any_subject_reads_back(subject: str) -> None:
    """However long, in whatever script, and with line ends in it: it is one header."""
    made = with_subject(MAIL, subject)
    head, _, body = made.partition(b"\r\n\r\n")
    assert body == b"Subject: in the text\r\n"
    message = message_from_bytes(made, policy=policy.default)
    assert message.get_all("Date") == ["today"]
    assert len(message.get_all("Subject") or []) == 1
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))


@pytest.mark.parametrize("mail", [b"From: a@b.test\r\n\r\nText\r\n", b"Subject: no end", b""])
def test_a_mail_without_one_is_refused(mail: bytes) -> None:
    """There is nothing to mark."""
    with pytest.raises(StateError):
        with_subject(mail, "x")
