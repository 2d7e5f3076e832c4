"""Import people from a file: a flow in batches, each written whole, with how far it has come, or not at all.

If the process ends half way, or was asked to stop between two batches, `resume` goes on there, with the same
file. Memory does not grow with the file but for eight bytes of hash a person. Importing a file again changes
nothing.
"""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.db.tuning import with_room_to_load
from digest.errors import DigestError, InputError, NotFoundError, StateError
from digest.i18n import N_, translator
from digest.lists import assets, import_lines
from digest.lists.csv_lines import BadLine
from digest.lists.import_ahead import Batch, ReadAhead, rare_collections, take_batch
from digest.lists.import_files import open_parts
from digest.lists.import_kept import FILE_KIND, drop_file
from digest.lists.import_order import (
    ImportOrder,
    ImportReport,
    Tally,
    check_basis,
    fingerprint,
    kept,
    order_of,
)
from digest.lists.import_read import People, read_people
from digest.lists.import_rows import Row
from digest.lists.import_seen import Seen
from digest.lists.import_sort import Outcome, Plan, hold_people, sort_rows
from digest.lists.import_write import Proof, write_plan
from digest.models import Import, ImportState, MailingList

BATCH_LINES = 4000
REPORT_KIND = "import_report"
_TRIES = 3
States = tuple[ImportState, ...]
_RUNS: States = (ImportState.RUNNING,)
_OPEN: States = (*_RUNS, ImportState.FAILED)
_IN_MEMORY = 1 << 22  # bytes of a kept file before it goes to a temporary one

Progress = Callable[[int], None]  # told how many lines are done
Sink = Callable[[bytes], None]  # takes the report of a dry run, piece by piece
Stop = Callable[[], bool]  # whether it shall leave the rest for another time


class TakenError(StateError):
    """Another process has gone on with this import, or has undone it: this one leaves it alone."""


def import_subscribers(
    database: Database,
    stream: BinaryIO,
    order: ImportOrder,
    *,
    now: dt.datetime,
    progress: Progress | None = None,
    sink: Sink | None = None,
) -> ImportReport:
    """Import a seekable stream: CSV, TSV, a zip of them, or a spreadsheet.

    Raises InputError, before anything is written, for a file, a heading or a mapping that cannot be used and
    for a missing basis. If it fails later, what was written stays and the import can be resumed or undone.
    """
    with database.read() as session:
        basis = check_basis(session, order)
        people = read_people(session, open_parts(stream, order.file_name), order, now=now)
    people.check()
    if order.is_dry_run:
        run = _Run(database, order, people, progress, sink=sink)
        return run.to_the_end()
    print_ = fingerprint(stream)
    with database.write() as session:
        row = _begin(session, stream, order, basis, print_, now=now)
    stream.seek(0)
    proof = Proof(row.id, order.list_id, order.cadence_id, basis, order.actor, now)
    return _Run(database, order, people, progress, proof=proof, report_id=row.report_id).to_the_end()


