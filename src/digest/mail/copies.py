"""A finished mail under another subject: every other byte of it stays."""

from __future__ import annotations

import re

from digest.errors import StateError
from digest.mail.headers import text_field

_SUBJECT = re.compile(rb"(?im)^Subject:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")


def with_subject(message: bytes, subject: str) -> bytes:
    """The message with this subject in the place of its own; raises StateError if it has none."""
    head, mark, body = message.partition(b"\r\n\r\n")
    field = text_field("Subject", subject)
    changed, count = _SUBJECT.subn(lambda _: field, head + b"\r\n", count=1)
    if not (mark and count):
        raise StateError("This mail has no subject that could be marked.")
    return changed + b"\r\n" + body
