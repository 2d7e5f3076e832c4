"""A coming edition as it stands: stories with their reasons, subject, people, and what will be of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from digest.editions.approval_settings import approve_by
from digest.editions.audience import people_of
from digest.editions.compose import Material, context_of, filed_of
from digest.editions.gate import is_approved
from digest.editions.gate import outcome_of as approval_outcome_of
from digest.editions.made_once import lines_of
from digest.editions.material import Considered, Outcome, considered, material_from, outcome_of
from digest.editions.reasons import sentence
from digest.editions.show import EditionLine, edition_line, get_edition
from digest.editions.topic_lines import TopicLine, filed_stories, topic_lines
from digest.editions.topic_readers import follows_topics, sections_of
from digest.editions.topic_sets import Filed
from digest.editions.topic_wants import least_of
from digest.editions.verdicts import IS_IN
from digest.errors import StateError
from digest.i18n import N_, Translator
from digest.models import Cadence, Digest, Edition, EditionState, Fallback, Reason, Revision, Unapproved

LIVE = (EditionState.UPCOMING, EditionState.HELD)


class Fate(StrEnum):
    """What becomes of an edition if nobody touches it."""

    GOES_OUT = "goes_out"
    SKIPPED = "skipped"
    HELD = "held"
    APPROVAL_THEN_SENT = "approval_then_sent"
    APPROVAL_THEN_WITHOUT_FEATURED = "approval_then_without_featured"
    APPROVAL_THEN_SKIPPED = "approval_then_skipped"
    DEADLINE_THEN_SENT = "deadline_then_sent"
    DEADLINE_THEN_SKIPPED = "deadline_then_skipped"


FATES: dict[Fate, str] = {
    Fate.GOES_OUT: N_("If nobody touches it, it goes out with %(stories)s stories to %(people)s people."),
    Fate.SKIPPED: N_("If nobody touches it, it comes to nothing. %(why)s"),
    Fate.HELD: N_("If nobody touches it, it waits for a person. %(why)s"),
    Fate.APPROVAL_THEN_SENT: N_("It wants approval; if nobody says a word by %(until)s, it goes out."),
    Fate.APPROVAL_THEN_WITHOUT_FEATURED: N_(
        "It wants approval; if nobody says a word by %(until)s, it goes out without the featured story."
    ),
    Fate.APPROVAL_THEN_SKIPPED: N_("It wants approval; if nobody says a word by %(until)s, it is skipped."),
    Fate.DEADLINE_THEN_SENT: N_("It waits for a person; if nobody comes by %(until)s, it goes out."),
    Fate.DEADLINE_THEN_SKIPPED: N_("It waits for a person; if nobody comes by %(until)s, it is skipped."),
}

_UNAPPROVED = {
    Unapproved.SEND: Fate.APPROVAL_THEN_SENT,
    Unapproved.WITHOUT_FEATURED: Fate.APPROVAL_THEN_WITHOUT_FEATURED,
    Unapproved.SKIP: Fate.APPROVAL_THEN_SKIPPED,
}


@dataclass(frozen=True, slots=True)
class Coming:
    """One edition before it goes out. `rows` are as in `editions.explanation`, those that are in first.

    `locks_in` and `goes_out_in` are seconds from now, below 0 once that is past; `people` whoever would be
    mailed if it went out now; `topics` what each of the digest's topics has of it.
    """

    line: EditionLine
    is_live: bool
    subject: str
    preheader: str
    people: int
    locks_at: dt.datetime
    locks_in: int
    goes_out_in: int
    fate: Fate
    fate_reason: Reason | None
    fate_until: dt.datetime | None
    changes: int
    rows: tuple[dict[str, Any], ...]
    topics: tuple[TopicLine, ...] = ()

    @property
    def stories(self) -> int:
        """How many are in it."""
        return sum(row.get("why") in IS_IN for row in self.rows)


def coming(
    session: Session,
    edition_id: int,
    *,
    templates: Path | None,
    now: dt.datetime,
    one: Considered | None = None,
    material: Material | None = None,
) -> Coming:
    """How a coming edition stands; raises StateError for one that is on its way already.

    `one` is its choice and `material` what that comes to, where the caller has them already.
    """
    edition = get_edition(session, edition_id)
    cadence = session.get_one(Cadence, edition.cadence_id)
    if edition.state not in (*LIVE, EditionState.FROZEN):
        raise StateError(
            N_("This edition is not coming any more."),
            hint=f"It is {edition.state}; look at it by `digest edition show {edition_id}`.",
        )
    people = people_of(session, edition)
    locks_at = edition.send_at - dt.timedelta(seconds=cadence.lead_seconds)
    outcome: Outcome | None = None
    sections = sections_of(session, cadence.digest_id) if follows_topics(edition) else {}
    filed: list[Filed] = []
    if edition.state is EditionState.FROZEN:
        revision = session.get_one(Revision, edition.revision_id)
        rows, changes = tuple(edition.explanation), 0
        subject, preheader = revision.subject, revision.preheader
        filed = filed_stories(session, revision.id)
    else:
        one = one or considered(session, edition_id, now=now)
        rows, changes = one.explanation, _count(one)
        if material is None and not one.is_empty:
            material = material_from(session, one)
        subject, preheader = _lines(material, templates)
        outcome = outcome_of(session, one)
        if sections and not one.choice.is_empty and material is not None:
            filed = filed_of(material)
    least = least_of(edition, cadence, session.get_one(Digest, cadence.digest_id))
    is_asked = cadence.wants_approval
    if edition.state is EditionState.FROZEN:  # as it was when it was locked, and since
        is_asked = not is_approved(session, edition)
    fate, reason, until = _fate(edition, cadence, outcome, people, is_asked=is_asked)
    return Coming(
        line=edition_line(session, edition_id),
        is_live=edition.state in LIVE,
        subject=subject,
        preheader=preheader,
        people=people,
        locks_at=locks_at,
        locks_in=int((locks_at - now).total_seconds()),
        goes_out_in=int((edition.send_at - now).total_seconds()),
        fate=fate,
        fate_reason=reason,
        fate_until=until,
        changes=changes,
        rows=rows,
        topics=topic_lines(tuple(sections), filed, least=least) if filed else (),
    )


def explanation_of(
    session: Session, edition_id: int, *, now: dt.datetime
) -> tuple[bool, list[dict[str, Any]]]:
    """What came of each candidate: as it is now and true (live), or as it was when the content was fixed."""
    edition = get_edition(session, edition_id)
    if edition.state in LIVE:
        return True, list(considered(session, edition_id, now=now).explanation)
    return False, [dict(row) for row in edition.explanation]


def fate_sentence(found: Coming, words: Translator) -> str:
    """What becomes of it, for a person; a moment is in the cadence's zone."""
    until = found.fate_until
    zone = found.line.zone
    told = {
        "stories": words.number(found.stories),
        "people": words.number(found.people),
        "why": sentence(found.fate_reason, words) if found.fate_reason is not None else "",
        "until": f"{words.date(until, zone)}, {words.clock(until, zone)}" if until is not None else "",
    }
    return words.gettext(FATES[found.fate], **told).strip()


