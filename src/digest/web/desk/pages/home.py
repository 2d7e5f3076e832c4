"""What happens next: the coming editions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.me import Me
from digest.accounts.rights import May
from digest.accounts.visible import visible_digests
from digest.editions.reasons import sentence
from digest.models import Cadence, Digest, Edition, EditionState, Reason
from digest.web.desk.table import desk
from digest.web.desk.visit import Here

_LIVE = (
    EditionState.SENDING,
    EditionState.PAUSED,
    EditionState.HELD,
    EditionState.FROZEN,
    EditionState.UPCOMING,
)
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ComingLine:
    """One edition that is on its way."""

    id: int
    digest: str
    cadence: str
    state: EditionState
    reason: Reason | None
    send_at: dt.datetime


def coming_lines(session: Session, me: Me) -> list[ComingLine]:
    """The editions that are on their way, in the order in which they go out: one statement."""
    rows = session.execute(
        sa.select(Edition.id, Digest.title, Cadence.name, Edition.state, Edition.reason, Edition.send_at)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(Edition.state.in_(_LIVE), Cadence.digest_id.in_(visible_digests(me)))
        .order_by(Edition.send_at, Edition.id)
        .limit(_SHOWN)
    )
    return [ComingLine(*row) for row in rows]


@desk.get("", may=May.WORK)
def show_home(visit: Here) -> Response:
    """The page that everybody begins with."""
    with visit.database.read() as session:
        lines = coming_lines(session, visit.me)
        has_digests = session.scalar(sa.select(sa.exists().where(Digest.id.in_(visible_digests(visit.me)))))
    return visit.page(
        "home.html",
        coming=lines,
        has_digests=bool(has_digests),
        can_make=desk.has("/digests/new"),
        has_editions=desk.has("/editions/{edition}"),
        why={line.id: sentence(line.reason, visit.words) for line in lines if line.reason is not None},
        until={line.id: visit.words.span(abs(line.send_at - visit.now)) for line in lines},
    )
