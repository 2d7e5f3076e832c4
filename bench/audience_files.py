"""How fast a file of people comes in with all checks, and goes out again; each beside the bare copy.

DIGEST_BENCH_PEOPLE sets how many (a million else). Each run is a process of its own, so that its memory is.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench import effort
from bench.collecting import kinds
from bench.figures import Figure, Target, load
from bench.spine import postgres
from digest.db import Database
from digest.lists.export import export_list
from digest.lists.import_order import ImportOrder
from digest.lists.import_run import import_subscribers
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

PEOPLE = effort.PEOPLE or effort.people(1_000_000)
_IMPORT_SECONDS = {True: 240, False: 120}  # of a million, by whether it is SQLite
_EXPORT_SECONDS = 60
_MEMORY = 200  # MB
_DOMAINS = 500
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


def _of(kind: str, database: Database, people: Path, out: Path) -> Iterator[Figure]:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        list_id = make_list(session, digest).id
        _make_plain_table(session)
    url = database.engine.url.render_as_string(hide_password=False)
    bare = _bare_in(database, people)
    came = _in_child("import", url, people, list_id)
    if came["rows"] != PEOPLE:
        raise AssertionError(f"{came['rows']} of {PEOPLE} people came in")
    promise = "" if database.is_sqlite else "fsync off; "
    note = f"{came['cpu']:.0f} s of it own CPU; {promise}{load()}"
    what = "executemany" if database.is_sqlite else "COPY"
    yield Figure(
        "audience",
        f"import {PEOPLE:,} people from CSV into {kind}",
        came["seconds"],
        "s",
        bare,
        Target("<=", _IMPORT_SECONDS[database.is_sqlite] * PEOPLE / 1e6),
        f"checked, sorted against who is known, with a chain of consent each; {note}; "
        f"reference: bare {what} of the file's cells into a table without keys",
    )
    yield _memory(f"import {PEOPLE:,} people into {kind}", came)
    bare = _bare_out(database, list_id, out)
    went = _in_child("export", url, out, list_id)
    yield Figure(
        "audience",
        f"export {PEOPLE:,} people from {kind}",
        went["seconds"],
        "s",
        bare,
        Target("<=", _EXPORT_SECONDS * PEOPLE / 1e6),
        f"{went['cpu']:.0f} s of it own CPU; {load()}; reference: bare "
        f"{'SELECT and csv.writer' if database.is_sqlite else 'COPY TO'} of the same rows",
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


def _write(path: Path) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for number in range(PEOPLE):
            writer.writerow(
                (f"reader.{number}@mail{number % _DOMAINS}.test", f"Reader {number}", "Asia/Yerevan", "hy")
            )


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
            rows = import_subscribers(database, stream, order, now=NOW).added
    else:
        rows = -1
        with path.open("wb") as out:
            for piece in export_list(database, list_id):
                rows += piece.count(b"\n")
                out.write(piece)
    seconds = time.perf_counter() - started
    database.close()
    return {
        "rows": rows,
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
