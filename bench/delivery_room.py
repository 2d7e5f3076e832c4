"""A newsroom to measure the sending with: readers, a real mail of 70 kB, editions that are due, a worker."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.delivery_mail import SENDER
from bench.delivery_peers import program
from digest import clock, keys
from digest.db import Database
from digest.db.schema import upgrade
from digest.deliveries.handover import start_due
from digest.deliveries.partitions import make_partitions
from digest.deliveries.plan import plan
from digest.lists.topics import add_topic
from digest.mail.prepared import PreparedMail
from digest.models import Digest, Edition, EditionKind, EditionState, Transport
from tests.factories import make_cadence, make_digest, make_list, make_revision
from tests.servers import postgres, redis
from tests.servers.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
# Made by the server: a hundred thousand rows in a second. The hash is of no key, and so of nobody on the
# do-not-mail list, which is all that it is looked at for.
_PEOPLE = """
    WITH people AS (
        INSERT INTO subscribers (address, address_key, address_hash, domain, name, text_size, attributes,
                                 created_at)
        SELECT address, address, encode(sha256(address::bytea), 'hex'), split_part(address, '@', 2),
               'Anahit Sarian ' || number, 'normal', '{}', :now
        FROM (SELECT number, 'reader' || number || '@mail' || number % 200 || '.test' AS address
              FROM generate_series(:first, :last) number) numbered
        RETURNING id)
    INSERT INTO subscriptions (list_id, subscriber_id, status, topics, created_at, changed_at)
    SELECT :list, id, 'active', '[]', :now, :now FROM people
"""
_CHOICES = """
    UPDATE subscriptions SET topics = CASE id % 6 WHEN 0 THEN '["arts"]'::jsonb WHEN 1 THEN '["sport"]'
        WHEN 2 THEN '["arts", "town"]' WHEN 3 THEN '["town"]' ELSE '[]' END
