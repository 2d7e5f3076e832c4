"""How far an edition is handed over: numbers, who answers for whom, and who may have got it already."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import FastAPI
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from digest import clock
from digest.accounts.rights import May
from digest.accounts.visible import allows
from digest.deliveries.answers import WORDS, Group
from digest.deliveries.detail import detail_of
from digest.deliveries.figures import Progress
from digest.deliveries.progress import progress
from digest.deliveries.versions import NextVersion, VersionLine, next_version, versions_of
from digest.editions.differences import difference_sentence
from digest.editions.show import digest_of, edition_line, get_edition
from digest.i18n import N_, Translator, translator
from digest.models import DeliveryStatus, EditionState
from digest.rendering.environment import environment
from digest.web.deps import Services
from digest.web.desk.files import url_of
from digest.web.desk.live import Live, Sight, Stream
from digest.web.desk.table import desk
from digest.web.desk.visit import HEADERS, Here, Visit

_EVENTS: Final = "text/event-stream"
MOVING: Final = (EditionState.SENDING, EditionState.PAUSED)
_RETRIABLE: Final = (EditionState.SENDING, EditionState.SENT)
WITH_FIGURES: Final = (*MOVING, EditionState.SENT, EditionState.CANCELLED)
# In the words of the screen, with a tone each.
_STATUSES: Final = (
    (DeliveryStatus.SENT, N_("handed over"), "good"),
    (DeliveryStatus.UNCERTAIN, N_("may have arrived"), "warn"),
    (DeliveryStatus.FAILED, N_("failed"), "bad"),
    (DeliveryStatus.SKIPPED, N_("not mailed"), "plain"),
    (DeliveryStatus.PENDING, N_("waiting"), "live"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """How many people are at one status."""

    words: str
    tone: str
    count: str


@dataclass(frozen=True, slots=True)
class Way:
    """An edition on its way, told."""

    figures: tuple[Figure, ...]
    people: int
    done: int
    is_moving: bool
    until: str
    found: Progress
    versions: tuple[VersionLine, ...] = ()
    next: NextVersion | None = None
    next_lines: tuple[str, ...] = ()
    may_see_people: bool = False


@dataclass(frozen=True, slots=True)
class Failures:
    """Those who failed by answers that mean the same."""

    kind: str
    words: str
    group: Group


def told(found: Progress, words: Translator) -> Way:
    """The figures alone, as of the moment at which they were read."""
    return Way(
        figures=_figures(found, words),
        people=found.people,
        done=found.people - _untouched(found),
        is_moving=not found.is_over and found.state is not EditionState.PAUSED,
        until=words.span(found.ends_at - found.at) if found.ends_at is not None else "",
        found=found,
    )


def _untouched(found: Progress) -> int:
    """Whom the sending has not come to: who waits, and, of an edition that was stopped, who is left out."""
    left_out = found.counts[DeliveryStatus.SKIPPED] if found.state is EditionState.CANCELLED else 0
    return found.counts[DeliveryStatus.PENDING] + left_out


def way_of(visit: Visit, session: Session, edition_id: int) -> Way:
    """How far it is, and its versions."""
    found, words = progress(session, edition_id, now=visit.now, details=False), visit.words
    edition = get_edition(session, edition_id)
    versions = versions_of(session, edition)
    following = next_version(session, edition, versions) if found.state in MOVING else None
    changes = following.changes if following is not None else ()
    return replace(
        told(found, words),
        versions=versions,
        next=following,
        next_lines=tuple(difference_sentence(one, words) for one in changes),
        may_see_people=allows(visit.me, May.SEE_RECIPIENTS),
    )


@desk.get("/editions/{edition}/progress", may=May.SEE_EDITION)
def show_progress(visit: Here, edition: int) -> Response:
    """The figures alone, for a page that looks again and again; at the end it leads to the page anew."""
    with visit.database.read() as session:
        way = told(progress(session, edition, now=visit.now, details=False), visit.words)
        # The part alone, which is asked for every two seconds, does not say whose figures these are.
        named = {} if visit.is_htmx else named_edition(session, edition)
    if visit.is_htmx and not way.is_moving:
        return visit.go(f"/desk/editions/{edition}")
    return visit.page("edition_progress.html", part="progress", way=way, edition_id=edition, **named)


@desk.get("/editions/{edition}/detail", may=May.SEE_EDITION)
def show_detail(visit: Here, edition: int) -> Response:
    """Why mails failed, who answers for whom, what was answered; the edition page asks for it by itself."""
    with visit.database.read() as session:
        line, found = edition_line(session, edition), detail_of(session, edition)
        named = {} if visit.is_htmx else named_edition(session, edition)
    words = visit.words
    may_retry = allows(visit.me, May.EDIT_EDITION) and line.state in _RETRIABLE
    return visit.page(
        "edition_detail.html",
        part="detail",
        edition_id=edition,
        detail=found,
        failed=[Failures(one.answer.value, words.gettext(WORDS[one.answer]), one) for one in found.failed],
        may_retry=may_retry,
        **named,
    )


def named_edition(session: Session, edition_id: int) -> dict[str, Any]:
    """What a page below an edition's says of it: its digest, its state and its time."""
    return {
        "title": digest_of(session, get_edition(session, edition_id)).title,
        "edition": edition_line(session, edition_id),
    }


@desk.get("/editions/{edition}/stream", may=May.SEE_EDITION, is_stream=True)
async def stream_progress(visit: Here, edition: int) -> Response:
    """The figures as they change: server-sent events, until the edition's state is another than `state`."""
    live = live_of(visit.request.app)
    headers = {**HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if visit.request.method == "HEAD":
        return Response(media_type=_EVENTS, headers=headers)
    if live.is_full:
        return Response(status_code=503, headers={**headers, "Retry-After": "30"})
    state = visit.request.query_params.get("state", "")
    return _Streamed(live.watch(edition, visit.language, state), headers)


class _Streamed(StreamingResponse):
    """A stream as an answer: closed with it, also if whoever asked has gone before the first event."""

    def __init__(self, stream: Stream, headers: Mapping[str, str]) -> None:
        super().__init__(stream, media_type=_EVENTS, headers=headers)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._stream.aclose()


def live_of(app: FastAPI) -> Live:
    """The streams of the running application."""
    if getattr(app.state, "live", None) is None:
        app.state.live = Live(functools.partial(look_at_edition, app.state.services))
    found: Live = app.state.live
    return found


def look_at_edition(services: Services, edition_id: int, languages: frozenset[str]) -> Sight:
    """How far an edition is, in these languages: read once for all who look."""
    with services.database.read() as session:
        found = progress(session, edition_id, now=clock.utc_now(), details=False)
    pages = {
        language: _fragment(services, told(found, translator(language)), language) for language in languages
    }
    return Sight(found.state.value, found.is_over, pages)


def _fragment(services: Services, way: Way, language: str) -> str:
    """The figures as they stand on the page; nothing of them is of the person who looks."""
    env = environment(language, services.settings.templates)
    ui = env.get_template("web/desk/_ui.html").make_module({"asset": url_of})
    html = env.get_template("web/desk/_edition_progress.html").render(
        way=way, edition_id=way.found.edition_id, ui=ui
    )
    return html.encode("utf-8", "replace").decode()


def _figures(found: Progress, words: Translator) -> tuple[Figure, ...]:
    return tuple(
        Figure(words.gettext(name), tone, words.number(found.counts[status]))
        for status, name, tone in _STATUSES
        if found.counts[status] or status is DeliveryStatus.SENT
    )
