"""Another source: what stands at an address is shown before it is kept; and lists of sources, in and out."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest import clock
from digest.accounts.me import Me
from digest.accounts.rights import May, sees_all
from digest.accounts.visible import allows, visible_digests
from digest.editions.digests import use_sources
from digest.errors import InputError
from digest.feeds.opml import LARGEST_FILE, read_opml, write_opml
from digest.i18n import N_
from digest.models import Digest, DigestSource, Source
from digest.sources.catalogue import add_source
from digest.sources.collect import collect
from digest.sources.exchange import Taken, TakenIn, outlines, take_in
from digest.sources.find_words import find_sentence
from digest.web.desk import site_offer
from digest.web.desk.outward import outward
from digest.web.desk.site_offer import looked_at
from digest.web.desk.table import desk
from digest.web.desk.visit import HEADERS, Here, Visit

_DAYS_MOST: Final = 30
_SHOWN: Final = 200
BACKLOGS: Final = (
    ("0", N_("none: only what comes from now on")),
    ("1", N_("of the last day")),
    ("3", N_("of the last three days")),
    ("7", N_("of the last week")),
)
TAKEN: Final = {
    Taken.ADDED: N_("added"),
    Taken.THERE: N_("there already"),
    Taken.REFUSED: N_("refused"),
}


@desk.get("/sources/new", may=May.ADD_SOURCE)
def ask_address(visit: Here) -> Response:
    """One field: any address of the site; or a list of sources as a file."""
    return _asked(visit)


@desk.post("/sources/new/site", may=May.ADD_SOURCE)
async def look_at_site(visit: Here) -> Response:
    """What could be collected there, with its newest stories; nothing is kept yet."""
    address = visit.form.text("address")[:2000]
    found = await outward(visit, lambda fetcher: looked_at(address, fetcher))
    if not found.options:
        fault = find_sentence(found.fault or "no_feed", found.detail, visit.words)
        return await run_in_threadpool(_asked, visit, address, fault)
    offer = site_offer.offer_of(found, visit.words, now=visit.now)
    return await run_in_threadpool(_offered, visit, offer)


@desk.post("/sources/new", may=May.ADD_SOURCE)
async def keep(visit: Here) -> Response:
    """Keep the one that was chosen, read it at once, and show what it brought."""
    offer = site_offer.unpacked(visit.form.raw("offer"), visit.token)
    try:
        source_id = await visit.services.in_turn(_keep, visit, offer)
    except InputError as error:
        return await run_in_threadpool(_offered, visit, offer, visit.told(error))
    interval = dt.timedelta(seconds=visit.settings.collect_interval_seconds)
    done = await outward(
        visit,
        lambda fetcher: collect(visit.database, source_id, fetcher, interval=interval, now=clock.utc_now()),
    )
    if done.fault:
        said = N_("The source is there, but could not be read now. It is tried again by itself.")
        return visit.go(f"/desk/sources/{source_id}", visit.words.gettext(said), kind="note")
    return visit.go(f"/desk/sources/{source_id}", visit.words.gettext(N_("The source is there.")))


@desk.get("/sources/list.opml", may=May.WORK)
def hand_out(visit: Here) -> Response:
    """The person's sources as the list that feed readers exchange."""
    with visit.database.read() as session:
        drawn = sa.select(DigestSource.source_id).where(DigestSource.digest_id.in_(visible_digests(visit.me)))
        only = None if sees_all(visit.me.role) else Source.id.in_(drawn)
        listed = outlines(session, only=only)
    body = write_opml(visit.words.gettext(N_("Sources of Digest")), listed, now=visit.now)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="sources.opml"'}
    return Response(body, media_type="text/x-opml", headers={**headers, "Cache-Control": "no-store"})


