"""How far an edition is handed over: numbers, who answers for whom, and who may have got it already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.deliveries.figures import Progress
from digest.deliveries.progress import progress
from digest.deliveries.versions import NextVersion, VersionLine, next_version, versions_of
from digest.editions.differences import difference_sentence
from digest.editions.show import get_edition
from digest.i18n import N_, Translator
from digest.models import DeliveryStatus, EditionState
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

MOVING: Final = (EditionState.SENDING, EditionState.PAUSED)
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


def way_of(visit: Visit, session: Session, edition_id: int, *, is_whole: bool = True) -> Way:
    """How far it is; providers, replies and versions come too, but where it looks again and again."""
    found = progress(session, edition_id, now=visit.now, details=is_whole)
    edition = get_edition(session, edition_id)
    versions = versions_of(session, edition) if is_whole else ()
    following = next_version(session, edition, versions) if found.state in MOVING else None
    return Way(
        figures=_figures(found, visit.words),
        people=found.people,
        done=found.people - found.counts[DeliveryStatus.PENDING],
        is_moving=not found.is_over and found.state is EditionState.SENDING,
        until=visit.words.span(found.ends_at - visit.now) if found.ends_at is not None else "",
        found=found,
        versions=versions,
        next=following,
        next_lines=tuple(difference_sentence(one, visit.words) for one in following.changes)
        if following is not None
        else (),
    )


@desk.get("/editions/{edition}/progress", may=May.SEE_EDITION)
def show_progress(visit: Here, edition: int) -> Response:
    """The figures alone, for a page that looks again and again."""
    with visit.database.read() as session:
        way = way_of(visit, session, edition, is_whole=not visit.is_htmx)
    return visit.page("edition_progress.html", part="progress", way=way, edition_id=edition)


def _figures(found: Progress, words: Translator) -> tuple[Figure, ...]:
    return tuple(
        Figure(words.gettext(name), tone, words.number(found.counts[status]))
        for status, name, tone in _STATUSES
        if found.counts[status] or status is DeliveryStatus.SENT
    )
