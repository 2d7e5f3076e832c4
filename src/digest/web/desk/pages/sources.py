"""The sources: how each does, in words; read now; and news that waits for a person."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest import clock
from digest.accounts.me import Me
from digest.accounts.rights import May, sees_all
from digest.accounts.visible import allows, has_alone, visible_digests
from digest.editions.accept import accept_news, mark_as_seen
from digest.editions.remarks import remark_sentence
from digest.editions.show import get_edition
from digest.i18n import N_
from digest.models import Cadence, Digest, DigestSource, Edition, EditionState, Fetch, Reason, Source
from digest.models.source import AWAY_UNTIL
from digest.net.http import Fetcher, user_agent
from digest.sources.challenges import request_to_host
from digest.sources.collect import Collected, collect
from digest.sources.health_words import told_collection, told_health
from digest.sources.keep import leaving_of
from digest.sources.queries import newest_posts, overviews
from digest.sources.record import last_fetches
from digest.web.desk.outward import outward
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_PAGE: Final = 50
_ANSWERS: Final = 10
_POSTS: Final = 12


@desk.get("/sources", may=May.WORK)
def show_sources(visit: Here) -> Response:
    """Those of the person's digests, in the order in which they were added."""
    asked = visit.request.query_params.get("after", "")
    after = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else 0
    with visit.database.read() as session:
        query = (
            sa.select(Source).where(Source.id > after, _visible(visit.me), ~_is_away()).order_by(Source.id)
        )
        lines = overviews(session, list(session.scalars(query.limit(_PAGE + 1))))
        waiting = _waiting(session, visit.me)
        away = _away(session, visit.me) if not after else []
        digests = _digests(session, visit.me, [one.source.id for one in lines])
    shown = lines[:_PAGE]
    return visit.page(
        "sources.html",
        lines=[(one, told_health(one.source, visit.words, now=visit.now)) for one in shown],
        digests=digests,
        away=away,
        waiting=[(edition, title, _remarks(visit, edition)) for edition, title in waiting],
        next_url=visit.url(after=shown[-1].source.id) if len(lines) > _PAGE else "",
        first_url=visit.url(after=None) if after else "",
    )


@desk.get("/sources/{source}", may=May.SEE_SOURCE)
def show_source(visit: Here, source: int) -> Response:
    """How it does, its last answers, its newest stories, and what of it waits for a person."""
    with visit.database.read() as session:
        found = overviews(session, [session.get_one(Source, source)])[0]
        answers = last_fetches(session, source, limit=_ANSWERS)
        posts = newest_posts(session, source, limit=_POSTS)
        waiting = _waiting(session, visit.me, source)
        digests = _digests(session, visit.me, [source])[source]
        leaving = leaving_of(session, found.source)
        may_change = has_alone(session, visit.me, source)
    address = found.source.url
    return visit.page(
        "source.html",
        one=found,
        source=found.source,
        digests=digests,
        leaving=leaving,
        may_change=may_change,
        may_remove=allows(visit.me, May.REMOVE_SOURCE),
        health=told_health(found.source, visit.words, now=visit.now),
        answers=[(each, _answer(visit, each)) for each in answers],
        posts=posts,
        waiting=[(edition, title, _remarks(visit, edition)) for edition, title in waiting],
        letter=_letter(visit, found.source.fault_detail, address)
        if found.source.fault_code == "challenge"
        else "",
    )


@desk.post("/sources/{source}/test", may=May.EDIT_SOURCE)
async def test_now(visit: Here, source: int) -> Response:
    """Read it at once, as the clock would, and say what came of it."""
    interval = dt.timedelta(seconds=visit.settings.collect_interval_seconds)

    def read(fetcher: Fetcher) -> tuple[Collected, str]:
        done = collect(visit.database, source, fetcher, interval=interval, now=clock.utc_now())
        with visit.database.read() as session:
            return done, session.get_one(Source, source).fault_detail

    done, detail = await outward(visit, read)
    said = told_collection(done, detail, visit.words)
    return visit.go(f"/desk/sources/{source}", said, kind="bad" if done.fault else "good")


