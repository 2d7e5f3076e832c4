"""What is otherwise between two versions of an edition, in words: what an approver looks at once more.

`what_changed` is pure; `shown_of` reads what it compares.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.notes import OWN_WORDS, note_of, own_words_of
from digest.i18n import N_, Translator
from digest.models import ChangeKind, EditionChange, Item, Revision, Role

Key = tuple[str, int | str]


class What(StrEnum):
    SUBJECT = "subject"
    PREHEADER = "preheader"
    INTRO = "intro"
    NOTE = "note"
    SIGN_OFF = "sign_off"
    DROPPED = "dropped"
    ADDED = "added"
    FEATURED = "featured"
    RECENT = "recent"
    MOVED = "moved"
    TITLE = "title"
    EXCERPT = "excerpt"
    BODY = "body"
    PICTURE = "picture"
    SECTION = "section"
    REST = "rest"


SENTENCES: dict[What, str] = {
    What.SUBJECT: N_("The subject is now: %(now)s"),
    What.PREHEADER: N_("The line after the subject is now: %(now)s"),
    What.INTRO: N_("The words above the stories are otherwise."),
    What.NOTE: N_("The note to the readers is otherwise."),
    What.SIGN_OFF: N_("The words below the stories are otherwise."),
    What.DROPPED: N_("No longer in it: %(title)s"),
    What.ADDED: N_("New in it: %(title)s"),
    What.FEATURED: N_("Featured now: %(title)s"),
    What.RECENT: N_("No longer featured: %(title)s"),
    What.MOVED: N_("At another place: %(title)s"),
    What.TITLE: N_("Another title: %(title)s (it was: %(was)s)"),
    What.EXCERPT: N_("Another excerpt: %(title)s"),
    What.BODY: N_("Another text: %(title)s"),
    What.PICTURE: N_("Another picture: %(title)s"),
    What.SECTION: N_("In another section: %(title)s"),
    What.REST: N_("Something of the mail is otherwise that is neither a story nor the subject."),
}


@dataclass(frozen=True, slots=True)
class ShownStory:
    """A story as a version shows it. `key` tells it from the others, whatever it is called."""

    key: Key
    title: str
    is_featured: bool = False
    excerpt: str = ""
    body: str = ""
    picture: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader sees of a version, as far as it can be put in words."""

    fingerprint: str
    subject: str
    preheader: str = ""
    intro: tuple[str, ...] = ()
    note: str = ""
    sign_off: str = ""
    stories: tuple[ShownStory, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of what is otherwise."""

    what: What
    facts: Mapping[str, str] = field(default_factory=dict)


def what_changed(old: Shown, new: Shown) -> tuple[Difference, ...]:
    """What the new version has otherwise, the subject first, then what is gone, come, moved and rewritten.

    Empty for the same content. Two that differ have a line at least: what no line tells has one for itself.
    """
    if old.fingerprint == new.fingerprint:
        return ()
    return tuple(_changed(old, new)) or (Difference(What.REST),)


def difference_sentence(one: Difference, words: Translator) -> str:
    """A line for a person."""
    return words.gettext(SENTENCES[one.what], **one.facts)


def _changed(old: Shown, new: Shown) -> Iterator[Difference]:
    if old.subject != new.subject:
        yield Difference(What.SUBJECT, {"now": new.subject})
    if old.preheader != new.preheader:
        yield Difference(What.PREHEADER, {"now": new.preheader})
    if old.intro != new.intro:
        yield Difference(What.INTRO)
    if old.note != new.note:
        yield Difference(What.NOTE)
    if old.sign_off != new.sign_off:
        yield Difference(What.SIGN_OFF)
    before = {story.key: story for story in old.stories}
    after = {story.key: story for story in new.stories}
    yield from (Difference(What.DROPPED, {"title": before[key].title}) for key in before if key not in after)
    yield from (Difference(What.ADDED, {"title": after[key].title}) for key in after if key not in before)
    both = [key for key in after if key in before]
    moved = _moved([key for key in before if key in after], both)
    for key in both:
        yield from _story_changed(before[key], after[key], is_moved=key in moved)


def _story_changed(old: ShownStory, new: ShownStory, *, is_moved: bool) -> Iterator[Difference]:
    title = {"title": new.title}
    if old.is_featured != new.is_featured:
        yield Difference(What.FEATURED if new.is_featured else What.RECENT, title)
    elif is_moved:
        yield Difference(What.MOVED, title)
    if old.title != new.title:
        yield Difference(What.TITLE, {"title": new.title, "was": old.title})
    if old.excerpt != new.excerpt:
        yield Difference(What.EXCERPT, title)
    # Only what is featured has its text shown.
    if old.body != new.body and old.is_featured == new.is_featured:
        yield Difference(What.BODY, title)
    if old.picture != new.picture:
        yield Difference(What.PICTURE, title)
    if old.section != new.section:
        yield Difference(What.SECTION, title)


def _moved(before: list[Key], after: list[Key]) -> set[Key]:
    """The fewest that have to be moved to make one order of the other."""
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    stay = {key for block in matcher.get_matching_blocks() for key in after[block.b : block.b + block.size]}
    return set(after) - stay


def shown_of(session: Session, revision: Revision) -> Shown:
    """What a version shows, as it was when it was made."""
    items = session.scalars(
        sa.select(Item).where(Item.revision_id == revision.id).order_by(Item.position)
    ).all()
    counted = sa.or_(EditionChange.undone_at.is_(None), EditionChange.undone_at > revision.created_at)
    rows = session.scalars(
        sa.select(EditionChange)
        .where(
            EditionChange.edition_id == revision.edition_id,
            EditionChange.kind.in_((*OWN_WORDS, ChangeKind.NOTE)),
            EditionChange.made_at <= revision.created_at,
            counted,
        )
        .order_by(EditionChange.id)
    )
    said = {row.kind: row.details["text"] for row in rows if "text" in row.details}
    said |= own_words_of(session, revision.edition_id, revision.number)
    return Shown(
        fingerprint=revision.fingerprint,
        subject=revision.subject,
        preheader=revision.preheader,
        intro=tuple(said.get(kind, "") for kind in (ChangeKind.INTRO, ChangeKind.NOTE)),
        note=note_of(session, revision.edition_id, revision.number),
        sign_off=said.get(ChangeKind.SIGN_OFF, ""),
        stories=tuple(_story(item) for item in items),
    )


def _story(item: Item) -> ShownStory:
    return shown_story(
        item.story,
        position=item.position,
        is_featured=item.role is Role.FEATURED,
        post_id=item.post_id,
        own_item_id=item.own_item_id,
    )


def shown_story(
    kept: Mapping[str, Any],
    *,
    position: int,
    is_featured: bool,
    post_id: int | None,
    own_item_id: int | None,
) -> ShownStory:
    """A story, as it is kept with a version, with the key by which another version has it too."""
    key: Key = ("url", kept.get("url") or kept.get("title") or str(position))
    if post_id is not None:
        key = ("post", post_id)
    elif own_item_id is not None:
        key = ("own", own_item_id)
    picture: Mapping[str, Any] = kept.get("picture") or {}
    return ShownStory(
        key=key,
        title=kept.get("title", ""),
        is_featured=is_featured,
        excerpt=kept.get("excerpt", ""),
        body=kept.get("body_html", ""),
        picture=" ".join(part for part in (picture.get("url"), picture.get("alt")) if part),
        section=kept.get("section", ""),
    )
