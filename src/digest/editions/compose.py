"""From chosen posts to a finished revision. Pure but for the templates it reads: no storage, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from digest.editions.changes import Changes
from digest.editions.correction_words import as_correction
from digest.editions.markdown import to_html
from digest.editions.patterns import fill
from digest.editions.rules_form import rules_of
from digest.editions.stories import featured_story, story_of_own, story_of_post
from digest.i18n import translator
from digest.mail.message import build_digest
from digest.mail.placeholders import Fallback, PreparedMail
from digest.models import Cadence, Digest, Edition, OwnItem, Post, Reason, Role
from digest.rendering.contexts import (
    UNSUBSCRIBE_URL,
    EditionContext,
    Look,
    Personal,
    Story,
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
    recent: tuple[Post | OwnItem, ...]
    text_sizes: tuple[TextSize, ...]
    personal: tuple[Personal, ...] = ()
    changes: Changes = field(default_factory=Changes)
    explanation: tuple[dict[str, Any], ...] = ()
    # In place of posts, where it puts a story right that went out before: the story, and what was wrong.
    stored: tuple[Placed, ...] = ()
    correction: str = ""

    @property
    def posts(self) -> tuple[Post, ...]:
        """The posts among its stories, in order."""
        featured = () if self.featured is None else (self.featured,)
        return featured + tuple(one for one in self.recent if isinstance(one, Post))


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
    # What came of each candidate; empty where no choice was made, as for a correction.
    explanation: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """A story in its place; without a post it is desk-written, or its post is gone."""

    role: Role
    post_id: int | None
    story: Story
    own_item_id: int | None = None


def compose(material: Material, *, public_url: str, templates: Path | None) -> Composed:
    """Render every variant of an edition once, and its web edition.

    Raises what rendering and the mail's self-check raise: such an edition is held, never sent.
    """
    context = context_of(material, public_url=public_url)
    composed = compose_context(
        material.digest,
        context,
        placed=_placed(material, context),
        text_sizes=material.text_sizes,
        templates=templates,
    )
    return replace(composed, explanation=material.explanation)


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
    """What the templates see of an edition that is made of posts and the desk's own items."""
    digest, changes = material.digest, material.changes
    if material.stored:
        return as_correction(_frame_of_stored(material, public_url), material.correction, changes)
    featured = None
    if material.featured is not None:
        rewrite = changes.rewrites.get(material.featured.id, {})
        rules = rules_of(digest, material.cadence)
        featured = featured_story(
            material.featured, digest, rewrite, rules, look_of(digest.look), public_url=public_url
        )
    return frame_of(
        digest,
        material.cadence,
        material.edition,
        public_url=public_url,
        featured=featured,
        recent=tuple(_story(material, one, public_url) for one in material.recent),
        personal=material.personal,
        changes=changes,
    )


def _frame_of_stored(material: Material, public_url: str) -> EditionContext:
    return frame_of(
        material.digest,
        material.cadence,
        material.edition,
        public_url=public_url,
        featured=next((one.story for one in material.stored if one.role is Role.FEATURED), None),
        recent=tuple(one.story for one in material.stored if one.role is Role.RECENT),
        personal=material.personal,
        changes=material.changes,
    )


def _story(material: Material, one: Post | OwnItem, public_url: str) -> Story:
    digest, changes = material.digest, material.changes
    if isinstance(one, Post):
        return story_of_post(one, digest, changes.rewrites.get(one.id, {}), public_url=public_url)
    return story_of_own(one, digest.language, material.edition.due_at, changes.own_rewrites.get(one.id, {}))


def frame_of(
    digest: Digest,
    cadence: Cadence,
    edition: Edition,
    *,
    public_url: str,
    featured: Story | None,
    recent: tuple[Story, ...],
    personal: tuple[Personal, ...] = (),
    changes: Changes | None = None,
) -> EditionContext:
    """The digest's own words and looks around stories, and what editors said for this edition."""
    words, said = translator(digest.language), changes or Changes()
    tokens = {
        "featured.title": featured.title if featured is not None else "",
        "digest.title": digest.title,
        "date": words.date(edition.due_at, cadence.zone),
        "count": words.number(len(recent) + (featured is not None)),
    }
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
        archive_url=f"{public_url}/archive/{digest.name}" if digest.has_archive else "",
        look=look_of(digest.look),
        intro=digest.intro if said.intro is None else "",
        intro_html=to_html(said.intro or ""),
        sign_off=digest.sign_off,
        personal=personal,
        subject=_line(said.subject, digest.subject_pattern, tokens),
        preheader=_line(said.preheader, digest.preheader_pattern, tokens),
    )


def _line(said: str | None, pattern: str | None, tokens: Mapping[str, str]) -> str:
    """An editor's own line, else the digest's pattern; "" if neither can be filled: the template's then."""
    return fill(said or "", tokens) or fill(pattern or "", tokens)


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
        follows_on=context.follows_on,
    ).to_bytes()
    return ComposedVariant(
        text_size=context.text_size,
        html=rendered.html,
        text=rendered.text,
        mail=mail,
        fingerprint=hashlib.sha256(mail).hexdigest(),
    )


def encode_mail(
    digest: Digest,
    *,
    subject: str,
    html: str,
    text: str,
    fallbacks: Sequence[Fallback] = (),
    follows_on: bool = False,
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
        follows_on=follows_on,
        fallbacks=fallbacks,
    )


def _placed(material: Material, context: EditionContext) -> tuple[Placed, ...]:
    if material.stored:
        return material.stored
    first = (
        [Placed(Role.FEATURED, material.featured.id, context.featured)]
        if (material.featured is not None and context.featured is not None)
        else []
    )
    rest = zip(material.recent, context.recent, strict=True)
    return (*first, *(_placed_story(one, story) for one, story in rest))


def _placed_story(one: Post | OwnItem, story: Story) -> Placed:
    if isinstance(one, Post):
        return Placed(Role.RECENT, one.id, story)
    return Placed(Role.RECENT, None, story, own_item_id=one.id)


def _fingerprint(parts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part.encode())
    return whole.hexdigest()
