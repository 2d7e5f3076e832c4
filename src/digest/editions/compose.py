"""From chosen posts to a finished revision. Pure but for the templates it reads: no storage, no network."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from digest.feeds.excerpt import cut_body
from digest.feeds.pictures import without_picture
from digest.i18n import translator
from digest.mail.message import build_digest
from digest.models import Cadence, Digest, Edition, FeaturedBy, Post, Role
from digest.rendering.contexts import (
    EditionContext,
    Look,
    Story,
    StoryPicture,
    TextSize,
    TimeForm,
)
from digest.rendering.digest_email import render_mail, render_web


@dataclass(frozen=True, slots=True)
class Material:
    """Everything an edition is made of, read in one transaction."""

    edition: Edition
    cadence: Cadence
    digest: Digest
    featured: Post | None
    recent: tuple[Post, ...]
    text_sizes: tuple[TextSize, ...]


@dataclass(frozen=True, slots=True)
class ComposedVariant:
    """One rendering: the parts as sources, and the mail encoded with its places for a person's values."""

    text_size: TextSize
    html: str
    text: str
    mail: bytes
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Composed:
    """A revision before it is stored. `fingerprint` covers every byte that can be sent or shown."""

    subject: str
    preheader: str
    web_html: str
    variants: tuple[ComposedVariant, ...]
    items: tuple[tuple[Role, int, dict[str, Any]], ...]
    fingerprint: str


def compose(material: Material, *, public_url: str, templates: Path | None) -> Composed:
    """Render every variant of an edition once, and its web edition.

    Raises what rendering and the mail's self-check raise: such an edition is held, never sent.
    """
    context = context_of(material, public_url=public_url)
    variants = tuple(
        _variant(material.digest, replace(context, text_size=size), templates) for size in material.text_sizes
    )
    first = render_mail(context, templates=templates)
    web_html = render_web(context, templates=templates)
    return Composed(
        subject=first.subject,
        preheader=first.preheader,
        web_html=web_html,
        variants=variants,
        items=_items(material, context),
        fingerprint=_fingerprint([first.subject, web_html, *(variant.fingerprint for variant in variants)]),
    )


def context_of(material: Material, *, public_url: str) -> EditionContext:
    """What the templates see of an edition."""
    digest, words = material.digest, translator(material.digest.language)
    look = look_of(digest.look)
    return EditionContext(
        digest_title=digest.title,
        digest_url=digest.home_url or public_url,
        language=digest.language,
        zone=material.cadence.zone,
        edition_at=material.edition.due_at,
        featured=_featured(material, look),
        recent=tuple(_story(post, digest.language) for post in material.recent),
        sender_name=digest.sender_name,
        postal_address=digest.postal_address,
        reason=words.gettext("You get this mail because you signed up for %(title)s.", title=digest.title),
        web_url=f"{public_url}/e/{material.edition.public_id}",
        look=look,
        intro=digest.intro,
        sign_off=digest.sign_off,
    )


def look_of(values: Mapping[str, Any]) -> Look:
    """A digest's stored look; whatever it leaves out has its default."""
    chosen = {key: value for key, value in values.items() if value is not None}
    if "time_form" in chosen:
        chosen["time_form"] = TimeForm(chosen["time_form"])
    return Look(**chosen)


def _variant(digest: Digest, context: EditionContext, templates: Path | None) -> ComposedVariant:
    rendered = render_mail(context, templates=templates)
    mail = build_digest(
        from_name=digest.sender_name,
        from_address=digest.sender_address,
        reply_to=digest.reply_to or "",
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        list_help=digest.home_url,
    ).to_bytes()
    return ComposedVariant(
        text_size=context.text_size,
        html=rendered.html,
        text=rendered.text,
        mail=mail,
        fingerprint=hashlib.sha256(mail).hexdigest(),
    )


def _featured(material: Material, look: Look) -> Story | None:
    if material.featured is None:
        return None
    story = _story(material.featured, material.digest.language)
    if material.digest.featured_by is FeaturedBy.CATEGORY:
        story = replace(story, section=_own_spelling(material.featured, material.digest.featured_value))
    # The picture stands above the text; the body must not show it a second time.
    body = material.featured.body_html
    if story.picture is not None:
        body = without_picture(body, story.picture.url)
    is_cut = False
    if look.commentary_words is not None:
        body, is_cut = cut_body(body, look.commentary_words)
    return replace(story, body_html=body, is_cut=is_cut)


def _story(post: Post, digest_language: str) -> Story:
    picture = post.picture
    return Story(
        title=post.title,
        url=post.url,
        author=post.author,
        section=post.categories[0] if post.categories else "",
        excerpt=post.excerpt,
        published_at=post.published_at,
        language=post.language or digest_language,
        picture=StoryPicture(
            url=picture["url"], alt=picture["alt"], width=picture["width"], height=picture["height"]
        )
        if picture
        else None,
    )


def _own_spelling(post: Post, category: str) -> str:
    """The category as the site writes it, not as the rule does."""
    return next((name for name in post.categories if name.casefold() == category.casefold()), category)


def _items(material: Material, context: EditionContext) -> tuple[tuple[Role, int, dict[str, Any]], ...]:
    placed: list[tuple[Role, Post, Story]] = []
    if material.featured is not None and context.featured is not None:
        placed.append((Role.FEATURED, material.featured, context.featured))
    placed += [
        (Role.RECENT, post, story) for post, story in zip(material.recent, context.recent, strict=True)
    ]
    return tuple((role, post.id, _stored_story(story)) for role, post, story in placed)


def _stored_story(story: Story) -> dict[str, Any]:
    stored: dict[str, Any] = asdict(story)
    published: dt.datetime = story.published_at
    return stored | {"published_at": published.isoformat()}


def _fingerprint(parts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part.encode())
    return whole.hexdigest()
