"""Digests and cadences."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy.orm import Session

from digest.models import Cadence, Digest
from tests.factories.moments import NOW

_numbers = itertools.count(1)


def make_digest(session: Session, name: str | None = None, **values: Any) -> Digest:
    """A digest of an invented paper."""
    name = name or f"courier-{next(_numbers)}"
    plain = {
        "title": "The Courier",
        "language": "en",
        "sender_name": "The Courier",
        "sender_address": "news@courier.example",
        "postal_address": "1 Mill Lane, Springdale",
        "created_at": NOW,
    }
    digest = Digest(name=name, **{**plain, **values})
    session.add(digest)
    session.flush()
    return digest


def make_cadence(session: Session, digest: Digest, name: str = "morning", **values: Any) -> Cadence:
    """Every morning at seven, Yerevan time."""
    plain = {"cron": "0 7 * * *", "zone": "Asia/Yerevan", "slots_after": NOW, "created_at": NOW}
    cadence = Cadence(digest_id=digest.id, name=name, **{**plain, **values})
    session.add(cadence)
    session.flush()
    return cadence
