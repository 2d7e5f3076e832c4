"""Which changes want a person: an edition's new state, and a source that stays down."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import (
    Alert,
    AlertKind,
    Cadence,
    DigestSource,
    Edition,
    EditionState,
    Reason,
    Source,
)
from digest.notices.alerts import end_alert, raise_alert

S = EditionState
# A source is down if it had faults in a row for so long.
_DOWN_AFTER = dt.timedelta(hours=1)
_LEAST_FAULTS = 2


def note_state(session: Session, edition: Edition, *, was: EditionState, now: dt.datetime) -> None:
    """Raise and end what an edition's new state means, in the transaction of the change."""
    subject = str(edition.id)
    # What is skipped is told as that, and not first as "no longer held".
    is_told = edition.state is not S.SKIPPED
    if (lasted := _LASTS.get(was)) is not None:
        end_alert(session, lasted, subject, now=now, is_told=is_told)
    kind = _kind_of(edition)
    if kind is not None:
        _raise(session, edition, kind, now=now)


def note_skipped(session: Session, edition: Edition, *, others: int, now: dt.datetime) -> None:
    """Tell of missed slots by the newest of them alone: a long silence is one cause."""
    _raise(session, edition, AlertKind.EDITION_SKIPPED, now=now, others=others)


def note_approved(session: Session, edition: Edition, *, now: dt.datetime) -> None:
    """Nobody need approve it any more."""
    if edition.reason is Reason.WANTS_APPROVAL:
        edition.reason, edition.reason_detail = None, ""
    end_alert(session, AlertKind.APPROVAL_WANTED, str(edition.id), now=now)


def source_is_down(now: dt.datetime) -> sa.ColumnElement[bool]:
    """Whether a source has been down for so long that somebody should know."""
    return sa.and_(
        Source.fault_code.is_not(None),
        Source.faults_in_a_row >= _LEAST_FAULTS,
        sa.func.coalesce(Source.last_good_at, Source.created_at) <= now - _DOWN_AFTER,
    )


def look_at_sources(session: Session, *, now: dt.datetime) -> int:
    """Raise an alert for each source that has been down for an hour, end those that are back; how many."""
    down = {
        f"{row.digest_id}:{row.id}": row
        for row in session.execute(
            sa.select(
                DigestSource.digest_id,
                Source.id,
                Source.fault_code,
                Source.fault_detail,
                sa.func.coalesce(Source.last_good_at, Source.created_at).label("since"),
            )
            .join(DigestSource, DigestSource.source_id == Source.id)
            .where(source_is_down(now))
        )
    }
    lasting = session.execute(
        sa.select(Alert.digest_id, Alert.source_id, Source.fault_code)
        .outerjoin(
            DigestSource,
            sa.and_(DigestSource.digest_id == Alert.digest_id, DigestSource.source_id == Alert.source_id),
        )
        .outerjoin(Source, Source.id == DigestSource.source_id)
        .where(Alert.kind == AlertKind.SOURCE_DOWN, Alert.ended_at.is_(None))
    ).all()
    known = {f"{row.digest_id}:{row.source_id}" for row in lasting}
    changed = 0
    for subject, row in down.items():
        if subject not in known:
            facts = {"fault": row.fault_code, "detail": row.fault_detail}
            changed += raise_alert(
                session,
                AlertKind.SOURCE_DOWN,
                subject,
                digest_id=row.digest_id,
                source_id=row.id,
                facts=facts,
                now=now,
            )
    for was in lasting:
        if was.fault_code is None:
            subject = f"{was.digest_id}:{was.source_id}"
            changed += end_alert(session, AlertKind.SOURCE_DOWN, subject, now=now)
    return changed


_LASTS = {
    S.HELD: AlertKind.EDITION_HELD,
    S.PAUSED: AlertKind.SENDING_STOPPED,
    S.FROZEN: AlertKind.APPROVAL_WANTED,
}


def _kind_of(edition: Edition) -> AlertKind | None:
    """What its state is to be told as; None where a person did it, or all is as it should be."""
    match edition.state:
        case S.HELD:
            return AlertKind.EDITION_HELD
        case S.SKIPPED if edition.reason is not Reason.BY_PERSON:
            return AlertKind.EDITION_SKIPPED
        case S.FROZEN if edition.reason is Reason.WANTS_APPROVAL:
            return AlertKind.APPROVAL_WANTED
        case S.PAUSED if edition.reason is Reason.TRANSPORT_FAILING:
            return AlertKind.SENDING_STOPPED
        case _:
            return None


def _raise(session: Session, edition: Edition, kind: AlertKind, *, now: dt.datetime, others: int = 0) -> None:
    facts = {
        "reason": edition.reason.value if edition.reason is not None else "",
        "detail": edition.reason_detail,
        "others": others,
    }
    raise_alert(
        session,
        kind,
        str(edition.id),
        digest_id=session.get_one(Cadence, edition.cadence_id).digest_id,
        edition_id=edition.id,
        facts=facts,
        is_over=kind is AlertKind.EDITION_SKIPPED,
        now=now,
    )
