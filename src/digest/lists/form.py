"""What a sign-up form of one list or of several offers: how often, topics, other languages."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.i18n import translator
from digest.lists.fields import is_short_name
from digest.models import Cadence, Digest, MailingList, OptIn, Topic
from digest.rendering.rhythms import Schedule, rhythm_words

MOST_LISTS: Final = 20


@dataclass(frozen=True, slots=True)
class FormList:
    """One list that may be signed up to. `cadences` is empty where there is nothing to choose.

    Where one alone runs, a sign-up is to that: what starts later is nothing they have chosen.
    """

    id: int
    name: str
    title: str
    language: str
    paper: str
    opt_in: OptIn
    origins: tuple[str, ...]
    cadences: tuple[Schedule, ...]
    topics: tuple[tuple[str, str], ...]  # name, title
    only_cadence_id: int | None = None

    def rhythms(self, now: dt.datetime) -> dict[str, str]:
        """The cadences by name, in a reader's words, the most frequent first."""
        names = {each.id: each.name for each in self.cadences}
        words = rhythm_words(self.cadences, translator(self.language), now=now)
        return {names[each.id]: f"{each.label} ({each.detail})" for each in words}

    @property
    def consent(self) -> str:
        """The words that stand beside the button, in the digest's language."""
        words = translator(self.language)
        return words.gettext(
            "I want to receive %(title)s by mail. I can leave at any time, by one press.", title=self.title
        )

    def consent_among_several(self, language: str) -> str:
        """What stands beside the tick and the button of a form for several lists, in the form's language."""
        words = translator(language)
        sentence = words.gettext(
            "I want to receive what is ticked, by mail. I can leave at any time, by one press."
        )
        return f"{self.title}. {sentence}"


@dataclass(frozen=True, slots=True)
class Sister:
    """The same paper's open list in another language."""

    list_name: str
    title: str
    language: str


def open_lists(session: Session, names: Sequence[str]) -> tuple[FormList, ...]:
    """The lists of these names, in this order, that are open to the public; others are left out."""
    wanted = [name for name in dict.fromkeys(names) if is_short_name(name)][:MOST_LISTS]
    rows = session.execute(_lists(), {"names": wanted}).all()
    digest_ids = sorted({row.digest_id for row in rows})
    cadences, topics = _cadences(session, digest_ids), _topics(session, digest_ids)
    made = {}
    for row in rows:
        running = cadences.get(row.digest_id, [])
        made[row.name] = FormList(
            id=row.id,
            name=row.name,
            title=row.title,
            language=row.language,
            paper=row.sender_name,
            opt_in=row.opt_in,
            origins=tuple(row.form_origins),
            cadences=tuple(running) if len(running) > 1 else (),
            topics=tuple(topics.get(row.digest_id, ())),
            only_cadence_id=running[0].id if len(running) == 1 else None,
        )
    return tuple(made[name] for name in wanted if name in made)


# These three are read at each sign-up. They are built once, for to build a statement takes longer than to run
# it, and over the tables, not the classes: there are no objects to keep.
@functools.cache
def _lists() -> sa.Select[Any]:
    lists, digests = MailingList.__table__, Digest.__table__
    columns = [lists.c[name] for name in ("id", "digest_id", "name", "title", "opt_in", "form_origins")]
    return (
        sa.select(*columns, digests.c.language, digests.c.sender_name)
        .join(digests, digests.c.id == lists.c.digest_id)
        .where(lists.c.name.in_(sa.bindparam("names", expanding=True)), lists.c.is_open)
    )


@functools.cache
def _running() -> sa.Select[Any]:
    rows = Cadence.__table__.c
    chosen = rows.digest_id.in_(sa.bindparam("digests", expanding=True))
    query = sa.select(rows.digest_id, rows.id, rows.name, rows.cron, rows.zone)
    return query.where(chosen, rows.is_running).order_by(rows.id)


@functools.cache
def _topics_of() -> sa.Select[Any]:
    rows = Topic.__table__.c
    chosen = rows.digest_id.in_(sa.bindparam("digests", expanding=True))
    return sa.select(rows.digest_id, rows.name, rows.title).where(chosen).order_by(rows.position, rows.name)


def sisters(session: Session, list_id: int) -> tuple[Sister, ...]:
    """The open lists of the sister digests in other languages, one for each language."""
    found: dict[str, Sister] = {}
    for sister in sisters_of(session, [list_id]).get(list_id, ()):
        found.setdefault(sister.language, sister)
    return tuple(found.values())


def sisters_of(session: Session, list_ids: Sequence[int]) -> dict[int, list[Sister]]:
    """For each of these lists all open lists of its sister digests in other languages, the oldest first."""
    own = (
        sa.select(MailingList.id, Digest.sister_group, Digest.language)
        .join(Digest, Digest.id == MailingList.digest_id)
        .where(MailingList.id.in_(list_ids), Digest.sister_group.is_not(None))
        .subquery()
    )
    rows = session.execute(
        sa.select(own.c.id.label("own"), MailingList.name, MailingList.title, Digest.language)
        .join(Digest, Digest.id == MailingList.digest_id)
        .join(own, own.c.sister_group == Digest.sister_group)
        .where(MailingList.is_open, Digest.language != own.c.language)
        .order_by(MailingList.id)
    )
    found: dict[int, list[Sister]] = {}
    for row in rows:
        found.setdefault(row.own, []).append(Sister(row.name, row.title, row.language))
    return found


def in_language(
    lists: Sequence[FormList], sisters: Mapping[int, Sequence[Sister]], language: str
) -> list[str]:
    """The names of the lists that a form for `lists` has in a language, in the same order; pure.

    In the place of each stands an open list of its sister digest, every one once; where that digest has
    fewer, the rest are left out. A list without a sister in that language stays as it is.
    """
    taken = [each.name for each in lists if each.language == language]
    names = []
    for each in lists:
        there = [sister.list_name for sister in sisters.get(each.id, ()) if sister.language == language]
        if each.language == language or not there:
            names.append(each.name)
        elif left := [name for name in there if name not in taken]:
            names.append(left[0])
            taken.append(left[0])
    return names


def _cadences(session: Session, digest_ids: Sequence[int]) -> dict[int, list[Schedule]]:
    """The running cadences of each digest."""
    found: dict[int, list[Schedule]] = {}
    for row in session.execute(_running(), {"digests": digest_ids}):
        found.setdefault(row.digest_id, []).append(Schedule(row.id, row.name, row.cron, row.zone))
    return found


def _topics(session: Session, digest_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    for row in session.execute(_topics_of(), {"digests": digest_ids}):
        found.setdefault(row.digest_id, []).append((row.name, row.title))
    return found
