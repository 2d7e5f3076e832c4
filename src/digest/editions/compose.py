"""From chosen posts to a finished revision. Pure but for the templates it reads: no storage, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from digest.editions.changes import Changes
from digest.editions.correction_words import as_correction
from digest.editions.encode import encode_mail, feedback_of
from digest.editions.headings import Headings, of_set
from digest.editions.look import look_of
from digest.editions.markdown import to_html
from digest.editions.rules_form import rules_of
from digest.editions.stories import featured_story, story_of_own, story_of_post
from digest.editions.surroundings import Surroundings
from digest.editions.topic_sets import Filed, Readers, Rendering, filed_under
from digest.editions.topic_wants import wanted
from digest.i18n import translator
from digest.mail.placeholders import Fallback
from digest.models import Cadence, Digest, Edition, LinkForm, OwnItem, Post, Role
from digest.rendering.campaign import with_campaign
from digest.rendering.contexts import Counting, EditionContext, Personal, Story, TextSize
from digest.rendering.digest_email import render_mail, render_web


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
    around: Surroundings = field(default_factory=Surroundings)
    explanation: tuple[dict[str, Any], ...] = ()
    # The digest's topics with their sections, and who has chosen which; none: everybody gets everything.
    sections: Mapping[str, Sequence[str]] = field(default_factory=dict)
    readers: tuple[Readers, ...] = ()
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
    subject: str
    preheader: str
    # The topic set that it was made for and the places of its stories; None: all.
    topics: str = ""
    positions: tuple[int, ...] | None = None
    links: tuple[tuple[str, str], ...] = ()  # those through our domain: the code of each, where it leads


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
    # What is to be said of its topic sets, as in `editions.remarks`.
    remarks: tuple[dict[str, Any], ...] = ()
    # What the checks said of it; see `editions.checks`.
    findings: tuple[dict[str, Any], ...] = ()

    @property
    def links(self) -> dict[str, str]:
        """Where each link leads that goes through our domain, by its code; none if links are direct."""
        return {code: url for variant in self.variants for code, url in variant.links}


@dataclass(frozen=True, slots=True)
class Placed:
    """A story in its place; without a post it is desk-written, or its post is gone."""

    role: Role
    post_id: int | None
    story: Story
    own_item_id: int | None = None
    topics: tuple[str, ...] = ()

    @property
    def filed(self) -> Filed:
        """It as topic sets look at it."""
        return Filed(self.role is Role.FEATURED, self.topics)


def compose(
    material: Material, *, public_url: str, templates: Path | None, context: EditionContext | None = None
) -> Composed:
    """Render every variant of an edition once, and its web edition; `context` is its own, as it was mended.

    Raises what rendering and the mail's self-check raise: such an edition is held, never sent.
    """
    context = context or context_of(material, public_url=public_url)
    placed = placed_of(material, context)
    renderings, remarks = wanted(
        [one.filed for one in placed],
        material.readers,
        edition=material.edition,
        cadence=material.cadence,
        digest=material.digest,
    )
    composed = compose_context(
        material.digest,
        context,
        placed=placed,
        text_sizes=material.text_sizes,
        renderings=renderings,
        headings=Headings(material.digest, material.cadence, material.edition),
        templates=templates,
    )
    return replace(composed, explanation=material.explanation, remarks=remarks)


def compose_context(
    digest: Digest,
    context: EditionContext,
    *,
    placed: tuple[Placed, ...],
    text_sizes: tuple[TextSize, ...],
    templates: Path | None,
    renderings: Sequence[Rendering] = (),
    headings: Headings | None = None,
) -> Composed:
    """Render what the templates see of an edition, whether it comes from posts or from stored stories.

    `renderings` are its topic sets and their text sizes, in place of everything in `text_sizes`. A set that
    lacks a story has its own subject and preheader by `headings`, which do not speak of what is not in it.
    """
    mailed = with_campaign(context)
    feedback = feedback_of(headings) if headings is not None else ""
    asked = renderings or [Rendering("", size, None) for size in text_sizes]
    once: dict[tuple[tuple[int, ...] | None, TextSize], ComposedVariant] = {}
    for one in asked:
        if (one.positions, one.text_size) not in once:
            seen = replace(of_set(mailed, one.positions, headings), text_size=one.text_size)
            once[one.positions, one.text_size] = variant_of(digest, seen, templates, feedback=feedback)
    variants = tuple(
        replace(once[one.positions, one.text_size], topics=one.topics, positions=one.positions)
        for one in asked
    )
    first = render_mail(mailed, templates=templates)
    web_html = render_web(context, templates=templates)
    return Composed(
        subject=first.subject,
        preheader=first.preheader,
        web_html=web_html,
        variants=variants,
        items=placed,
        fingerprint=_fingerprint([first.subject, web_html, *(variant.fingerprint for variant in variants)]),
    )


def filed_of(material: Material) -> list[Filed]:
    """An edition's stories as topic sets look at them, for whoever does not render it."""
    return [one.filed for one in placed_of(material, context_of(material, public_url=""))]


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
            material.featured, digest, rewrite, rules, look_of(digest), public_url=public_url
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
        around=material.around,
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
        around=material.around,
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
    around: Surroundings | None = None,
) -> EditionContext:
    """The digest's own words and looks around stories, and what editors said for this edition."""
    words, said, beside = translator(digest.language), changes or Changes(), around or Surroundings()
    subject, preheader = Headings(digest, cadence, edition).above(featured, recent, said)
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
        look=look_of(digest, public_url=public_url),
        intro=digest.intro if said.intro is None else "",
        intro_html=to_html(digest.intro if said.intro is None else said.intro),
        note_html=to_html(said.note or ""),
        sign_off=digest.sign_off if said.sign_off is None else "",
        sign_off_html=to_html(digest.sign_off if said.sign_off is None else ""),
        parting_html=to_html(said.sign_off or ""),
        personal=personal,
        subject=subject,
        preheader=preheader,
        sign_up_url=beside.sign_up_url(public_url),
        sisters=beside.links(public_url),
        counting=Counting(public_url, edition.public_id) if digest.links is LinkForm.COUNTED else None,
    )