def _lines(material: Material | None, templates: Path | None) -> tuple[str, str]:
    return (
        ("", "") if material is None else lines_of(context_of(material, public_url=""), templates=templates)
    )


def _count(one: Considered) -> int:
    said = (*one.changes.markdown, one.changes.subject, one.changes.preheader)
    wishes = len(one.changes.wishes.posts) + len(one.changes.wishes.own)
    rewrites = len(one.changes.rewrites) + len(one.changes.own_rewrites)
    return wishes + rewrites + sum(word is not None for word in said)


def _fate(
    edition: Edition, cadence: Cadence, outcome: Outcome | None, people: int, *, is_asked: bool
) -> tuple[Fate, Reason | None, dt.datetime | None]:
    is_sent = cadence.hold_outcome is Fallback.SEND
    until = edition.deadline_at or edition.send_at + dt.timedelta(seconds=cadence.hold_seconds)
    if edition.state is EditionState.HELD:
        return Fate.DEADLINE_THEN_SENT if is_sent else Fate.DEADLINE_THEN_SKIPPED, edition.reason, until
    if outcome is not None:
        fate = Fate.SKIPPED if outcome.state is EditionState.SKIPPED else Fate.HELD
        return fate, outcome.reason, None
    if people == 0:
        return Fate.SKIPPED, Reason.NO_READERS, None
    if is_asked:
        if edition.state is not EditionState.FROZEN:
            until = approve_by(cadence, edition.send_at) or until
        return _UNAPPROVED[approval_outcome_of(cadence)], None, until
    return Fate.GOES_OUT, None, None
