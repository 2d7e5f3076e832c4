"""What wants a person, as rows: raised once while it lasts, ended, silenced; and who is told of it.

What an alert says is made where its subject is known (`editions.alert_mails`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.dialect import insert_if_new
from digest.errors import NotFoundError
from digest.i18n import N_
from digest.models import Account, Alert, AlertKind, AlertReceiver, Digest

# How long what is over stays on record.
_KEPT = dt.timedelta(days=90)
_IDS_LIMIT = 2**63


def raise_alert(
    session: Session,
    kind: AlertKind,
    subject: str,
    *,
    digest_id: int,
    now: dt.datetime,
    edition_id: int | None = None,
    source_id: int | None = None,
    facts: Mapping[str, Any] | None = None,
    is_over: bool = False,
) -> bool:
    """Raise an alert; False if it lasts already. `subject` tells it from the others of its kind.

    One that is over is raised anew, and nobody has silenced it then. With `is_over` it is of something that
    does not last: it is told and never ends.
    """
    key, end = alert_key(kind, subject), now if is_over else None
    values = {"facts": dict(facts or {}), "raised_at": now, "ended_at": end}
    row = {"kind": kind, "digest_id": digest_id, "edition_id": edition_id, "source_id": source_id}
    if insert_if_new(session, Alert, {"key": key, **row, **values}) is not None:
        return True
    again = sa.update(Alert).where(Alert.key == key, Alert.ended_at.is_not(None))
    if is_over:
        return False
    changed = session.execute(
        again.values(**values, told_at=None, silenced_at=None, silenced_by=None),
        execution_options={"synchronize_session": False},
    )
    return bool(getattr(changed, "rowcount", 0))


def end_alert(
    session: Session, kind: AlertKind, subject: str, *, now: dt.datetime, is_told: bool = True
) -> bool:
    """It is over; False if it did not last. Who was told is told this too, unless `is_told` is false."""
    values: dict[str, Any] = {"ended_at": now}
    if not is_told:
        values["told_at"] = now
    changed = session.execute(
        sa.update(Alert)
        .where(Alert.key == alert_key(kind, subject), Alert.ended_at.is_(None))
        .values(**values),
        execution_options={"synchronize_session": False},
    )
    return bool(getattr(changed, "rowcount", 0))


def alert_key(kind: AlertKind, subject: str) -> str:
    """The key that an alert is raised once by."""
    return f"{kind.value}:{subject}"


def silence(session: Session, alert: Alert, *, actor: str, now: dt.datetime) -> bool:
    """Tell nobody of it any more, until it is over and comes again; False if that is so already."""
    if alert.silenced_at is not None:
        return False
    alert.silenced_at, alert.silenced_by = now, actor
    audit.record(session, "alert.silence", alert, actor=actor, now=now, details={"kind": alert.kind.value})
    return True


def get_alert(session: Session, alert_id: int) -> Alert:
    """An alert by its id; raises NotFoundError."""
    found = session.get(Alert, alert_id) if 0 < alert_id < _IDS_LIMIT else None
    if found is None:
        raise NotFoundError(
            N_("There is no alert %(alert)s."),
            alert=alert_id,
            hint="`digest alerts list` shows those there are.",
        )
    return found


def list_alerts(
    session: Session, *, digest_id: int | None = None, lasting: bool = True, limit: int = 100
) -> list[Alert]:
    """The alerts, the newest first; of a digest, and only those that last, if that is asked for."""
    query = sa.select(Alert).order_by(Alert.raised_at.desc(), Alert.id.desc()).limit(limit)
    if digest_id is not None:
        query = query.where(Alert.digest_id == digest_id)
    if lasting:
        query = query.where(Alert.ended_at.is_(None))
    return list(session.scalars(query))


def add_receiver(session: Session, digest: Digest, account: Account, *, actor: str, now: dt.datetime) -> bool:
    """Have one of the staff told of a digest's alerts; False if it is so already."""
    if session.get(AlertReceiver, (digest.id, account.id)) is not None:
        return False
    session.add(AlertReceiver(digest_id=digest.id, account_id=account.id))
    session.flush()
    audit.record(session, "digest.alerts_add", digest, actor=actor, now=now, details={"account": account.id})
    return True


def remove_receiver(
    session: Session, digest: Digest, account: Account, *, actor: str, now: dt.datetime
) -> bool:
    """Take it back; False if it was not so."""
    known = session.get(AlertReceiver, (digest.id, account.id))
    if known is None:
        return False
    session.delete(known)
    session.flush()
    details = {"account": account.id}
    audit.record(session, "digest.alerts_remove", digest, actor=actor, now=now, details=details)
    return True


def receivers_of(session: Session, digest_id: int) -> list[Account]:
    """Whom a digest tells; whose account is closed is told nothing."""
    return list(
        session.scalars(
            sa.select(Account)
            .join(AlertReceiver, AlertReceiver.account_id == Account.id)
            .where(AlertReceiver.digest_id == digest_id, Account.disabled_at.is_(None))
            .order_by(Account.id)
        )
    )


def untold(session: Session) -> list[int]:
    """The alerts that somebody is to be told of now: that they are there, or that they are over."""
    has_receivers = (
        sa.exists()
        .where(AlertReceiver.digest_id == Alert.digest_id, Account.id == AlertReceiver.account_id)
        .where(Account.disabled_at.is_(None))
    )
    return list(
        session.scalars(
            sa.select(Alert.id)
            .where(
                Alert.silenced_at.is_(None),
                sa.or_(Alert.told_at.is_(None), Alert.told_at < Alert.ended_at),
                has_receivers,
            )
            .order_by(Alert.id)
        )
    )


def purge(session: Session, *, now: dt.datetime) -> None:
    """Delete what has long been over."""
    session.execute(
        sa.delete(Alert).where(Alert.ended_at < now - _KEPT),
        execution_options={"synchronize_session": False},
    )
