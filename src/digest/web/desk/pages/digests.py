"""The digests, and one of them: what comes, what has come of it, pausing and duplicating it."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.accounts.visible import choose_digest, visible_digests
from digest.deliveries.came_of import came_of
from digest.editions.cadences import set_cadence
from digest.editions.dates import add_moment, parse_day, parse_local, skip_day, take_back
from digest.editions.duplicate import duplicate_digest
from digest.editions.overview import coming_dates, digest_lines, history
from digest.editions.presets import schedule_words
from digest.editions.standstill import standstill_of
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.stranded import people_of_cadences
from digest.models import Cadence, CadenceDate, Digest, Edition, EditionKind, EditionState, Reason
from digest.sources.health_words import told_health
from digest.sources.queries import sources_of
from digest.web.desk.change_words import names_of, told_actor
from digest.web.desk.stands import why_standing
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_PAGE: Final = 50
_PAST: Final = 20
_DATES: Final = 10
_HANDED_OVER: Final = (EditionState.SENT, EditionState.CANCELLED, EditionState.SENDING, EditionState.PAUSED)
# What of the past is asked for, by the word of the address.
_STATES: Final = {
    "sent": (EditionState.SENT,),
    "skipped": (EditionState.SKIPPED,),
    "waiting": (EditionState.HELD, EditionState.SENDING, EditionState.PAUSED),
    "stopped": (EditionState.CANCELLED,),
}
_WHICH: Final = (
    ("", N_("all")),
    ("sent", N_("handed over")),
    ("skipped", N_("skipped, merged, missed")),
    ("waiting", N_("held or on the way")),
    ("stopped", N_("stopped for good")),
)


@desk.get("/digests", may=May.WORK)
def show_digests(visit: Here) -> Response:
    """Those that the person works on, by name."""
    after = visit.request.query_params.get("after", "")[:60]
    with visit.database.read() as session:
        lines = digest_lines(session, visible_digests(visit.me), after=after, limit=_PAGE + 1)
    shown = lines[:_PAGE]
    return visit.page(
        "digests.html",
        lines=shown,
        rhythm=_rhythms(visit, [cadence for line in shown for cadence in line.cadences]),
        can_make=desk.has("/digests/new"),
        next_url=visit.url(after=shown[-1].digest.name) if len(lines) > _PAGE else "",
        first_url=visit.url(after=None) if after else "",
    )


@desk.get("/digests/{digest}", may=May.SEE_DIGEST)
def show_digest(visit: Here, digest: int) -> Response:
    """Its rhythms, the next ten dates, its sources, and every edition there has been with its reason."""
    return digest_page(visit, digest)


def digest_page(visit: Visit, digest_id: int, fault: str = "", *, status: int = 200) -> Response:
    """The page, with what stood in the way of an act."""
    asked = visit.request.query_params.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else None
    which = visit.request.query_params.get("which", "")
    with visit.database.read() as session:
        found = session.get_one(Digest, digest_id)
        cadences = _cadences(session, digest_id)
        coming = coming_dates(session, cadences, count=_DATES, now=visit.now)
        own_dates = _own_dates(session, digest_id)
        past = history(session, digest_id, before=before, limit=_PAST + 1, states=_STATES.get(which, ()))
        figures = came_of(session, [one.id for one in past[:_PAST] if one.state in _HANDED_OVER])
        why = why_standing(session, past[:_PAST], visit.words)
        sources = sources_of(session, digest_id)
        people = people_of_cadences(session, digest_id)
        # What a pause takes away: extra ones, what is locked or waits for a person go their own way.
        slotted = _slotted(session, [one.edition for one in coming if one.edition is not None])
        still = standstill_of(session, digest_id, cadences, now=visit.now)
        still_by = told_actor(still.by, names_of(session), visit.words) if still is not None else ""
    words = visit.words
    lost = next((one for one in coming if one.edition is None or one.edition in slotted), None)
    return visit.page(
        "digest.html",
        part="past",
        status=status,
        fault=fault,
        digest=found,
        cadences=cadences,
        rhythm=_rhythms(visit, cadences),
        people=people,
        running=[one for one in cadences if one.is_running],
        readers=sum(people.get(one.id, 0) for one in cadences if one.is_running),
        still=still,
        still_by=still_by,
        still_next=_moment(visit, *still.next) if still is not None and still.next is not None else "",
        lost=_moment(visit, lost.slot.slot, lost.cadence.zone) if lost is not None else "",
        coming=[
            (one, _when(visit, one.slot.slot, one.cadence.zone), one.slot.sentences(words)) for one in coming
        ],
        own_dates=own_dates,
        past=past[:_PAST],
        why={one.id: _why(why.get(one.id, ""), one.reason, one.reason_detail) for one in past},
        sources=[(one, told_health(one, words, now=visit.now)) for one in sources],
        figures=figures,
        which=which if which in _STATES else "",
        kinds=[(key, words.gettext(text), visit.url(which=key or None, before=None)) for key, text in _WHICH],
        next_url=visit.url(before=past[_PAST - 1].id) if len(past) > _PAST else "",
        first_url=visit.url(before=None) if before else "",
    )


@desk.post("/cadences/{cadence}/pause", may=May.EDIT_CADENCE)
def pause_cadence(visit: Here, cadence: int) -> Response:
    """No new editions come until it is started again."""
    return _run(visit, cadence, N_("It is paused: no new editions come."), is_running=False)


@desk.post("/cadences/{cadence}/start", may=May.EDIT_CADENCE)
def start_cadence(visit: Here, cadence: int) -> Response:
    """Editions come again, from the next slot on."""
    return _run(visit, cadence, N_("It runs: the next edition comes at its next time."), is_running=True)


@desk.post("/cadences/{cadence}/dates", may=May.EDIT_CADENCE)
def add_date(visit: Here, cadence: int) -> Response:
    """A day without an edition, or a moment with one besides."""
    form = visit.form
    note, date = form.text("note")[:400], form.text("date")
    with visit.database.write() as session:
        found = session.get_one(Cadence, cadence)
        home = found.digest_id
        if form.text("kind") == "extra":
            moment = parse_local(f"{date} {form.text('time')}")
            add_moment(session, found, moment, note=note, actor=visit.actor, now=visit.now)
            said = N_("An edition comes then besides.")
        else:
            skip_day(session, found, parse_day(date), note=note, actor=visit.actor, now=visit.now)
            said = N_("It does not come out on that day.")
    return visit.go(f"/desk/digests/{home}", visit.words.gettext(said))


@desk.post("/cadences/{cadence}/dates/forget", may=May.EDIT_CADENCE)
def forget_date(visit: Here, cadence: int) -> Response:
    """By its schedule alone again."""
    with visit.database.write() as session:
        found = session.get_one(Cadence, cadence)
        home = found.digest_id
        take_back(session, found, visit.form.text("local"), actor=visit.actor, now=visit.now)
    return visit.go(f"/desk/digests/{home}", visit.words.gettext(N_("It comes out by its schedule again.")))


@desk.post("/digests/{digest}/duplicate", may=May.EDIT_DIGEST)
def duplicate(visit: Here, digest: int) -> Response:
    """Another one like it, whose rhythms stand still."""
    name, title = visit.form.text("name"), visit.form.text("title")
    if not title:
        raise InputError(N_("A digest needs a title: it is what readers see."))
    with visit.database.write() as session:
        found = session.get_one(Digest, digest)
        made = duplicate_digest(session, found, name=name, title=title, actor=visit.actor, now=visit.now)
        choose_digest(session, visit.me, made.id)
        home = f"/desk/digests/{made.id}"
    return visit.go(home, visit.words.gettext(N_("Here is the copy. Nothing of it goes out yet.")))


def _run(visit: Visit, cadence_id: int, said: str, *, is_running: bool) -> Response:
    with visit.database.write() as session:
        found = session.get_one(Cadence, cadence_id)
        home = f"/desk/digests/{found.digest_id}"
        set_cadence(session, found, is_running=is_running, actor=visit.actor, now=visit.now)
    return visit.go(home, visit.words.gettext(said))


def _cadences(session: Session, digest_id: int) -> list[Cadence]:
    query = sa.select(Cadence).where(Cadence.digest_id == digest_id).order_by(Cadence.id)
    return list(session.scalars(query))


def _slotted(session: Session, editions: list[int]) -> frozenset[int]:
    """Those of the editions that wait for a slot of their rhythm."""
    waits = (
        Edition.kind == EditionKind.SCHEDULED,
        Edition.state == EditionState.UPCOMING,
        Edition.send_at == Edition.due_at,
    )
    return frozenset(session.scalars(sa.select(Edition.id).where(Edition.id.in_(editions), *waits)))


def _own_dates(session: Session, digest_id: int) -> list[tuple[CadenceDate, str]]:
    """The single days of all its cadences, with the cadence's name."""
    rows = session.execute(
        sa.select(CadenceDate, Cadence.name)
        .join(Cadence, Cadence.id == CadenceDate.cadence_id)
        .where(Cadence.digest_id == digest_id)
        .order_by(CadenceDate.local, CadenceDate.cadence_id)
    )
    return [(date, name) for date, name in rows]


def _rhythms(visit: Visit, cadences: list[Cadence]) -> dict[int, str]:
    """Each cadence in words, by its id."""
    words = visit.words
    return {one.id: f"{schedule_words(one.cron, words)}, {words.place(one.zone)}" for one in cadences}


def _when(visit: Visit, moment: dt.datetime, zone: str) -> tuple[str, str]:
    return visit.words.date(moment, zone), visit.words.clock(moment, zone)


def _moment(visit: Visit, moment: dt.datetime, zone: str) -> str:
    return ", ".join(_when(visit, moment, zone))


def _why(told: str, reason: Reason | None, detail: str) -> str:
    """What a person did is told with their name: what was noted of it besides says that again."""
    is_more = detail and told and reason is not Reason.BY_PERSON
    return f"{told} ({detail})" if is_more else told