@desk.post("/editions/{edition}/accept-news", may=May.EDIT_EDITION)
def accept(visit: Here, edition: int) -> Response:
    """Its unusual news is meant: the edition is made anew of all of it."""
    with visit.database.write() as session:
        accept_news(session, get_edition(session, edition), actor=visit.actor, now=visit.now)
    said = N_("The news is accepted; the edition is made of it.")
    return visit.go(f"/desk/editions/{edition}", visit.words.gettext(said))


@desk.post("/editions/{edition}/mark-seen", may=May.EDIT_EDITION)
def mark_seen(visit: Here, edition: int) -> Response:
    """It was out before: no news any more, and the edition is made of the rest."""
    with visit.database.write() as session:
        count = mark_as_seen(session, get_edition(session, edition), actor=visit.actor, now=visit.now)
    said = visit.words.ngettext(
        "%(count)s story counts as seen; the edition is made of the rest.",
        "%(count)s stories count as seen; the edition is made of the rest.",
        count,
    )
    return visit.go(f"/desk/editions/{edition}", said)


def _visible(me: Me) -> sa.ColumnElement[bool]:
    """The sources that a person sees: all of the house, or those of their digests."""
    if sees_all(me.role):
        return sa.true()
    drawn = sa.select(DigestSource.source_id).where(DigestSource.digest_id.in_(visible_digests(me)))
    return Source.id.in_(drawn)


def _is_away() -> sa.ColumnElement[bool]:
    return Source.next_fetch_at >= AWAY_UNTIL


def _away(session: Session, me: Me) -> list[Source]:
    """Those that were taken away, for whoever may bring them back."""
    if not allows(me, May.REMOVE_SOURCE):
        return []
    return list(session.scalars(sa.select(Source).where(_is_away()).order_by(Source.id.desc()).limit(_PAGE)))


def _waiting(session: Session, me: Me, source_id: int | None = None) -> list[tuple[Edition, str]]:
    """Editions that are held for unusual news, with their digest's title; those that draw from a source."""
    query = (
        sa.select(Edition, Digest.title)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(
            Edition.state == EditionState.HELD,
            Edition.reason == Reason.UNUSUAL_NEWS,
            Cadence.digest_id.in_(visible_digests(me)),
        )
        .order_by(Edition.send_at, Edition.id)
        .limit(_PAGE)
    )
    if source_id is not None:
        drawn = sa.select(DigestSource.digest_id).where(DigestSource.source_id == source_id)
        query = query.where(Digest.id.in_(drawn))
    return [(edition, title) for edition, title in session.execute(query)]


def _digests(session: Session, me: Me, source_ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """Those of the person's digests that draw from each source: of others nobody learns. One statement."""
    rows = session.execute(
        sa.select(DigestSource.source_id, Digest.id, Digest.title)
        .join(Digest, Digest.id == DigestSource.digest_id)
        .where(DigestSource.source_id.in_(source_ids), Digest.id.in_(visible_digests(me)))
        .order_by(Digest.name)
    )
    found: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for source_id, digest_id, title in rows:
        found[source_id].append((digest_id, title))
    return found


def _remarks(visit: Visit, edition: Edition) -> list[str]:
    return [remark_sentence(one, visit.words) for one in edition.remarks if "source_id" in one]


def _answer(visit: Visit, one: Fetch) -> str:
    """What a source answered once: its posts, or the number of its fault."""
    words = visit.words
    if one.fault_code is None and one.status == 304:
        return words.gettext("nothing changed")
    if one.fault_code is None:
        return words.ngettext("%(count)s story", "%(count)s stories", one.posts)
    return f"{one.status}" if one.status else words.gettext("no answer")


def _letter(visit: Visit, detail: str, address: str) -> str:
    """What to send to the host of a site whose guard stops us."""
    agent = user_agent(visit.settings.contact)
    return request_to_host(detail, address=address, agent=agent, words=visit.words)
