"""How fast a file of people comes in with all checks, and goes out again; each beside the bare copy.

One line in fifty brings nobody, as in files that newsrooms have: it cannot be read, repeats another, or is of
somebody who is known, has left or is not to be mailed. What came of each kind is compared with the file.

DIGEST_BENCH_PEOPLE sets how many (a million else). Each run is a process of its own, so that its memory is.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench import effort
from bench.collecting import kinds
from bench.figures import Figure, Target, load
from bench.rows import without
from bench.spine import postgres
from digest.db import Database
from digest.lists.export import export_list
from digest.lists.import_order import ImportOrder
from digest.lists.import_run import import_subscribers
from digest.lists.status import Origin
from digest.lists.subscribe import end
from digest.lists.suppress import suppress_address
from digest.models import MailingList, Subscriber, Subscription, SubscriptionStatus
from tests.factories import make_cadence, make_digest, make_list, make_readers
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

PEOPLE = effort.PEOPLE or effort.people(1_000_000)
_IMPORT_SECONDS = {True: 240, False: 120}  # of a million, by whether it is SQLite
_EXPORT_SECONDS = 60
_MEMORY = 200  # MB
_DOMAINS = 500
_CLEAN = 49  # lines before one that brings nobody: so every batch has some of all kinds
_KINDS = ("bad", "repeated", "suppressed", "known", "left")
_COLUMNS = ("email", "name", "zone", "language")


def figures() -> Iterator[Figure]:
    """Import and export on each kind of database."""
    with tempfile.TemporaryDirectory() as temporary, postgres() as server:
        folder = Path(temporary)
        people = folder / "people.csv"
        _write(people)
        for kind, databases in kinds(folder, server):
            with databases() as database:
                yield from _of(kind, database, people, folder / "out.csv")
        yield from without(server, "audience", "import and export")


def _of(kind: str, database: Database, people: Path, out: Path) -> Iterator[Figure]:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        mailing_list = make_list(session, digest)
        list_id = mailing_list.id
        _make_plain_table(session)
        _add_those_before(session, mailing_list)
    _tidy(database)
    url = database.engine.url.render_as_string(hide_password=False)
    bare = _bare_in(database, people)
    came = _in_child("import", url, people, list_id)
    check_counts(came["counts"])
    _check_rows(database, list_id)
    promise = "" if database.is_sqlite else "fsync off; "
    note = f"{came['cpu']:.0f} s of it own CPU; {promise}one run; {load()}"
    what = "executemany" if database.is_sqlite else "COPY"
    yield Figure(
        "audience",
        f"import {PEOPLE:,} people from CSV into {kind}",
        came["seconds"],
        "s",
        bare,
        Target("<=", _IMPORT_SECONDS[database.is_sqlite] * PEOPLE / 1e6),
        f"checked, sorted against who is known, with a chain of consent each; besides them "
        f"{told_dirt()}, each counted as what it is, and the rows afterwards; {note}; "
        f"reference: bare {what} of the file's cells into a table without keys",
    )
    yield _memory(f"import {PEOPLE:,} people into {kind}", came)
    bare = _bare_out(database, list_id, out)
    went = _in_child("export", url, out, list_id)
    rows = PEOPLE + dirt()["known"] + dirt()["left"]
    if went["counts"] != {"lines": rows}:
        raise AssertionError(f"{went['counts']} of {rows} people went out")
    yield Figure(
        "audience",
        f"export {PEOPLE:,} people from {kind}",
        went["seconds"],
        "s",
        bare,
        Target("<=", _EXPORT_SECONDS * PEOPLE / 1e6),
        f"{rows:,} with those who were there before; {went['cpu']:.0f} s of it own CPU; one run; {load()}; "
        f"reference: bare {'SELECT and csv.writer' if database.is_sqlite else 'COPY TO'} of the same rows",
    )
    yield _memory(f"export {PEOPLE:,} people from {kind}", went)


def _memory(name: str, ran: dict[str, Any]) -> Figure:
    return Figure(
        "audience",
        f"memory to {name}",
        ran["megabytes"],
        "MB",
        ran["before"],
        Target("<=", _MEMORY),
        "highest resident size of the process; reference: before it began",
    )


def dirt(people: int = PEOPLE) -> dict[str, int]:
    """How many lines of each kind of dirt stand between those of so many people, by the counts' names."""
    of = Counter(_KINDS[number % len(_KINDS)] for number in range(people // _CLEAN))
    return {kind: of[kind] for kind in _KINDS}


def told_dirt() -> str:
    """The dirt in words, for the note."""
    counts = dirt()
    lines, words = sum(counts.values()), ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
    return f"{lines:,} lines that bring nobody ({100 * lines / (PEOPLE + lines):.1f} % of the file: {words})"


def lines_of(people: int = PEOPLE) -> Iterator[Sequence[str]]:
    """The lines of so many people, with a dirty one after each 49; all have the cells of the heading."""
    for number in range(people):
        address = f"reader.{number}@mail{number % _DOMAINS}.test"
        yield address, f"Reader {number}", "Asia/Yerevan", "hy"
        if number % _CLEAN == _CLEAN - 1:
            turn, which = divmod(number // _CLEAN, len(_KINDS))
            yield _dirty(_KINDS[which], turn, address)


def _dirty(kind: str, turn: int, last: str) -> Sequence[str]:
    """One that is no address, has an unknown zone or language; one of the line before; one who is known."""
    rest = ("Reader", "Asia/Yerevan", "hy")
    if kind == "bad":
        bad = (("reader.mail.test", *rest), (f"odd.{turn}@mail.test", "Reader", "Mars/Olympus", "hy"))
        return (*bad, (f"odd.{turn}@mail.test", "Reader", "Asia/Yerevan", "no language"))[turn % 3]
    return (last.upper(), *rest) if kind == "repeated" else (_before(kind, turn), *rest)


def _before(kind: str, turn: int) -> str:
    return f"{kind}.{turn}@mail{turn % _DOMAINS}.test"


def _write(path: Path) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        writer.writerows(lines_of())


def _add_those_before(session: sa.orm.Session, mailing_list: MailingList) -> None:
    """Who is on the list already, who has left it, and who is on the do-not-mail list."""
    before = {kind: [_before(kind, turn) for turn in range(count)] for kind, count in dirt().items()}
    make_readers(session, mailing_list, before["known"])
    for person in make_readers(session, mailing_list, before["left"]):
        subscription = session.scalars(sa.select(Subscription).where(Subscription.subscriber_id == person.id))
        end(session, subscription.one(), source=Origin.CLI, now=NOW, reason="unsubscribed")
    for address in before["suppressed"]:
        suppress_address(session, ADDRESS_KEY, address, reason="asked", source=Origin.CLI, now=NOW)


def check_counts(counts: Mapping[str, int], people: int = PEOPLE) -> None:
    """AssertionError unless each line of the file came to what it was written for."""
    expected = {"added": people, **dirt(people)}
    expected["lines"] = sum(expected.values())
    if Counter(counts) != Counter(expected):  # a count that is missing is none
        raise AssertionError(f"the lines came to {counts}, and should to {expected}")


def _check_rows(database: Database, list_id: int) -> None:
    """AssertionError unless the list has those who were added and those before, and who left has left."""
    by_status = (
        sa.select(Subscription.status, sa.func.count())
        .where(Subscription.list_id == list_id)
        .group_by(Subscription.status)
    )
    with database.read() as session:
        found = dict(session.execute(by_status).tuples().all())
        people = session.scalar(sa.select(sa.func.count()).select_from(Subscriber))
    active, ended = PEOPLE + dirt()["known"], dirt()["left"]
    expected = {SubscriptionStatus.ACTIVE: active, SubscriptionStatus.ENDED: ended}
    if Counter(found) != Counter(expected) or people != active + ended:
        raise AssertionError(f"{people} people on the list as {found}, and not as {expected}")


def _tidy(database: Database) -> None:
    """A list that had people before has been looked at by autovacuum before."""
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text("ANALYZE"))


def _make_plain_table(session: sa.orm.Session) -> None:
    session.execute(sa.text("CREATE TABLE plain (email text, name text, zone text, language text)"))


def _bare_in(database: Database, people: Path) -> float:
    started = time.perf_counter()
    with database.write() as session, people.open("rb") as stream:
        if database.is_sqlite:
            rows = csv.reader(line.decode() for line in stream)
            next(rows)
            driver: Any = session.connection().connection.driver_connection
            driver.executemany("INSERT INTO plain VALUES (?, ?, ?, ?)", rows)
        else:
            driver = session.connection().connection.driver_connection
            with driver.cursor() as cursor, cursor.copy("COPY plain FROM STDIN (FORMAT csv, HEADER)") as copy:
                while chunk := stream.read(1 << 16):
                    copy.write(chunk)
    return time.perf_counter() - started


def _bare_out(database: Database, list_id: int, out: Path) -> float:
    query = (
        "SELECT address, name, zone, language, text_size, status, topics, s.created_at, attributes "
        "FROM subscriptions s JOIN subscribers p ON p.id = s.subscriber_id "
        f"WHERE s.list_id = {list_id} ORDER BY s.subscriber_id"
    )
    started = time.perf_counter()
    with database.read() as session:
        driver: Any = session.connection().connection.driver_connection
        if database.is_sqlite:
            with out.open("w", newline="") as stream:
                csv.writer(stream).writerows(driver.execute(query))
        else:
            with (
                out.open("wb") as raw,
                driver.cursor() as cursor,
                cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy,
            ):
                for data in copy:
                    raw.write(data)
    return time.perf_counter() - started


def _in_child(what: str, url: str, path: Path, list_id: int) -> dict[str, Any]:
    """What a process of its own says of its run."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.audience_files", what, url, str(path), str(list_id)],
        check=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _child(what: str, url: str, path: Path, list_id: int) -> dict[str, Any]:
    database = Database(url)
    before, started, cpu = _peak(), time.perf_counter(), time.process_time()
    if what == "import":
        order = ImportOrder(list_id, "moved from our old list", "bench", ADDRESS_KEY, file_name=path.name)
        with path.open("rb") as stream:
            report = asdict(import_subscribers(database, stream, order, now=NOW))
        counts = {name: count for name, count in report.items() if type(count) is int}
        del counts["import_id"]
    else:
        rows = -1
        with path.open("wb") as out:
            for piece in export_list(database, list_id):
                rows += piece.count(b"\n")
                out.write(piece)
        counts = {"lines": rows}
    seconds = time.perf_counter() - started
    database.close()
    return {
        "counts": counts,
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "megabytes": _peak(),
        "before": before,
    }


def _peak() -> float:
    """The highest resident size of this process so far, in MB (proc(5))."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    _, _what, _url, _path, _list = sys.argv
    sys.stdout.write(json.dumps(_child(_what, _url, Path(_path), int(_list))))
