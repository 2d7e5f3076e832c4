"""The facts about one mail that the rules look at, gathered once from what the freeze made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import default
from typing import TYPE_CHECKING

from digest.mail.placeholders import BODY_PLACEHOLDERS, PreparedMail, fill, with_fallbacks
from digest.preflight.mail_html import Page, read_page
from digest.rendering.contexts import Story

if TYPE_CHECKING:
    from digest.preflight.looked import Looked

_SAMPLE_TOKEN = "A" * 48
_SAMPLES = {
    "to": "reader@example.org",
    "message_id": "<sample@example.org>",
    "follows_on": "<earlier@example.org>",
    "date": "Mon, 23 Nov 2026 18:56:42 +0000",
    "list_id": "sample.example.org",
}


@dataclass(frozen=True, slots=True)
class MailFacts:
    """One variant of an edition. `raw` is the mail as a reader would get it, with a sample's values.

    `postal_address` is the digest's; `allowed` are the placeholders that are filled for each person; stories
    are as they were placed, the featured one first; `has_featured` says whether that is one. `looked` is what
    was seen of its links and pictures, empty where nobody has looked. `left_out` are the edition's stories
    that this variant lacks, `own_links` the addresses in its introduction and note, `last_links` those in the
    edition's own sign-off.
    """

    subject: str
    preheader: str
    html: str
    text: str
    raw: bytes
    postal_address: str
    edition_at: dt.datetime
    stories: tuple[Story, ...] = ()
    allowed: frozenset[str] = BODY_PLACEHOLDERS
    page: Page = field(default_factory=Page)
    has_featured: bool = False
    looked: tuple[Looked, ...] = ()
    left_out: tuple[Story, ...] = ()
    own_links: tuple[str, ...] = ()
    last_links: tuple[str, ...] = ()


def gather(
    prepared: PreparedMail,
    *,
    subject: str,
    preheader: str,
    html: str,
    text: str,
    postal_address: str,
    stories: Sequence[Story],
    edition_at: dt.datetime,
    public_url: str,
    has_featured: bool = False,
    looked: Sequence[Looked] = (),
    left_out: Sequence[Story] = (),
    own_links: Sequence[str] = (),
    last_links: Sequence[str] = (),
) -> MailFacts:
    """The facts about a mail that was encoded from these parts; `public_url` is where its links lead."""
    return MailFacts(
        subject=subject,
        preheader=preheader,
        html=html,
        text=text,
        raw=sample_of(prepared, public_url),
        postal_address=postal_address,
        edition_at=edition_at,
        stories=tuple(stories),
        allowed=BODY_PLACEHOLDERS | prepared.needs,
        page=read_page(html),
        has_featured=has_featured,
        looked=tuple(looked),
        left_out=tuple(left_out),
        own_links=tuple(own_links),
        last_links=tuple(last_links),
    )


def subject_of(raw: bytes) -> str:
    """The subject that a mail carries."""
    return str(BytesParser(policy=default).parsebytes(raw, headersonly=True).get("Subject", ""))


def sample_of(prepared: PreparedMail, public_url: str) -> bytes:
    """A mail as a reader would get it, with a sample's values."""
    url = f"{public_url.rstrip('/')}/u/{_SAMPLE_TOKEN}"
    known = dict.fromkeys(prepared.needs, "") | _SAMPLES | {"unsubscribe_url": url}
    return fill(prepared, with_fallbacks(prepared, known))
