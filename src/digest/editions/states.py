"""The states of an edition: one table of what may become what, and the one way to change them."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import StateError
from digest.logs import get_logger
from digest.models import Edition, EditionState, Reason

log = get_logger(__name__)

S = EditionState
ALLOWED: dict[EditionState, frozenset[EditionState]] = {
    S.UPCOMING: frozenset({S.FROZEN, S.HELD, S.SKIPPED}),
    S.FROZEN: frozenset({S.SENDING, S.UPCOMING, S.HELD, S.SKIPPED, S.CANCELLED}),
    S.HELD: frozenset({S.FROZEN, S.UPCOMING, S.SKIPPED}),
    S.SENDING: frozenset({S.PAUSED, S.SENT, S.CANCELLED}),
    S.PAUSED: frozenset({S.SENDING, S.CANCELLED}),
    S.SENT: frozenset(),
    S.SKIPPED: frozenset(),
    S.CANCELLED: frozenset(),
}


def move(
    session: Session,
    edition: Edition,
    to: EditionState,
    *,
    now: dt.datetime,
    reason: Reason | None = None,
    detail: str = "",
) -> bool:
    """Change an edition's state if it is still in the state that was read; False if another was quicker.

    Raises StateError for a change that the table does not allow.
    """
    if to not in ALLOWED[edition.state]:
        raise StateError(f"Edition {edition.id} is {edition.state} and cannot become {to}.")
    values = {"state": to, "reason": reason, "reason_detail": detail, "state_since": now, "hinted_at": None}
    changed = session.execute(
        sa.update(Edition).where(Edition.id == edition.id, Edition.state == edition.state).values(**values),
        execution_options={"synchronize_session": False},
    )
    if not getattr(changed, "rowcount", 0):
        return False
    log.info("edition state", edition=edition.id, was=edition.state.value, now=to.value, reason=reason)
    session.refresh(edition)
    return True
