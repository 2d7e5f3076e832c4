"""PostgreSQL keeps the deliveries in ranges of editions: the next one is made ahead of time.

SQLite has one plain table and these steps do nothing there. How old ranges go is in `deliveries.retention`.
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
    missing = [(low, high) for low, high in ranges if not range_exists(session, range_name(low))]
    if missing:
        # Everything that reads or writes deliveries queues up behind a table that waits for its lock.
        session.execute(sa.text("SET LOCAL lock_timeout = '3s'"))
        lock_alone(session, "partitions")
    return [_make(session, low, high) for low, high in missing if not range_exists(session, range_name(low))]


def rows_out_of_range(session: Session) -> int:
    """Deliveries that fell into the default partition: none, unless the tick did not run for long."""
    if session.get_bind().dialect.name != "postgresql":
        return 0
    return (
        session.scalar(sa.text("SELECT count(*) FROM (SELECT 1 FROM deliveries_default LIMIT 1000) few")) or 0
    )


def range_name(low: int) -> str:
    """The table of the range that begins with this edition."""
    return f"deliveries_from_{low}"


def range_exists(session: Session, name: str) -> bool:
    """Whether there is a table of this name."""
    # Asked of the catalogue's rows: `to_regclass` may answer from a cache of before the lock was waited for.
    found = sa.text(
        "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = :name)"
    )
    return bool(session.scalar(found, {"name": name}))


def _make(session: Session, low: int, high: int) -> str:
    # Names and bounds are whole numbers of our own making; nothing from outside is in this text.
    name, bounds = range_name(low), f"FOR VALUES FROM ({low}) TO ({high})"
    inside = f"edition_id >= {low} AND edition_id < {high}"
    if not session.scalar(sa.text(f"SELECT EXISTS (SELECT 1 FROM deliveries_default WHERE {inside})")):  # nosec B608 # noqa: S608
        _execute(
            session, f"CREATE TABLE {name} PARTITION OF deliveries {bounds} WITH (fillfactor = {_FILLFACTOR})"
        )
        return name
    # The range came too late for rows of its own: they move in with it, or it could never be made.
    _execute(
        session,
        f"CREATE TABLE {name} (LIKE deliveries INCLUDING DEFAULTS INCLUDING CONSTRAINTS) "
        f"WITH (fillfactor = {_FILLFACTOR})",
        f"WITH moved AS (DELETE FROM deliveries_default WHERE {inside} RETURNING *) "  # nosec B608 # noqa: S608
        f"INSERT INTO {name} SELECT * FROM moved",
        f"ALTER TABLE deliveries ATTACH PARTITION {name} {bounds}",
    )
    return name


def _execute(session: Session, *statements: str) -> None:
    for statement in statements:
        session.execute(sa.text(statement))
