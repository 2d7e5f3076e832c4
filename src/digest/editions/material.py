"""What an edition would be made of now: read in one transaction, for the freeze and for whoever looks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.editions.candidates import all_sources_are_down, candidates, posts_in_order, source_titles
from digest.editions.changes import Changes, read_changes
from digest.editions.compose import Material
from digest.editions.corrections import PutRight, choice_of, put_right_of
from digest.editions.deadlines import was_let_go
from digest.editions.explanation import rows_of
from digest.editions.own_items import own_candidates
from digest.editions.rules import Rules
from digest.editions.rules_form import rules_of
from digest.editions.select import Choice, choose
from digest.editions.surroundings import surroundings_of
from digest.editions.topic_readers import follows_topics, readers_of, sections_of
from digest.editions.verdicts import Result
from digest.lists.in_mails import personal_of
from digest.models import (
    Cadence,
    Digest,
    Edition,
    EditionKind,
    EditionState,
    MailingList,
    OwnItem,
    Post,
    Reason,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.models import TextSize as ChosenSize
from digest.rendering.contexts import TextSize

_ENDS = {
    Result.THIN: (EditionState.SKIPPED, Reason.TOO_FEW_STORIES),
    Result.THIN_HELD: (EditionState.HELD, Reason.THIN_NEWS),
    Result.NO_FEATURED: (EditionState.HELD, Reason.NO_FEATURED),
}


# What an edition is held for, and may go out with once its deadline says so.
_LET_GO = (Result.THIN_HELD, Result.NO_FEATURED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Why there is no revision: what the edition becomes instead. `explanation` is for `keep_explanation`."""

    state: EditionState
    reason: Reason
    detail: str = ""
    explanation: tuple[dict[str, Any], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Considered:
    """An edition, the choice that would be made for it now, and what it was made by."""

    edition: Edition
    cadence: Cadence
    digest: Digest
    rules: Rules
    changes: Changes
    choice: Choice
    own: dict[int, OwnItem]
    explanation: tuple[dict[str, Any], ...]
    put_right: PutRight | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to make a mail of."""
        return self.choice.is_empty and self.put_right is None


def considered(session: Session, edition_id: int, *, now: dt.datetime) -> Considered:
    """Choose an edition's stories as if it were fixed when its lead begins, or `now` if that is past."""
    edition, cadence, digest = session.execute(
        sa.select(Edition, Cadence, Digest)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(Edition.id == edition_id)
    ).one()
    rules, changes = rules_of(digest, cadence), read_changes(session, edition_id)
    if (right := put_right_of(session, edition)) is not None:
        # Nothing is chosen for a correction: it is of the story that it puts right.
        chosen, story = choice_of(right), right.placed.story
        titles = dict.fromkeys(chosen.post_ids, story.title)
        own_titles = {right.placed.own_item_id: story.title} if right.placed.own_item_id else {}
        rows = rows_of(chosen, titles, own_titles)
        return Considered(edition, cadence, digest, rules, changes, chosen, {}, tuple(rows), right)
    day = edition.send_at.astimezone(ZoneInfo(cadence.zone)).date()
    own = own_candidates(session, edition, digest.id, day, changes.wishes.own)
    found = candidates(session, edition, rules, wanted=changes.wishes.posts)
    if edition.kind is EditionKind.BREAKING and changes.wishes.posts:
        # Of these stories alone, however few they are.
        found = [one for one in found if one.post_id in changes.wishes.posts]
        rules = replace(rules, recent=replace(rules.recent, least=0))
        own = {}
    choice = choose(
        found,
        rules,
        at=edition.send_at,
        now=max(now, edition.send_at - dt.timedelta(seconds=cadence.lead_seconds)),
        day=day,
        wishes=changes.wishes,
        own=[candidate for _, candidate in own.values()],
    )
    rows = rows_of(
        choice,
        {one.post_id: one.title for one in found},
        {item_id: item.title for item_id, (item, _) in own.items()},
        source_titles(session, edition),
    )
    return Considered(
        edition=edition,
        cadence=cadence,
        digest=digest,
        rules=rules,
        changes=changes,
        choice=choice,
        own={item_id: item for item_id, (item, _) in own.items()},
        explanation=tuple(rows),
    )


def material_of(
    session: Session, edition_id: int, *, now: dt.datetime | None = None, counts_readers: bool = True
) -> Material | Outcome:
    """What an edition would be made of now, or why there is nothing to make it of.

    `counts_readers` says that it is to be rendered, for which the choices of all its readers are looked at.
    """
    one = considered(session, edition_id, now=now or clock.utc_now())
    ended = outcome_of(session, one)
    if ended is not None:
        return ended
    material = material_from(session, one)
    if not counts_readers or not material.sections:
        return material
    return replace(material, readers=readers_of(session, one.edition, material.sections))


def outcome_of(session: Session, one: Considered) -> Outcome | None:
    """What an edition becomes for lack of stories; None if there are enough."""
    if one.choice.result is Result.OK:
        return None
    if one.choice.result in _LET_GO and one.choice.post_ids and was_let_go(session, one.edition):
        return None
    if one.choice.result is Result.EMPTY:
        is_down = all_sources_are_down(session, one.edition)
        state, reason = EditionState.SKIPPED, Reason.SOURCES_DOWN if is_down else Reason.NOTHING_NEW
    else:
        state, reason = _ENDS[one.choice.result]
    return Outcome(state, reason, explanation=one.explanation)


def material_from(session: Session, one: Considered) -> Material:
    """The stories that were chosen, with all that is needed to render them."""
    if one.put_right is not None:
        return _material_of_correction(session, one, one.put_right)
    posts = {post.id: post for post in posts_in_order(session, one.choice.post_ids)}
    recent: list[Post | OwnItem] = []
    for place in one.choice.places:
        if place.post_id is not None:
            recent.append(posts[place.post_id])
        elif place.own_item_id is not None:
            recent.append(one.own[place.own_item_id])
    return Material(
        edition=one.edition,
        cadence=one.cadence,
        digest=one.digest,
        featured=posts[one.choice.featured] if one.choice.featured is not None else None,
        recent=tuple(recent),
        text_sizes=_text_sizes(session, one.digest),
        personal=personal_of(session, one.digest, *one.changes.markdown),
        changes=one.changes,
        around=surroundings_of(session, one.digest),
        explanation=one.explanation,
        sections=sections_of(session, one.digest.id) if follows_topics(one.edition) else {},
    )


def _material_of_correction(session: Session, one: Considered, right: PutRight) -> Material:
    return Material(
        edition=one.edition,
        cadence=one.cadence,
        digest=one.digest,
        featured=None,
        recent=(),
        text_sizes=_text_sizes(session, one.digest),
        personal=personal_of(session, one.digest, *one.changes.markdown),
        changes=one.changes,
        around=surroundings_of(session, one.digest),
        explanation=one.explanation,
        stored=(right.placed,),
        correction=right.note,
    )


def _text_sizes(session: Session, digest: Digest) -> tuple[TextSize, ...]:
    """The normal size, and the large one if anybody on the digest's lists reads it."""
    somebody = session.scalar(
        sa.select(Subscriber.id)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(
            MailingList.digest_id == digest.id,
            Subscription.status == SubscriptionStatus.ACTIVE,
            Subscriber.text_size == ChosenSize.LARGE,
        )
        .limit(1)
    )
    return (TextSize.NORMAL, TextSize.LARGE) if somebody else (TextSize.NORMAL,)
