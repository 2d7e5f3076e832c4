"""From chosen posts to a finished revision. Pure but for the templates it reads: no storage, no network."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from digest.editions.pictures import picture_of_post
from digest.feeds.bylines import byline, read_style
from digest.feeds.excerpt import cut_body
from digest.feeds.pictures import without_picture
from digest.i18n import translator
from digest.mail.message import build_digest
from digest.mail.placeholders import Fallback, PreparedMail
from digest.models import Cadence, Digest, Edition, FeaturedBy, Post, Reason, Role
from digest.rendering.contexts import (
    UNSUBSCRIBE_URL,
    EditionContext,
    Look,
    Personal,
    Story,
    StoryPicture,
    TextSize,
    TimeForm,
)
from digest.rendering.digest_email import MAX_HTML_BYTES, render_mail, render_web


@dataclass(frozen=True, slots=True)
class Material:
    """Everything an edition is made of, read in one transaction."""

    edition: Edition
    cadence: Cadence
    digest: Digest
    featured: Post | None
    recent: tuple[Post, ...]
    text_sizes: tuple[TextSize, ...]
    personal: tuple[Personal, ...] = ()


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
    items: tuple[Placed, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A story in its place; without a post it is desk-written, or its post is gone."""

    role: Role
    post_id: int | None
    story: Story


def compose(material: Material, *, public_url: str, templates: Path | None) -> Composed:
    """Render every variant of an edition once, and its web edition.

    Raises what rendering and the mail's self-check raise: such an edition is held, never sent.
    """
    context = context_of(material, public_url=public_url)
    return compose_context(
        material.digest,
        context,
        placed=_placed(material, context),
        text_sizes=material.text_sizes,
        templates=templates,
    )


def compose_context(
    digest: Digest,
    context: EditionContext,
    *,
    placed: tuple[Placed, ...],
    text_sizes: tuple[TextSize, ...],
    templates: Path | None,
) -> Composed:
    """Render what the templates see of an edition, whether it comes from posts or from stored stories."""
    variants = tuple(_variant(digest, replace(context, text_size=size), templates) for size in text_sizes)
    first = render_mail(context, templates=templates)
    web_html = render_web(context, templates=templates)
    return Composed(
        subject=first.subject,
        preheader=first.preheader,
        web_html=web_html,
        variants=variants,
        items=placed,
        fingerprint=_fingerprint([first.subject, web_html, *(variant.fingerprint for variant in variants)]),
    )


def problem_of(digest: Digest, composed: Composed) -> tuple[Reason, str] | None:
    """Why this must not be sent as it is, with a detail; None if nothing is wrong with it."""
    if not digest.postal_address.strip():
        return Reason.NO_POSTAL_ADDRESS, ""
    if not all(
        UNSUBSCRIBE_URL in part for variant in composed.variants for part in (variant.html, variant.text)
    ):
        return Reason.NO_SIGN_OFF_LINK, ""
    largest = max(len(variant.html.encode()) for variant in composed.variants)
    if largest > MAX_HTML_BYTES:
        return Reason.TOO_LARGE, f"{largest} > {MAX_HTML_BYTES}"
    return None


def context_of(material: Material, *, public_url: str) -> EditionContext:
    """What the templates see of an edition that is made of posts."""
    digest = material.digest
    return frame_of(
        digest,
        material.cadence,
        material.edition,
        public_url=public_url,
        featured=_featured(material, look_of(digest.look), public_url=public_url),
        recent=tuple(story_of_post(post, digest, public_url=public_url) for post in material.recent),
        personal=material.personal,
    )


