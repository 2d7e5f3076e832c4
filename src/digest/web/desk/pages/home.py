"""What happens next, what needs a person, and how the last ones went."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.accounts.visible import visible_digests
from digest.deliveries.came_of import CameOf, came_of, planned_people
from digest.editions.agenda import AgendaLine, coming_editions, last_editions
from digest.editions.attention import Attention, Want, attention
from digest.i18n import N_, Translator
from digest.models import Digest, EditionKind, EditionState, Reason, Unapproved
from digest.sources.health import fault_sentence
from digest.web.desk.stands import Standing, why_standing
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_WENT_OUT: Final = (EditionState.SENT, EditionState.CANCELLED)
_STANDS: Final = {
    Want.DECIDE: EditionState.HELD,
    Want.APPROVE: EditionState.FROZEN,
    Want.GO_ON: EditionState.PAUSED,
}
_TODAY, _TOMORROW = N_("Today"), N_("Tomorrow")
# What becomes of an edition at its deadline, with the moment in it.
_HELD_ENDS: Final = {
    Unapproved.SEND: N_("Unless somebody decides by %(moment)s, it goes out as it is then."),
    Unapproved.SKIP: N_("Unless somebody decides by %(moment)s, it is skipped."),
}
_APPROVAL_ENDS: Final = {
    Unapproved.SEND: N_("Unless somebody approves it by %(moment)s, it goes out as it is."),
    Unapproved.WITHOUT_FEATURED: N_(
        "Unless somebody approves it by %(moment)s, it goes out without its featured story."
    ),
    Unapproved.SKIP: N_("Unless somebody approves it by %(moment)s, it is skipped."),
}


@dataclass(frozen=True, slots=True)
class ComingLine:
    """An edition on its way, in words; `day` is a heading where another day begins."""

    line: AgendaLine
    day: str
    until: str
    why: str
    readers: str


@dataclass(frozen=True, slots=True)
class WantLine:
    """One thing that needs a person: what, why, by when, and where it is settled."""

    kind: str
    about: str
    what: str
    why: str
    by: str
    left: str
    url: str


@dataclass(frozen=True, slots=True)
class LastLine:
    """An edition that is over, with its figures or its reason."""

    line: AgendaLine
    why: str
    figures: CameOf | None


@desk.get("", may=May.WORK)
def show_home(visit: Here) -> Response:
    """The page that everybody begins with."""
    with visit.database.read() as session:
        return visit.page("home.html", part="news", **_seen(visit, session))


def _seen(visit: Visit, session: Session) -> dict[str, Any]:
    lines, last = coming_editions(session, visit.me), last_editions(session, visit.me)
    figures = came_of(session, [line.id for line in last if line.state in _WENT_OUT])
    planned = planned_people(session, {line.id: line.planned_at for line in lines if line.planned_at})
    has_digests = session.scalar(sa.select(sa.exists().where(Digest.id.in_(visible_digests(visit.me)))))
    found = attention(session, visit.me, now=visit.now)
    waiting = [Standing(one.id, _STANDS[one.want], one.reason) for one in found.editions]
    why = why_standing(session, [*lines, *last, *waiting], visit.words)
    return {
        "wants": _wants(visit, found, why),
        "coming": _coming(
            visit, lines, planned, _before(last, figures), _without(why, {one.id for one in found.editions})
        ),
        "last": [_last(line, figures, why) for line in last],
        "has_digests": bool(has_digests),
        "can_make": desk.has("/digests/new"),
    }


def _before(last: Sequence[AgendaLine], figures: dict[int, CameOf]) -> dict[int, int]:
    """How many the newest edition of a cadence was for; corrections are for a few."""
    found: dict[int, int] = {}
    for line in last:
        if line.state is EditionState.SENT and line.kind is not EditionKind.CORRECTION and line.id in figures:
            found.setdefault(line.cadence_id, figures[line.id].people)
    return found


def _coming(
    visit: Visit,
    lines: Sequence[AgendaLine],
    planned: dict[int, int],
    before: dict[int, int],
    why: Mapping[int, str],
) -> list[ComingLine]:
    """Why an edition waits stands once: where a person is asked for, if one is."""
    zone, found, heading = visit.zone, [], ""
    for line in lines:
        day = day_words(visit.words, line.send_at, zone, now=visit.now)
        found.append(
            ComingLine(
                line=line,
                day="" if day == heading else day,
                until=_until(visit, line.send_at),
                why=why.get(line.id, ""),
                readers=_readers(line, planned, before, visit.words),
            )
        )
        heading = day
    return found


def _until(visit: Visit, moment: dt.datetime) -> str:
    if moment <= visit.now:
        return visit.words.ago(moment, visit.now)
    return visit.words.gettext(N_("in %(span)s"), span=visit.words.span(moment - visit.now))


def _whole(length: dt.timedelta) -> dt.timedelta:
    """A length cut to its whole days or hours: nobody is told of more time than there is."""
    for unit, least in ((dt.timedelta(days=1), 2), (dt.timedelta(hours=1), 1)):
        if length >= unit * least:
            return length // unit * unit
    return max(length, dt.timedelta(0))


def _readers(line: AgendaLine, planned: dict[int, int], before: dict[int, int], words: Translator) -> str:
    """How many it goes to, once that is known; until then how many the last one went to."""
    if line.id in planned:
        return words.gettext(N_("Readers: %(people)s"), people=words.number(planned[line.id]))
    if line.cadence_id in before and line.kind is not EditionKind.CORRECTION:
        return words.gettext(
            N_("Readers last time: %(people)s"), people=words.number(before[line.cadence_id])
        )
    return ""


def day_words(words: Translator, moment: dt.datetime, zone: str, *, now: dt.datetime) -> str:
    """A day as a heading: today, tomorrow, or its date with the weekday."""
    tz = ZoneInfo(zone)
    ahead = (moment.astimezone(tz).date() - now.astimezone(tz).date()).days
    if ahead in (0, 1):
        return words.gettext((_TODAY, _TOMORROW)[ahead])
    return words.date(moment, zone)


def _without(why: Mapping[int, str], wanted: set[int]) -> dict[int, str]:
    return {number: text for number, text in why.items() if number not in wanted}


def _last(line: AgendaLine, figures: dict[int, CameOf], why: Mapping[int, str]) -> LastLine:
    is_sent = line.state is EditionState.SENT
    return LastLine(line, "" if is_sent else why.get(line.id, ""), figures.get(line.id))


def _wants(visit: Visit, found: Attention, why: Mapping[int, str]) -> list[WantLine]:
    return [*_of_editions(visit, found, why), *_of_doubts(visit, found), *_of_sources(visit, found)]


def _of_editions(visit: Visit, found: Attention, why: Mapping[int, str]) -> list[WantLine]:
    words = visit.words
    whats = {
        "decide": words.gettext(N_("It is held")),
        "approve": words.gettext(N_("It wants approval")),
        "go_on": words.gettext(N_("It is paused")),
    }
    lines = []
    for each in found.editions:
        by = left = ""
        if each.deadline_at is not None and each.outcome is not None:
            ends = _APPROVAL_ENDS if each.want.value == "approve" else _HELD_ENDS
            by = words.gettext(ends[each.outcome], moment=words.moment(each.deadline_at, visit.zone))
            left = words.span(_whole(each.deadline_at - visit.now))
        elif each.want.value == "go_on":
            by = words.gettext(N_("Nobody else gets it until somebody lets it go on."))
        lines.append(
            WantLine(
                kind=each.want.value,
                about=each.digest,
                what=whats[each.want.value],
                why="" if each.reason is Reason.WANTS_APPROVAL else why.get(each.id, ""),
                by=by,
                left=left,
                url=f"/desk/editions/{each.id}",
            )
        )
    return lines


def _of_doubts(visit: Visit, found: Attention) -> list[WantLine]:
    words = visit.words
    return [
        WantLine(
            kind="doubt",
            about=each.digest,
            what=words.gettext(N_("Many may have arrived")),
            why=words.ngettext(
                "Of %(count)s mail, %(uncertain)s may have arrived; nobody could know.",
                "Of %(count)s mails, %(uncertain)s may have arrived; nobody could know.",
                each.people,
                uncertain=words.number(each.uncertain),
            ),
            by=words.gettext(N_("What nobody settles within a day is settled as its list says.")),
            left="",
            url=f"/desk/editions/{each.id}",
        )
        for each in found.doubtful
    ]


def _of_sources(visit: Visit, found: Attention) -> list[WantLine]:
    words = visit.words
    has_page = desk.has("/sources/{source}")
    return [
        WantLine(
            kind="source",
            about=each.title or each.url,
            what=words.gettext(N_("It cannot be read")),
            why=fault_sentence(each.fault_code or "", each.fault_detail, words),
            by=words.gettext(N_("Not read for %(span)s."), span=words.span(visit.now - each.since)),
            left="",
            url=f"/desk/sources/{each.id}" if has_page else "",
        )
        for each in found.sources
    ]