@desk.post("/sources/list", may=May.ADD_SOURCE, most_bytes=LARGEST_FILE + 100_000, has_files=True)
async def hand_in(visit: Here) -> Response:
    """Add the sources of such a list; what became of each line is told. Those that are there stay."""
    file = visit.form.files.get("file")
    if file is None:
        return await run_in_threadpool(_asked, visit, "", "", visit.words.gettext(N_("Choose a file.")))
    body = await file.read(LARGEST_FILE + 1)
    try:
        done, left_out = await visit.services.in_turn(_take_in, visit, body)
    except InputError as error:
        return await run_in_threadpool(_asked, visit, "", "", visit.told(error))
    counts = {outcome: sum(one.outcome is outcome for one in done) for outcome in Taken}
    words = visit.words
    return await run_in_threadpool(
        visit.page,
        "source_list.html",
        lines=[(one, words.gettext(TAKEN[one.outcome])) for one in done[:_SHOWN]],
        counts=[(words.gettext(TAKEN[outcome]), count) for outcome, count in counts.items() if count],
        more=max(0, len(done) - _SHOWN),
        left_out=left_out,
    )


def _keep(visit: Visit, offer: dict[str, Any]) -> int:
    form = visit.form
    with visit.database.write() as session:
        digests = _chosen_digests(session, visit)
        made = site_offer.source_of(offer, form.number("option", 0))
        there = session.scalar(sa.select(Source).where(Source.url == made["url"]))
        if there is not None and not there.is_away:
            source = there  # drawn from as it is
        else:
            source = add_source(
                session,
                **made,
                backlog=_backlog(visit),
                draws_again=allows(visit.me, May.REMOVE_SOURCE),
                actor=visit.actor,
                now=clock.utc_now(),
            )
        for digest in digests:
            use_sources(session, digest, [source], actor=visit.actor, now=visit.now)
        return source.id


def _take_in(visit: Visit, body: bytes) -> tuple[list[TakenIn], int]:
    listed = read_opml(body)
    with visit.database.write() as session:
        digests = _chosen_digests(session, visit)
        done = take_in(
            session,
            listed.feeds,
            backlog=_backlog(visit),
            draws_again=allows(visit.me, May.REMOVE_SOURCE),
            actor=visit.actor,
            now=visit.now,
        )
        sources = [one.source for one in done if one.source is not None]
        for digest in digests:
            use_sources(session, digest, sources, actor=visit.actor, now=visit.now)
    return done, listed.left_out


def _backlog(visit: Visit) -> dt.timedelta:
    return dt.timedelta(days=min(max(visit.form.number("days", 0), 0), _DAYS_MOST))


def _chosen_digests(session: Session, visit: Visit) -> list[Digest]:
    """The digests that are to draw from it: an editor's has one of theirs, to be seen."""
    seen = {digest.id: digest for digest in _digests(session, visit.me)}
    chosen = [seen[number] for number in visit.form.numbers("digest") if number in seen]
    if not chosen and not sees_all(visit.me.role):
        raise InputError(N_("Choose the digest that is to draw from it."))
    return chosen


def _digests(session: Session, me: Me) -> list[Digest]:
    query = sa.select(Digest).where(Digest.id.in_(visible_digests(me))).order_by(Digest.title, Digest.id)
    return list(session.scalars(query.limit(_SHOWN)))


def _asked(visit: Visit, address: str = "", fault: str = "", list_fault: str = "") -> Response:
    with visit.database.read() as session:
        digests = _digests(session, visit.me)
    return visit.page(
        "source_new.html",
        status=422 if fault or list_fault else 200,
        address=address,
        fault=fault,
        list_fault=list_fault,
        digests=digests,
        chosen=set(visit.form.numbers("digest")),
        backlogs=[(key, visit.words.gettext(text)) for key, text in BACKLOGS],
        days=visit.form.text("days", "0"),
    )


def _offered(visit: Visit, offer: dict[str, Any], fault: str = "") -> Response:
    """What was found, to be kept or not."""
    form = visit.form
    with visit.database.read() as session:
        digests = _digests(session, visit.me)
        urls = [option["url"] for option in offer["options"]]
        known = sa.select(Source.url).where(Source.url.in_(urls))
        there = set(session.scalars(known))
    only_one = {digest.id for digest in digests} if len(digests) == 1 else set()
    return visit.page(
        "source_offer.html",
        status=422 if fault else 200,
        fault=fault,
        offer=offer,
        packed=site_offer.packed(offer, visit.token),
        there=there,
        option=form.text("option", "0"),
        digests=digests,
        chosen=set(form.numbers("digest")) if fault else only_one,
        backlogs=[(key, visit.words.gettext(text)) for key, text in BACKLOGS],
        days=form.text("days", "1"),
    )