"""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of a run: a PostgreSQL that keeps its promises (fsync on), a broker."""

    postgres: PostgresServer
    broker_url: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Room:
    """One database with a digest, a cadence that no scheduler runs, a list and its readers."""

    database: Database
    folder: Path
    env: Mapping[str, str]
    cadence_id: int
    list_id: int

    def add_people(self, count: int) -> None:
        """So many more readers."""
        first = next(_numbers) * 10_000_000
        with self.database.write() as session:
            values = {"first": first, "last": first + count - 1, "now": clock.utc_now(), "list": self.list_id}
            session.execute(sa.text(_PEOPLE), values)
        tidy(self.database)

    def choose_topics(self) -> None:
        """Let the readers choose: a third of them everything, the others one of four sets of topics.

        Each set is looked up as where mails differ, though an edition here is one and the same mail for all.
        """
        with self.database.write() as session:
            digest = session.scalars(sa.select(Digest)).one()
            for name in ("arts", "sport", "town"):
                add_topic(session, digest, name=name, title=name, sections=[name], now=clock.utc_now())
            session.execute(sa.text(_CHOICES))
        tidy(self.database)

    def point_to(self, port: int, **values: Any) -> None:
        """The one mail service is at this port of the machine, with these limits."""
        with self.database.write() as session:
            session.execute(sa.delete(Transport))
            now = clock.utc_now()
            given = {"name": "bench", "host": "127.0.0.1", "port": port, "security": "none", **values}
            session.add(Transport(**given, created_at=now, tested_at=now, accepted_at=now))

    def edition(self, mail: PreparedMail, *, due_in: float = 0.0, is_planned: bool = True) -> int:
        """An edition for all readers: frozen, planned if not told otherwise, on its way if it is due now."""
        now = clock.utc_now()
        due_at = now + dt.timedelta(seconds=due_in)
        with self.database.write() as session:
            made = Edition(
                public_id=f"bench{next(_numbers)}",
                cadence_id=self.cadence_id,
                kind=EditionKind.EXTRA,
                due_at=due_at,
                due_local=f"bench {next(_numbers)}",
                send_at=due_at,
                state=EditionState.FROZEN,
                state_since=now,
                created_at=now,
            )
            session.add(made)
            session.flush()
            made.revision_id = make_revision(session, made.id, mail=mail.to_bytes(), created_at=now).id
            edition_id = made.id
            make_partitions(session)
        if is_planned:
            self.plan(edition_id)
            if not due_in:
                with self.database.write() as session:
                    start_due(session, now=clock.utc_now())
            tidy(self.database)
        return edition_id

    def plan(self, edition_id: int) -> int:
        """Fix the audience of an edition; how many they are."""
        with self.database.write() as session:
            return plan(session, edition_id, now=clock.utc_now())

    def execute(self, statement: str, **values: Any) -> Any:
        """Run one statement; its first value, if it gives rows."""
        with self.database.write() as session:
            found = session.execute(sa.text(statement), values)
            assert isinstance(found, sa.CursorResult)
            return found.scalar() if found.returns_rows else None

    @contextlib.contextmanager
    def worker(self, *words: str) -> Iterator[Worker]:
        """A process that sends as a worker child does; see `bench.delivery_worker`."""
        argv = [sys.executable, "-m", "bench.delivery_worker", *words]
        process = subprocess.Popen(
            argv, cwd=ROOT, env=child_env(self.env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        worker = Worker(process)
        try:
            yield worker
        finally:
            assert process.stdin
            process.stdin.close()  # it says goodbye to the mail service and ends
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker did with one edition: CPU and wall seconds, without its start."""

    cpu: float
    wall: float
    sent: int
    peak: int
    pss: int
    threads: Mapping[str, float]

    @property
    def cpu_us(self) -> float:
        """CPU microseconds a message."""
        return 1e6 * self.cpu / self.sent

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.sent / self.wall


@dataclass(frozen=True, slots=True)
class Worker:
    """A sending process that waits for editions."""

    process: subprocess.Popen[str]

    def send(self, edition_id: int, *, people: int | None = None) -> Work:
        """Have it send an edition; AssertionError unless all `people` were handed over."""
        self.begin(edition_id)
        work = self.finish()
        if people is not None and work.sent != people:
            raise AssertionError(f"{work.sent} of {people} were handed over")
        return work

    def begin(self, edition_id: int) -> None:
        """Have it begin."""
        assert self.process.stdin
        print(edition_id, file=self.process.stdin, flush=True)

    def finish(self) -> Work:
        """What it did."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise ChildProcessError("the worker ended")
        return Work(**json.loads(line))


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """PostgreSQL with fsync on and a broker, for the length of a block; LookupError where one is missing."""
    if program("smtp-sink") is None:
        raise LookupError("there is no smtp-sink (Debian: postfix)")
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as temporary, contextlib.ExitStack() as stack:
        folder = Path(temporary)
        folder.chmod(0o755)  # the database server runs as another user
        service = stack.enter_context(postgres.serve(folder, is_durable=True))
        if not service.url:
            raise LookupError(service.text)
        broker = stack.enter_context(redis.private(folder / "broker"))
        yield Servers(PostgresServer(service.url, service.text), broker.url, folder)


@contextlib.contextmanager
def room(at: Servers, **settings: str) -> Iterator[Room]:
    """A newsroom in a database of its own."""
    with at.postgres.database() as url, tempfile.TemporaryDirectory(dir=at.folder) as temporary:
        env = {
            "DIGEST_DATA_DIR": temporary,
            "DIGEST_DATABASE_URL": url,
            "DIGEST_BROKER_URL": at.broker_url,
            "DIGEST_PUBLIC_URL": "https://digest.courier.example",
            "DIGEST_LOG_LEVEL": "WARNING",
            **{f"DIGEST_{name.upper()}": value for name, value in settings.items()},
        }
        keys.make_missing(Path(temporary) / "secrets")
        database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
        try:
            upgrade(database)
            with database.write() as session:
                digest = make_digest(session, sender_address=SENDER)
                # At full speed: by itself an edition for many people is spread over twenty minutes.
                cadence = make_cadence(session, digest, is_running=False, spread_seconds=0)
                mailing_list = make_list(session, digest)
            yield Room(database, Path(temporary), env, cadence.id, mailing_list.id)
        finally:
            database.close()


def child_env(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of ours that is not one of Digest's own commands."""
    return {**os.environ, **env, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}


def tidy(database: Database) -> None:
    """What autovacuum would do sooner or later, done before the clock starts, and its writes with it."""
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text("ANALYZE"))
        if not database.is_sqlite:
            connection.execute(sa.text("CHECKPOINT"))
