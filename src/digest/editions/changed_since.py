"""What has changed on the sites since an edition was locked: its stories as fixed, and the posts now.

It is as of the last collection; whoever wants it fresher collects first. Nothing is changed by looking.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.changes import read_changes
from digest.editions.stories import story_of
from digest.errors import StateError
from digest.feeds.pictures import without_picture
from digest.feeds.sanitise import plain_text
from digest.i18n import N_
from digest.models import Edition, Item, Post, Revision, Role, Withdrawal
from digest.rendering.contexts import Story


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One part of a story, `title`, `excerpt` or `body`: the lines that went and those that came."""

    part: str
    before: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoryChange:
    """A story (from 1) that is not on its site any more as it was locked."""

    number: int
    title: str
    withdrawn: Withdrawal | None
    changes: tuple[FieldChange, ...]


def changed_since_lock(session: Session, edition: Edition) -> list[StoryChange]:
    """The stories of the current version whose posts have changed; raises StateError if there is none yet.

    What an editor has written anew stays so when it is locked again, and is no change. Three statements at
    most, and texts are read only of posts that have changed.
    """
    if edition.revision_id is None:
        raise StateError(
            N_("This edition has no version yet; lock it first."),
            hint=f"`digest edition freeze {edition.id}` does.",
        )
    locked_at = session.get_one(Revision, edition.revision_id).created_at
    rows = session.execute(
        sa.select(Item, Post)
        .join(Post, Post.id == Item.post_id)
        .where(
            Item.revision_id == edition.revision_id,
            sa.or_(Post.changed_at > locked_at, Post.withdrawn.is_not(None)),
        )
        .order_by(Item.position)
    ).all()
    rewrites = read_changes(session, edition.id).rewrites if rows else {}
    found = []
    for item, post in rows:
        story = story_of(item.story)
        rewrite = rewrites.get(post.id, {})
        changes = tuple(_changes(story, post, rewrite, has_body=item.role is Role.FEATURED))
        if changes or post.withdrawn is not None:
            found.append(StoryChange(item.position + 1, story.title, post.withdrawn, changes))
    return found


def _changes(
    story: Story, post: Post, rewrite: Mapping[str, Any], *, has_body: bool
) -> Iterator[FieldChange]:
    title, excerpt = rewrite.get("title", post.title), rewrite.get("excerpt", post.excerpt)
    if story.title != title:
        yield FieldChange("title", (story.title,), (title,))
    if story.excerpt != excerpt:
        yield FieldChange("excerpt", (story.excerpt,), (excerpt,))
    if has_body and (found := _body_change(story, post)) is not None:
        yield found


def _body_change(story: Story, post: Post) -> FieldChange | None:
    """Paragraph by paragraph; of a text that is cut in the mail, what is behind the cut does not count."""
    body_html = post.body_html
    if story.picture is not None and post.picture:  # it stands above the text, and not in it again
        body_html = without_picture(body_html, post.picture["url"])
    before, now = _paragraphs(story.body_html), _paragraphs(body_html)
    if story.is_cut:
        before, now = before[:-1], now[: len(before) - 1]
    matcher = difflib.SequenceMatcher(a=before, b=now, autojunk=False)
    gone: list[str] = []
    come: list[str] = []
    for what, a_start, a_end, b_start, b_end in matcher.get_opcodes():
        if what != "equal":
            gone += before[a_start:a_end]
            come += now[b_start:b_end]
    return FieldChange("body", tuple(gone), tuple(come)) if gone or come else None


def _paragraphs(body_html: str) -> list[str]:
    texts = (plain_text(part) for part in body_html.split("</p>"))
    return [text for text in texts if text]
