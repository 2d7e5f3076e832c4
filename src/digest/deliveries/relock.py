"""Lock an edition again: its sites have changed since, and the readers are to get what stands there now."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from digest import audit
from digest.deliveries.plan import unplan
from digest.editions.progress import thaw
from digest.editions.reasons import STATES
from digest.errors import StateError, Word
from digest.i18n import N_
from digest.models import Edition, EditionState


def unlock(session: Session, edition: Edition, *, actor: str, now: dt.datetime) -> None:
    """Take back an edition's lock and its plan; it is locked anew at once, as its next version.

    Its approval was for what was locked, and does not hold for the next one. Raises StateError for an edition
    that is not locked: once it is being handed over, `digest edition revise` is the way.
    """
    session.refresh(edition, with_for_update={"key_share": True})
    if edition.state is not EditionState.FROZEN:
        raise StateError(
            N_("Edition %(edition)s is %(state)s; only a locked one is locked again."),
            edition=edition.id,
            state=Word(STATES[edition.state]),
        )
    unplan(session, edition)
    audit.record(session, "edition.relock", edition, actor=actor, now=now)
    thaw(session, edition, actor=actor, now=now)