def variant_of(
    digest: Digest, context: EditionContext, templates: Path | None, *, feedback: str = ""
) -> ComposedVariant:
    """One mail, rendered and encoded."""
    rendered = render_mail(context, templates=templates)
    mail = encode_mail(
        digest,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        fallbacks=tuple(Fallback(*one) for one in context.personal),
        follows_on=context.follows_on,
        feedback=feedback,
    ).to_bytes()
    return ComposedVariant(
        text_size=context.text_size,
        html=rendered.html,
        text=rendered.text,
        mail=mail,
        subject=rendered.subject,
        preheader=rendered.preheader,
        links=rendered.links,
        fingerprint=hashlib.sha256(mail).hexdigest(),
    )


def placed_of(material: Material, context: EditionContext) -> tuple[Placed, ...]:
    """The stories of an edition in their places, each with the post or the own item that it is of."""
    if material.stored:
        return material.stored
    first = (
        [Placed(Role.FEATURED, material.featured.id, context.featured)]
        if (material.featured is not None and context.featured is not None)
        else []
    )
    rest = zip(material.recent, context.recent, strict=True)
    return (*first, *(_placed_story(one, story, material.sections) for one, story in rest))


def _placed_story(one: Post | OwnItem, story: Story, sections: Mapping[str, Sequence[str]]) -> Placed:
    # A section that an editor gave it takes the place of its first one.
    if isinstance(one, Post):
        names = (story.section, *one.categories[1:], *one.tags)
        return Placed(Role.RECENT, one.id, story, topics=filed_under(names, sections))
    topics = filed_under((story.section,), sections)
    return Placed(Role.RECENT, None, story, own_item_id=one.id, topics=topics)


def _fingerprint(parts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part.encode())
    return whole.hexdigest()
