"""Golden mails: what a sample of the cases comes to, to the last character. `make golden` writes them anew.

They are read when they change: a difference is either meant, and then it is in the same commit, or a defect.
"""

from __future__ import annotations

import email
import email.policy
import re
from pathlib import Path

from digest.mail.headers import feedback_id
from digest.mail.message import build_digest
from digest.mail.placeholders import fill, with_fallbacks
from digest.rendering.digest_email import render_mail
from tests.mail_cases import PUBLIC, SLOT, Case

FOLDER = Path(__file__).parent / "mails"
_BOUNDARY = re.compile(r"=_[0-9a-f]{24}")


def message(case: Case) -> bytes:
    """The whole mail of a case, for one invented reader."""
    context = case.context()
    rendered = render_mail(context)
    prepared = build_digest(
        from_name=context.sender_name,
        from_address="letters@footbridge.example",
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        list_help=context.digest_url,
        feedback_id=feedback_id(1, "weekly", "footbridge", "letters@footbridge.example"),
    )
    values = {
        "to": "araxie@quince-street.example",
        "to_name": "Araxie Kerovpents",
        "message_id": "<e1.wudxggurlo6ltebe@footbridge.example>",
        "date": SLOT.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "list_id": "footbridge-readers.footbridge.example",
        "list_name": "Readers of The Footbridge",
        "unsubscribe_url": f"{PUBLIC}/u/TOKEN",
        "unsubscribe_mailto": "",
    }
    return fill(prepared, with_fallbacks(prepared, values))


def readable(raw: bytes) -> str:
    """A mail as a file that can be read and compared: its fields decoded, then both parts, ids masked."""
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    fields = "".join(f"{name}: {_BOUNDARY.sub('=_BOUNDARY', str(value))}\n" for name, value in parsed.items())
    parts = "".join(
        f"\n==== {part.get_content_type()}, {part['Content-Transfer-Encoding']}\n\n{part.get_content()}"
        for part in parsed.walk()
        if not part.is_multipart()
    )
    return (fields + parts).replace("\r\n", "\n")


def path_of(case: Case) -> Path:
    """Where a case's golden file lies."""
    return FOLDER / f"{case}.txt"
