"""Mails to look at: an edition as it is rendered and encoded, and the facts about it, changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from digest.mail.message import build_digest
from digest.preflight.mail_facts import MailFacts, gather
from digest.preflight.mail_html import read_page
from digest.rendering.contexts import EditionContext
from digest.rendering.digest_email import render_mail

HOUSE = Path(__file__).resolve().parents[3] / "templates"
PUBLIC_URL = "https://mail.example.org"


def facts_of(context: EditionContext, templates: Path | None = None) -> MailFacts:
    """The facts about an edition, made in the way of the freeze."""
    rendered = render_mail(context, templates=templates)
    prepared = build_digest(
        from_name=context.sender_name,
        from_address="news@example.org",
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
    )
    return gather(
        prepared,
        subject=rendered.subject,
        preheader=rendered.preheader,
        html=rendered.html,
        text=rendered.text,
        postal_address=context.postal_address,
        stories=[*filter(None, [context.featured]), *context.recent],
        edition_at=context.edition_at,
        public_url=PUBLIC_URL,
    )


def with_html(facts: MailFacts, html: str) -> MailFacts:
    """The same mail with another HTML part."""
    return dataclasses.replace(facts, html=html, page=read_page(html))


def with_body(facts: MailFacts, markup: str) -> MailFacts:
    """The same mail with some markup behind its stories."""
    return with_html(facts, facts.html.replace("</body>", f"{markup}</body>"))


def changed(facts: MailFacts, **values: Any) -> MailFacts:
    """The same mail with other facts."""
    return dataclasses.replace(facts, **values)


def template_with(folder: Path, snippet: str, before: str) -> Path:
    """A newsroom's own folder: the template of the house that has these words, with more in front of them."""
    texts = {file: file.read_text(encoding="utf-8") for file in sorted((HOUSE / "email").rglob("*.html"))}
    house = next(file for file, text in texts.items() if before in text)
    own = folder / "own" / house.relative_to(HOUSE)
    own.parent.mkdir(parents=True)
    own.write_text(texts[house].replace(before, snippet + before, 1), encoding="utf-8")
    return folder / "own"
