"""PostgreSQL keeps the deliveries in ranges of editions, so that old ones are dropped whole.

SQLite has one plain table and these steps do nothing there.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import lock_alone
from digest.models import Edition

# Editions a range: at one a day that is over two years of one cadence, at ten digests a quarter.
EDITIONS_PER_RANGE = 1000
# Room on each page for the new version of a row beside the old one: the change of status stays on its page
# and touches no index (a HOT update).
_FILLFACTOR = 80


def range_of(edition_id: int) -> tuple[int, int]:
    """The half-open range of edition ids that an edition falls into."""
    low = edition_id // EDITIONS_PER_RANGE * EDITIONS_PER_RANGE
    return low, low + EDITIONS_PER_RANGE


def make_partitions(session: Session) -> list[str]:
    """Make the range of the newest edition and the next one; returns the names of those that were made."""
    if session.get_bind().dialect.name != "postgresql":
        return []
    newest = session.scalar(sa.select(sa.func.max(Edition.id))) or 0
    ranges = (range_of(newest), range_of(newest + EDITIONS_PER_RANGE))
    missing = [(low, high) for low, high in ranges if not _exists(session, _name(low))]
    if missing:
        lock_alone(session, "partitions")
    return [_make(session, low, high) for low, high in missing if not _exists(session, _name(low))]


def rows_out_of_range(session: Session) -> int:
    """Deliveries that fell into the default partition: none, unless the tick did not run for long."""
    if session.get_bind().dialect.name != "postgresql":
        return 0
    return (
        session.scalar(sa.text("SELECT count(*) FROM (SELECT 1 FROM deliveries_default LIMIT 1000) few")) or 0
    )


def _name(low: int) -> str:
    return f"deliveries_from_{low}"


def _exists(session: Session, name: str) -> bool:
    return session.scalar(sa.select(sa.func.to_regclass(name))) is not None


def _make(session: Session, low: int, high: int) -> str:
    # Names and bounds are whole numbers of our own making; nothing from outside is in this text.
    session.execute(
        sa.text(
            f"CREATE TABLE {_name(low)} PARTITION OF deliveries "
            f"FOR VALUES FROM ({low}) TO ({high}) WITH (fillfactor = {_FILLFACTOR})"
        )
    )
    return _name(low)
