"""A digest made after another one: the same sources, rules and look; its rhythms stand still."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.digests import create_digest
from digest.models import Cadence, Digest, DigestSource

# What a copy has anew, or is never copied.
_OWN: Final = {
    Digest: ("id", "name", "title", "language", "sender_address", "created_at"),
    Cadence: ("id", "digest_id", "is_running", "slots_after", "segment_id", "created_at"),
}


def duplicate_digest(
    session: Session, digest: Digest, *, name: str, title: str, actor: str, now: dt.datetime
) -> Digest:
    """A new digest with the settings of another one; raises InputError for a name that is taken.

    Its readers, lists and editions are not copied, and nothing goes out before somebody starts a rhythm.
    """
    made = create_digest(
        session,
        name=name,
        title=title,
        language=digest.language,
        sender_address=digest.sender_address,
        actor=actor,
        now=now,
    )
    _copy(digest, made)
    of_digest = sa.select(DigestSource.source_id).where(DigestSource.digest_id == digest.id)
    session.add_all(DigestSource(digest_id=made.id, source_id=one) for one in session.scalars(of_digest))
    cadences = sa.select(Cadence).where(Cadence.digest_id == digest.id).order_by(Cadence.id)
    for cadence in session.scalars(cadences).all():
        copy = Cadence(digest_id=made.id, is_running=False, slots_after=now, created_at=now)
        _copy(cadence, copy)
        session.add(copy)
    session.flush()
    details = {"of": digest.id}
    audit.record(session, "digest.duplicate", made, actor=actor, now=now, details=details)
    return made


def _copy(one: Digest | Cadence, other: Digest | Cadence) -> None:
    table = type(one)
    for column in table.__table__.columns:
        if column.key not in _OWN[table]:
            setattr(other, column.key, getattr(one, column.key))