def resume(
    database: Database,
    import_id: int,
    *,
    address_key: bytes,
    now: dt.datetime,
    stream: BinaryIO | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> ImportReport:
    """Go on with an import that ended half way, from the file that is kept or is given again.

    `stop` is asked after each batch: then the import stays running, for the next one who goes on with it.

    Raises StateError if it is done or undone, InputError for another file than it began with.
    """
    with database.read() as session:
        row = import_by_id(session, import_id)
        if row.state not in _OPEN or row.undone_at is not None:
            raise StateError(
                N_("The import %(number)s is %(state)s; there is nothing to resume."),
                number=import_id,
                state=row.state.value,
            )
        order = order_of(row, address_key)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
        source = stream or fetched(database, row.file_fingerprint, spool)
        if fingerprint(source) != row.file_fingerprint:
            raise InputError(N_("This is another file than the import began with."))
        with database.write() as session:
            people = read_people(session, open_parts(source, row.file_name), order, now=now)
            begun = {"state": ImportState.RUNNING, "fault": ""}
            _hold(session, import_id, row.position, begun, _OPEN)
        proof = Proof(row.id, row.list_id, order.cadence_id, row.consent, row.actor, now)
        run = _Run(
            database, order, people, progress, proof=proof, report_id=row.report_id, position=row.position
        )
        run.stop = stop
        run.tally.counts = dict(row.counts)
        return run.to_the_end()


def try_lines(
    database: Database,
    stream: BinaryIO,
    order: ImportOrder,
    *,
    now: dt.datetime,
    done: int,
    note: Callable[[int, ImportReport, bytes], None],
    stop: Stop,
) -> bool:
    """Try the lines after the first `done`, which writes nothing; whether the end was reached.

    `note` is told after each batch how many lines are done, what came of those of this call, and the report.
    """
    with database.read() as session:
        people = read_people(session, open_parts(stream, order.file_name), order, now=now)
    pieces: list[bytes] = []

    def tell(position: int) -> None:
        note(position, run.tally.report(is_dry_run=True, import_id=None), b"".join(pieces))
        pieces.clear()

    run = _Run(database, order, people, tell, sink=pieces.append, position=done)
    run.stop = stop
    return run.to_the_end().is_whole


def import_by_id(session: Session, import_id: int) -> Import:
    """The import of this number; raises NotFoundError."""
    found = session.get(Import, import_id)
    if found is None:
        raise NotFoundError(N_("There is no import %(number)s."), number=import_id)
    return found


def _begin(
    session: Session, stream: BinaryIO, order: ImportOrder, basis: str, print_: str, *, now: dt.datetime
) -> Import:
    if assets.find(session, kind=FILE_KIND, fingerprint=print_) is None:
        assets.store(
            session,
            stream,
            kind=FILE_KIND,
            name=order.file_name,
            media_type="application/octet-stream",
            now=now,
        )
    return begin_row(session, order, basis, print_, now=now)


def begin_row(session: Session, order: ImportOrder, basis: str, print_: str, *, now: dt.datetime) -> Import:
    """The import of a file that is kept already, of which nothing is done; `resume` does it."""
    session.get_one(MailingList, order.list_id)
    report = assets.begin(session, kind=REPORT_KIND, name="report.csv", media_type="text/csv", now=now)
    assets.append(session, report.id, import_lines.HEADING)
    row = Import(**kept(order, basis, print_), report_id=report.id, created_at=now, changed_at=now)
    session.add(row)
    session.flush()
    return row


def fetched(database: Database, print_: str, spool: Any) -> BinaryIO:
    """The kept file with this fingerprint, written into `spool`; raises InputError if it is gone."""
    with database.read() as session:
        asset = assets.find(session, kind=FILE_KIND, fingerprint=print_)
        if asset is None:
            raise InputError(
                N_("The file of this import is not kept any longer; bring it once more."),
                hint="Give it with --file.",
            )
        for chunk in assets.chunks(session, asset.id):
            spool.write(chunk)
    return cast("BinaryIO", spool)


@dataclass(slots=True)
class _Run:
    """One pass over a file. Without a `proof` it is a dry run; `position` lines were done before."""

    database: Database
    order: ImportOrder
    people: People
    progress: Progress | None
    proof: Proof | None = None
    report_id: int | None = None
    position: int = 0
    sink: Sink | None = None
    stop: Stop | None = None
    is_whole: bool = True
    seen: Seen = field(default_factory=Seen)
    tally: Tally = field(default_factory=Tally)

    def to_the_end(self) -> ImportReport:
        """Take all lines; a failure is noted with the import."""
        try:
            with rare_collections():
                self._take_all()
        except TakenError:
            raise
        except DigestError as error:
            self._fail(self.order.told(error))
            raise
        except Exception as error:
            self._fail(type(error).__name__)
            raise
        finally:
            with self.database.read() as session:
                with_room_to_load(session, is_wanted=False)
        self.tally.ignored.update(self.people.ignored)
        if self.proof is not None and self.is_whole:
            with self.database.write() as session:
                self._close(session, self.proof)
        import_id = self.proof.import_id if self.proof else None
        found = self.tally.report(is_dry_run=self.proof is None, import_id=import_id)
        return found if self.is_whole else replace(found, is_whole=False)

    def _take_all(self) -> None:
        lines, key = iter(self.people), self.order.address_key
        self._pass_over(lines)
        if self.proof is None and self.sink and not self.position:
            self.sink(import_lines.HEADING)
        ahead = ReadAhead(lambda: take_batch(lines, BATCH_LINES, seen=self.seen, address_key=key))
        for batch in ahead:
            self._take(batch, ahead)
            if self.progress:
                self.progress(self.position)
            if self.stop and self.stop():
                self.is_whole = False
                return

    def _pass_over(self, lines: Iterator[Row | BadLine]) -> None:
        """Only remember who stood in the lines that were done before."""
        for line in itertools.islice(lines, self.position):
            if isinstance(line, Row):
                self.seen.add(line.address.key)

    def _take(self, batch: Batch, ahead: ReadAhead) -> None:
        self.position += batch.lines
        self.tally.note(batch.bad)
        if self.proof is None:
            with self.database.read() as session:
                plan = self._sort(session, batch)
            if self.sink:
                self.sink(self._report(batch, plan))
            self.tally.add({**batch.counts, **plan.counts})
            return
        for _ in range(_TRIES):
            try:
                with self.database.write() as session:
                    with_room_to_load(session)
                    if not self.database.is_sqlite:  # there a write scope is alone
                        hold_people(session, batch.rows)
                    plan = self._sort(session, batch)
                    ahead.go_on()
                    write_plan(session, plan, self.proof)
                    summed = Counter(self.tally.counts) + Counter({**batch.counts, **plan.counts})
                    self._note(session, self.proof, batch.lines, dict(summed), self._report(batch, plan))
            except sa.exc.IntegrityError:
                continue  # somebody else added one of these people since we looked: look again
            self.tally.counts = dict(summed)
            return
        raise StateError(N_("Somebody else is adding the same people; resume the import when they are done."))

    def _sort(self, session: Session, batch: Batch) -> Plan:
        return sort_rows(session, batch.rows, self.order.list_id, leavers_only=self.order.leavers_only)

    def _report(self, batch: Batch, plan: Plan) -> bytes:
        repeated = [(row, Outcome.REPEATED) for row in batch.repeated]
        outcomes, words = [*repeated, *plan.outcomes], translator(self.order.language)
        return import_lines.report_lines(outcomes, batch.bad, batch.offices, words)

    def _note(
        self, session: Session, proof: Proof, lines: int, counts: dict[str, int], report: bytes
    ) -> None:
        """How far it has come, in the transaction of the rows."""
        values = {"position": self.position, "counts": counts, "changed_at": proof.now}
        _hold(session, proof.import_id, self.position - lines, values)
        if self.report_id is not None:
            assets.append(session, self.report_id, report)

    def _close(self, session: Session, proof: Proof) -> None:
        """Note that it is done, on the same terms as how far it has come."""
        _hold(session, proof.import_id, self.position, {"state": ImportState.DONE})
        row = import_by_id(session, proof.import_id)
        if self.report_id is not None:
            assets.finish(session, self.report_id)
        drop_file(session, row.file_fingerprint, import_id=row.id)

    def _fail(self, fault: str) -> None:
        if self.proof is None:
            return
        with self.database.write() as session:
            session.execute(
                sa.update(Import)
                .where(Import.id == self.proof.import_id, Import.state == ImportState.RUNNING)
                .values(state=ImportState.FAILED, fault=fault[:500])
            )


def _hold(
    session: Session, import_id: int, position: int, values: dict[str, Any], of: States = _RUNS
) -> None:
    """Change an import's row; raises TakenError if somebody else went on with it, ended it or undid it."""
    is_ours = (Import.id == import_id, Import.position == position, Import.state.in_(of))
    statement = sa.update(Import).where(*is_ours, Import.undone_at.is_(None)).values(values)
    result = session.execute(statement.execution_options(synchronize_session=False))
    if getattr(result, "rowcount", 0) != 1:
        raise TakenError(f"The import {import_id} is being done by another process, or was undone.")
