"""A digest's mail around finished parts: its fields, before a person's values."""

from __future__ import annotations

from collections.abc import Sequence

from digest.editions.headings import Headings
from digest.mail import headers
from digest.mail.message import build_digest
from digest.mail.placeholders import PreparedMail
from digest.mail.prepared import Fallback
from digest.models import Digest


def encode_mail(
    digest: Digest,
    *,
    subject: str,
    html: str,
    text: str,
    fallbacks: Sequence[Fallback] = (),
    follows_on: bool = False,
    feedback: str = "",
) -> PreparedMail:
    """A digest's mail around finished parts, with its places for a person's values."""
    return build_digest(
        from_name=digest.sender_name,
        from_address=digest.sender_address,
        reply_to=digest.reply_to or "",
        subject=subject,
        html=html,
        text=text,
        list_help=digest.home_url,
        feedback_id=feedback,
        follows_on=follows_on,
        fallbacks=fallbacks,
    )


def feedback_of(of: Headings) -> str:
    """The Feedback-ID of an edition; the copies for the staff carry none, for none of them is counted."""
    return headers.feedback_id(of.edition.id, of.cadence.name, of.digest.name, of.digest.sender_address)
