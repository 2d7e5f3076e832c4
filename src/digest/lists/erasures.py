"""Who was erased, kept outside of the database: a restored backup knows nothing of those erased after it.

Each erasure is a line of JSON with a number, keyed hashes and a moment: nobody can be read from it, and with
the backup and the address key it says who must be erased again. Every machine with a worker appends to a file
of its own what the audit has and the file has not; any of these files is whole up to its last tick.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.db.dialect import insert_new_rows
from digest.errors import InputError
from digest.lists import former
from digest.lists.erase import ERASED, erase_subscriber
from digest.lists.status import Origin
from digest.models import AuditEntry, FormerAddress, Subscriber

FILE_NAME = "erased.jsonl"
# Looked at again behind the last line: a transaction is seen later than the moment that it writes.
_OVERLAP = dt.timedelta(hours=1)
_TAIL = 1_000_000  # bytes of the file's end that are read for the last hour
_ROWS = 500
_HASH = 64  # digits of a keyed hash
# Until when nobody was erased at all, by file: or an installation without erasures would look at all people.
_nobody_until: dict[Path, dt.datetime] = {}


@dataclass(frozen=True, slots=True)
class Erasure:
    """One person who was erased: the subscriber's number, and the hashes of the address and those before."""

    subscriber: int
    hashes: tuple[str, ...]
    erased_at: dt.datetime

    def as_line(self) -> str:
        """One line of the list, with its end."""
        found = {
            "subscriber": self.subscriber,
            "hashes": self.hashes,
            "erased_at": self.erased_at.astimezone(dt.UTC).isoformat(),
        }
        return json.dumps(found) + "\n"


class Again(StrEnum):
    """What became of one line of the list."""

    ERASED = "erased"  # the backup had brought the person back
    KNOWN = "known"  # erased already
    REMEMBERED = "remembered"  # younger than the backup: only the hashes are put back


@dataclass(frozen=True, slots=True)
class AgainReport:
    """What became of the lines of a list, by `Again`."""

    counts: Mapping[str, int]


def erasures(session: Session, *, since: dt.datetime | None = None) -> list[Erasure]:
    """Whoever was erased since then, oldest first."""
    query = (
        sa.select(Subscriber.id, Subscriber.address_hash, Subscriber.erased_at)
        .where(Subscriber.erased_at.is_not(None))
        .order_by(Subscriber.erased_at, Subscriber.id)
    )
    if since is not None:
        # By the audit, which has an index by time: people have none by when they were erased.
        noted = sa.select(AuditEntry.target_id).where(AuditEntry.at >= since, AuditEntry.action == ERASED)
        query = query.where(Subscriber.id.in_(noted), Subscriber.erased_at >= since)
    rows = session.execute(query).all()
    before = _hashes_before(session, [row.id for row in rows])
    return [
        Erasure(row.id, (row.address_hash, *before.get(row.id, ())), row.erased_at)
        for row in rows
        if row.erased_at is not None
    ]


def keep_outside(database: Database, path: Path, *, now: dt.datetime) -> int:
    """Flow: append to a file what it has not yet; returns how many lines. Two at once append none twice."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        tail = file.read().split(b"\n")
        lines = tail if size <= _TAIL else tail[1:]  # the first one is cut
        kept = {(one.subscriber, one.erased_at) for one in _parsed(lines[:-1], strict=False)}
        since = max((at for _, at in kept), default=_nobody_until.get(path))
        with database.read() as session:
            found = erasures(session, since=since - _OVERLAP if since else None)
        if not kept and not found:
            _nobody_until[path] = now
        new = [one for one in found if (one.subscriber, one.erased_at) not in kept]
        if new:
            # A line that a dying machine has cut off is ended first; reading passes over it.
            ended = b"" if not lines[-1] else b"\n"
            file.write(ended + "".join(one.as_line() for one in new).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
    return len(new)


def read_list(lines: Iterable[bytes]) -> list[Erasure]:
    """The erasures of a file, each once, oldest first; raises InputError for a line that is none."""
    found = {(one.subscriber, one.erased_at): one for one in _parsed(lines, strict=True)}
    return sorted(found.values(), key=lambda one: (one.erased_at, one.subscriber))


def erase_again(session: Session, erasure: Erasure, *, actor: str, now: dt.datetime) -> Again:
    """Step: erase whom a restored backup has brought back, and know the addresses again.

    The person is known by number and hash together, and only if they were there before the erasure: a number
    may have been given anew since the restore, and an address may be somebody else's.
    """
    person = session.get(Subscriber, erasure.subscriber)
    is_theirs = (
        person is not None
        and person.address_hash in erasure.hashes
        and person.created_at <= erasure.erased_at
    )
    if person is not None and is_theirs:
        known = person.erased_at is not None
        if not known:
            erase_subscriber(session, person, source=Origin.CLI, actor=actor, now=now)
        _remember(session, person.id, set(erasure.hashes) - {person.address_hash}, now=now)
        return Again.KNOWN if known else Again.ERASED
    if all(_is_known(session, value) for value in erasure.hashes):
        return Again.KNOWN
    first, *others = erasure.hashes
    gone = Subscriber(address_hash=first, created_at=erasure.erased_at, erased_at=erasure.erased_at)
    session.add(gone)
    session.flush()
    _remember(session, gone.id, set(others), now=now)
    return Again.REMEMBERED


def _remember(session: Session, subscriber_id: int, hashes: set[str], *, now: dt.datetime) -> None:
    rows = [{"subscriber_id": subscriber_id, "address_hash": value, "until": now} for value in sorted(hashes)]
    insert_new_rows(session, FormerAddress, rows)


def _is_known(session: Session, address_hash: str) -> bool:
    """Whether an import with this address would find somebody."""
    own = sa.select(Subscriber.id).where(Subscriber.address_hash == address_hash)
    return session.scalars(own.limit(1)).first() is not None or bool(
        former.people_by_former(session, [address_hash])
    )


def _hashes_before(session: Session, ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for start in range(0, len(ids), _ROWS):
        some = ids[start : start + _ROWS]
        rows = session.execute(
            sa.select(FormerAddress.subscriber_id, FormerAddress.address_hash)
            .where(FormerAddress.subscriber_id.in_(some))
            .order_by(FormerAddress.until, FormerAddress.address_hash)
        )
        for row in rows:
            found.setdefault(row.subscriber_id, []).append(row.address_hash)
    return found


def _parsed(lines: Iterable[bytes], *, strict: bool) -> Iterator[Erasure]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = _erasure_of(line)
        if found is not None:
            yield found
        elif strict:
            raise InputError(f"Line {number} is no erasure; is this a list of the erased?")


def _erasure_of(line: bytes) -> Erasure | None:
    try:
        found = json.loads(line)
        at = dt.datetime.fromisoformat(found["erased_at"])
        hashes = tuple(str(value) for value in found["hashes"])
        number = int(found["subscriber"])
    except (ValueError, TypeError, KeyError):
        return None
    is_whole = hashes and at.tzinfo is not None and all(len(value) == _HASH for value in hashes)
    return Erasure(number, hashes, at) if is_whole else None