def frame_of(
    digest: Digest,
    cadence: Cadence,
    edition: Edition,
    *,
    public_url: str,
    featured: Story | None,
    recent: tuple[Story, ...],
    personal: tuple[Personal, ...] = (),
) -> EditionContext:
    """The digest's own words and looks around stories."""
    words = translator(digest.language)
    return EditionContext(
        digest_title=digest.title,
        digest_url=digest.home_url or public_url,
        language=digest.language,
        zone=cadence.zone,
        edition_at=edition.due_at,
        featured=featured,
        recent=recent,
        sender_name=digest.sender_name,
        postal_address=digest.postal_address,
        reason=words.gettext("You get this mail because you signed up for %(title)s.", title=digest.title),
        web_url=f"{public_url}/e/{edition.public_id}",
        look=look_of(digest.look),
        intro=digest.intro,
        sign_off=digest.sign_off,
        personal=personal,
    )


def look_of(values: Mapping[str, Any]) -> Look:
    """A digest's stored look; whatever it leaves out has its default."""
    chosen = {key: value for key, value in values.items() if value is not None}
    if "time_form" in chosen:
        chosen["time_form"] = TimeForm(chosen["time_form"])
    return Look(**chosen)


def _variant(digest: Digest, context: EditionContext, templates: Path | None) -> ComposedVariant:
    rendered = render_mail(context, templates=templates)
    mail = encode_mail(
        digest,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        fallbacks=tuple(Fallback(*one) for one in context.personal),
    ).to_bytes()
    return ComposedVariant(
        text_size=context.text_size,
        html=rendered.html,
        text=rendered.text,
        mail=mail,
        fingerprint=hashlib.sha256(mail).hexdigest(),
    )


def encode_mail(
    digest: Digest, *, subject: str, html: str, text: str, fallbacks: Sequence[Fallback] = ()
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
        fallbacks=fallbacks,
    )


def _featured(material: Material, look: Look, *, public_url: str) -> Story | None:
    if material.featured is None:
        return None
    story = story_of_post(material.featured, material.digest, public_url=public_url)
    if material.digest.featured_by is FeaturedBy.CATEGORY:
        story = replace(story, section=_own_spelling(material.featured, material.digest.featured_value))
    # The picture stands above the text; the body must not show it a second time.
    body = material.featured.body_html
    if story.picture is not None and material.featured.picture:
        body = without_picture(body, material.featured.picture["url"])
    is_cut = False
    if look.commentary_words is not None:
        body, is_cut = cut_body(body, look.commentary_words)
    return replace(story, body_html=body, is_cut=is_cut)


def story_of_post(post: Post, digest: Digest, *, public_url: str) -> Story:
    """A post as a story, its byline in the digest's style and its picture from us if we have a copy."""
    style = read_style((digest.rules or {}).get("bylines"))
    return Story(
        title=post.title,
        url=post.url,
        author=byline(post.author, style, translator(digest.language)),
        section=post.categories[0] if post.categories else "",
        excerpt=post.excerpt,
        published_at=post.published_at,
        language=post.language or digest.language,
        picture=picture_of_post(post, public_url=public_url),
    )


def _own_spelling(post: Post, category: str) -> str:
    """The category as the site writes it, not as the rule does."""
    return next((name for name in post.categories if name.casefold() == category.casefold()), category)


def _placed(material: Material, context: EditionContext) -> tuple[Placed, ...]:
    first = (
        [Placed(Role.FEATURED, material.featured.id, context.featured)]
        if (material.featured is not None and context.featured is not None)
        else []
    )
    rest = zip(material.recent, context.recent, strict=True)
    return (*first, *(Placed(Role.RECENT, post.id, story) for post, story in rest))


def stored_story(story: Story) -> dict[str, Any]:
    """A story as it is kept with its revision."""
    stored: dict[str, Any] = asdict(story)
    published: dt.datetime = story.published_at
    return stored | {"published_at": published.isoformat()}


def story_of(stored: Mapping[str, Any]) -> Story:
    """The way back from `stored_story`."""
    picture = stored.get("picture")
    return Story(
        **{
            **stored,
            "published_at": dt.datetime.fromisoformat(stored["published_at"]),
            "picture": StoryPicture(**picture) if picture else None,
        }
    )


def _fingerprint(parts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part.encode())
    return whole.hexdigest()
