"""A power cut: a worker is killed, its journal is left as a disk would have it, and the machine starts anew.

    trial = cut(scene, Plan.at_random(random.Random(7), usual=0.4), resends=False)

On the disk for certain is what had been written when the last sync began. Of what came after it anything may
be there: nothing, a part that ends in the middle of a record, and behind it zeros or whatever stood in that
place. The database has what was committed.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

from digest.db import Database
from digest.mail.journal import DeliveryKey, OutcomeRecord, Record, fold
from digest.mail.journal_records import parse_journal
from digest.mail.transport import Outcome
from digest.models import Batch, Delivery, DeliveryStatus, Journal
from tests.process.crash_trials import Scene
from tests.process.crash_workers import KILLED, Crash

_HOST = "machine"


class Tail(StrEnum):
    """What the disk has behind the last synced byte."""

    SYNCED = "synced"  # nothing
    CUT = "cut"  # a part of what had been written
    ZEROS = "zeros"  # a part, and zeros for the rest: the length was on the disk, the data was not
    GARBAGE = "garbage"  # a part, and something else
    NO_FILE = "no file"  # not even the file's name


_TAILS = (Tail.SYNCED, Tail.SYNCED, Tail.CUT, Tail.CUT, Tail.ZEROS, Tail.GARBAGE)


@dataclass(frozen=True, slots=True)
class Plan:
    """When the power is cut, in seconds after the start of the worker, and what is left of the tail.

    `part` is how much is there of what had been written and not synced, from 0 to 1.
    """

    after: float
    tail: Tail
    part: float
    chance: int

    @classmethod
    def at_random(cls, numbers: random.Random, *, usual: float) -> Plan:
        """A moment of a usual run, and any tail; once in twenty times the file is gone."""
        tail = Tail.NO_FILE if numbers.random() < 0.05 else numbers.choice(_TAILS)
        return cls(numbers.uniform(0.01, usual), tail, numbers.random(), numbers.randint(0, 1 << 30))


@dataclass(slots=True)
class CutTrial:
    """What a cut did, in people; `hidden` are deliveries of which the disk said less than had been written.

    `in_doubt` are pending in a batch that was held, and the journal that is left has no outcome for them.
    `faults` are the kinds of what must never be.
    """

    was_cut: bool = False
    hidden: int = 0
    in_doubt: set[int] = field(default_factory=set)
    lost: int = 0
    twice: int = 0
    uncertain: int = 0
    faults: tuple[str, ...] = ()


def cut(scene: Scene, plan: Plan, *, resends: bool, without: str = "") -> CutTrial:
    """Cut the power, start the machine anew, send the rest, and compare.

    `without` is a function of the product that does nothing after the start: to see that the rig sees it.
    """
    trial, notes = CutTrial(), scene.folder / "synced"
    answer = scene.run(Crash(after=plan.after), host=_HOST, boot="first", notes_syncs=str(notes))
    if answer["status"] == KILLED:
        trial.was_cut = True
        synced = [int(line) for line in notes.read_text().split()] if notes.exists() else []
        with scene.opened() as database:
            _leave(database, trial, plan, synced[-1] if synced else 0)
    mailed = {line["rcpt"][0] for line in scene.taken()}
    ended = scene.run(Crash(without=without), host=_HOST, boot="second")
    assert ended["status"] == 0, scene.made.log.read_text()[-3000:]
    _compare(scene, trial, mailed, resends=resends)
    return trial


def _leave(database: Database, trial: CutTrial, plan: Plan, synced: int) -> None:
    """Leave of the journal what the disk has, and note who is in doubt by that."""
    settled: set[int] = set()
    is_lost = False
    with database.read() as session:
        paths = list(session.scalars(sa.select(Journal.path).where(Journal.folded_at.is_(None))))
    for path in map(Path, paths):
        written = path.read_bytes()
        left = _left(written, synced, plan)
        before, after = _known(written), _known(left)
        assert before is not None
        trial.hidden += sum(after is None or after.get(key) != record for key, record in before.items())
        settled |= {key[1] for key, record in (after or {}).items() if _is_settled(record)}
        is_lost = is_lost or after is None
        if plan.tail is Tail.NO_FILE:
            path.unlink()
        else:
            path.write_bytes(left)
    trial.in_doubt = open_part(database) - settled
    if is_lost:
        # Nothing says any more that no other machine holds it: it is waited for.
        _two_hours_later(database)


def _left(written: bytes, synced: int, plan: Plan) -> bytes:
    """The bytes that the disk has."""
    if plan.tail is Tail.NO_FILE:
        return b""
    if plan.tail is Tail.SYNCED:
        return written[:synced]
    end = synced + int(plan.part * (len(written) - synced))
    rest = len(written) - end
    if plan.tail is Tail.ZEROS:
        return written[:end] + bytes(rest)
    if plan.tail is Tail.GARBAGE:
        return written[:end] + random.Random(plan.chance).randbytes(rest)
    return written[:end]


def _known(data: bytes) -> dict[DeliveryKey, Record] | None:
    """What a journal says; None if even its header is gone."""
    try:
        return dict(fold(parse_journal(data).records))
    except ValueError:
        return None


def _is_settled(record: Record) -> bool:
    return isinstance(record, OutcomeRecord) and record.outcome not in (Outcome.UNKNOWN, Outcome.UNSENT)


def open_part(database: Database) -> set[int]:
    """Who is pending in a batch that a worker held: the unrecorded part of the open batches."""
    of_batch = sa.and_(Batch.id == Delivery.batch_id, Batch.edition_id == Delivery.edition_id)
    pending = (
        sa.select(Delivery.subscriber_id)
        .join(Batch, of_batch)
        .where(
            Batch.closed_at.is_(None),
            Batch.journal_id.is_not(None),
            Delivery.status == DeliveryStatus.PENDING,
        )
    )
    with database.read() as session:
        return set(session.scalars(pending))


def _two_hours_later(database: Database) -> None:
    with database.write() as session:
        for batch in session.scalars(sa.select(Batch).where(Batch.leased_until.is_not(None))):
            assert batch.leased_until is not None
            batch.leased_until -= dt.timedelta(hours=2)


def _compare(scene: Scene, trial: CutTrial, mailed: set[str], *, resends: bool) -> None:
    """Under `hold` exactly those in doubt are uncertain; under `resend` they are mailed once more."""
    report, members = scene.report(with_journals=False), scene.members()
    faults = {name for name in report.problems() if name not in {"lost", "doubled"}}
    uncertain = {member.subscriber_id for member in members if member.status == "uncertain"}
    if uncertain != (set() if resends else trial.in_doubt):
        faults.add("not exactly those in doubt are uncertain")
    doubled = {entry.partition(":")[0] for entry in report.doubled}
    doubtful = {member.address for member in members if member.subscriber_id in trial.in_doubt}
    if not doubled <= (doubtful & mailed if resends else set()):
        faults.add("doubled who was not in doubt")
    if not all(entry.endswith(": 2 times") for entry in report.doubled):
        faults.add("mailed three times")
    trial.lost, trial.twice, trial.uncertain = len(report.lost), len(report.doubled), len(uncertain)
    trial.faults = tuple(sorted(faults))
