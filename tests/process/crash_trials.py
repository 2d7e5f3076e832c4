"""One trial: an edition for a few people, a worker killed at a point, one that goes on, the checker."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from digest import clock, keys
from digest.db import Database
from digest.lists import retention
from digest.mail.journal import Record
from digest.models import Batch, Journal, MailingList, Security, Transport, UncertainPolicy, Variant
from tests.factories import make_subscriber, make_subscription
from tests.integration.planned import make_desk, named_words
from tests.process.checker import Member, Report, check
from tests.process.crash_workers import KILLED, STOPPED, TOLD, Crash, Workers
from tests.process.evidence import members_of, records_in, taken_of
from tests.servers.smtp import JudgeServer, read_ends
from tests.servers.smtp_script import Script
from tests.servers.waiting import wait_until

# With the values of `crash_points`: two batches, three groups, and more in a group than connections.
PEOPLE = 13
# A pass of what is passed once for each of them, with some behind and some before it.
MIDDLE = PEOPLE // 2 + 1
PUBLIC_URL = "https://digest.courier.example"
# What the end of a trial tells: who is pending is not lost, and whoever is sent again by policy is so later.
_LATER = frozenset({"lost", "doubled"})


@dataclass(frozen=True, slots=True)
class Trial:
    """How the workers of a trial ended, what was found, and how often each point was passed by the last.

    `told` is how many were told to end before they had, `unsettled` what these left that must not be.
    """

    statuses: list[int]
    report: Report
    passes: dict[str, int]
    told: int = 0
    unsettled: tuple[str, ...] = ()

    @property
    def ends(self) -> int:
        """How many workers ended before the edition did."""
        return self.statuses.count(KILLED) + self.told


def seed(database: Database, folder: Path, *, policy: str, people: int = PEOPLE) -> int:
    """A frozen edition whose slot has come, and everything that it needs; its id."""
    now = clock.utc_now()
    desk = make_desk(database, folder)
    edition_id = desk.frozen(now)
    mail = named_words()
    with database.write() as session:
        for number in range(people):
            person = make_subscriber(
                session,
                f"p{number:05}@mail.test",
                name=f"Anna Mill{number:05}",
                address_key=desk.made.address_key,
            )
            make_subscription(session, desk.mailing_list, person)
        session.execute(sa.update(MailingList).values(uncertain_policy=UncertainPolicy(policy)))
        session.execute(sa.update(Variant).values(mail=mail.to_bytes()))
        service = session.get_one(Transport, desk.transport_id)
        service.security, service.tested_at = Security.NONE, now
        service.most_connections = 2  # fewer than a group has people
    # The day's deleting is done: in the first tick of every trial it would take as long as the sending.
    retention.run(database, retention.RetentionTimes(), actor="sweep", now=now)
    return edition_id


@dataclass(slots=True)
class Bench:
    """Where trials are run: the workers, and a seeded SQLite file and secrets to start each from."""

    workers: Workers
    template: Path
    edition_ids: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def prepare(self, migrated: Path, policy: str) -> None:
        """Seed the file that trials of a policy start from."""
        folder = self.template / policy
        folder.mkdir(parents=True)
        shutil.copyfile(migrated, folder / "digest.db")
        database = Database(f"sqlite:///{folder / 'digest.db'}")
        self.edition_ids[policy] = seed(database, folder, policy=policy)
        database.close()

    def warm(self, policy: str) -> None:
        """Have the workers' process do whole editions itself, so that its children are quick.

        Two as they are, for some statements are known for the same only once they were built, and one that a
        killed worker has begun, so that it folds a journal and settles doubts.
        """
        for name, crashes in (("one", ()), ("two", ()), ("killed", (Crash("intent written", MIDDLE),))):
            folder = self.template / f"warm {name}"
            shutil.copytree(self.template / policy, folder)
            url = f"sqlite:///{folder / 'digest.db'}"
            (folder / "kept").mkdir()
            with JudgeServer(Script(keep=False, fsync=False)) as judge:
                _point_to(url, judge.port)
                for crash in crashes:
                    self.workers.run(folder, _settings(folder, url), crash)
                self.workers.run(folder, _settings(folder, url), Crash(), warm=True)

    def on_sqlite(self, policy: str, *crashes: Crash, script: Script | None = None) -> Trial:
        """One trial on a copy of the seeded file."""
        folder, url = self._copied(policy)
        return run_trial(self.workers, folder, url, self.edition_ids[policy], crashes, script=script)

    @contextlib.contextmanager
    def scene(self, policy: str, *, script: Script | None = None) -> Iterator[Scene]:
        """A trial step by step, on a copy of the seeded file."""
        folder, url = self._copied(policy)
        with scene(self.workers, folder, url, self.edition_ids[policy], script=script) as on:
            yield on

    def _copied(self, policy: str) -> tuple[Path, str]:
        if self.count:
            shutil.rmtree(self.template / f"trial{self.count}", ignore_errors=True)  # the last one stays
        self.count += 1
        folder = self.template / f"trial{self.count}"
        shutil.copytree(self.template / policy, folder)
        return folder, f"sqlite:///{folder / 'digest.db'}"


def run_trial(
    made: Workers,
    folder: Path,
    url: str,
    edition_id: int,
    crashes: Sequence[Crash],
    *,
    script: Script | None = None,
) -> Trial:
    """Run the workers one after another, each to its crash, a last one to the end; then compare.

    The database holds a seeded edition, the folder its secrets. Each worker but the last must be killed where
    it was to be; of one that is told to end it is looked at what it left.
    """
    statuses, answer, told, unsettled = [], {}, 0, []
    with scene(made, folder, url, edition_id, script=script) as on:
        for crash in (*crashes, Crash()):
            answer = on.run(crash)
            statuses.append(answer["status"])
            if answer["passes"].get(TOLD):
                unsettled += on.held() + ([] if told else on.unsettled(is_hurried=bool(crash.drain)))
                told += 1
    report = on.report()
    for crash, status in zip((*crashes, Crash()), statuses, strict=True):
        # One that is killed at a random moment may have come to its end before.
        expected = {KILLED, 0} if crash.after else {KILLED if crash.point else 0}
        expected -= {KILLED} if crash.is_told else set()
        assert status in expected, (crash, status, made.log.read_text()[-3000:])
    return Trial(statuses, report, answer["passes"], told, tuple(unsettled))


@dataclass(frozen=True, slots=True)
class Scene:
    """A seeded edition, the judge that its mail service is, and the workers: for trials step by step."""

    made: Workers
    folder: Path
    url: str
    edition_id: int
    judge: JudgeServer
    record: Path
    standing: set[int] = field(default_factory=set)  # workers that were stopped: their connections stay

    def run(self, crash: Crash | None = None, **under: Any) -> dict[str, Any]:
        """Run a worker to its end, or to where it stops; `under` as in `crashing_worker`."""
        env = {**_settings(self.folder, self.url), **under.pop("env", {})}
        answer = self.made.run(self.folder, env, crash or Crash(), under=under)
        if crash is not None and crash.is_told:
            self.judge.hold_no_more()  # what it had not answered; the next worker finds it as it should be
        if answer["status"] == STOPPED:
            self.standing.add(answer["pid"])
        self._wait_for_the_judge()
        return answer

    def go_on(self, pid: int) -> dict[str, Any]:
        """Let a stopped worker run to its end."""
        answer = self.made.go_on(pid)
        self.standing.discard(pid)
        self._wait_for_the_judge()
        return answer

    def _wait_for_the_judge(self) -> None:
        # What the dead worker had written may still be under way to the server.
        if not self.standing:
            wait_until(lambda: self.judge.open_connections == 0, what="the end of the worker's connections")

    def members(self) -> list[Member]:
        """The audience, with what the ledger says now."""
        with self.opened() as database:
            return members_of(database, self.edition_id, keys.load(self.folder / "secrets"), PUBLIC_URL)

    def taken(self) -> list[dict[str, Any]]:
        """What the judge has taken so far."""
        return taken_of(self.record, self.edition_id)

    def records(self) -> list[Record]:
        """What all journals say so far."""
        return list(records_in(self.folder / "kept", self.edition_id))

    def report(self, *, with_journals: bool = True) -> Report:
        """What the checker finds."""
        return check(
            self.members(),
            self.taken(),
            ends=list(read_ends(self.record)),
            records=self.records() if with_journals else None,
        )

    def unsettled(self, *, is_hurried: bool) -> list[str]:
        """Who is not as the first worker must leave them that was told to end.

        Whoever was taken is sent, or in doubt if their answer was not waited for (`is_hurried`); everybody
        else is pending. After a second one whoever was in doubt may be pending too: to be sent it again.
        """
        report = self.report()
        found = [entry for entry in report.lost if not entry.endswith(": pending")]
        problems = [entries for name, entries in report.problems().items() if name not in _LATER]
        found += itertools.chain(*problems)
        if report.uncertain > (report.connections_ended if is_hurried else 0):
            found.append(f"{report.uncertain} in doubt, {report.connections_ended} connections ended")
        return found

    def held(self) -> list[str]:
        """What the next worker would have to wait for; nothing, unless one was killed."""
        leased = sa.select(Batch.id).where(Batch.leased_until.is_not(None) | Batch.journal_id.is_not(None))
        unfolded = sa.select(Journal.id).where(Journal.folded_at.is_(None))
        with self.opened() as database, database.read() as session:
            found = [f"batch {each} is held" for each in session.scalars(leased)]
            return found + [f"journal {each} is not folded" for each in session.scalars(unfolded)]

    @contextlib.contextmanager
    def opened(self) -> Iterator[Database]:
        """The database, for a look or a change from outside."""
        database = Database(self.url)
        try:
            yield database
        finally:
            database.close()


@contextlib.contextmanager
def scene(
    made: Workers, folder: Path, url: str, edition_id: int, *, script: Script | None = None
) -> Iterator[Scene]:
    """The judge runs as long as the block; the database holds a seeded edition, the folder its secrets."""
    (folder / "kept").mkdir()
    # The judge outlives the workers: what it has written needs no disk.
    script = dataclasses.replace(script or Script(), keep=False, raw=True, fsync=False)
    record = folder / "judge.jsonl"
    with JudgeServer(script, record=record) as judge:
        _point_to(url, judge.port)
        yield Scene(made, folder, url, edition_id, judge, record)


def _settings(folder: Path, url: str) -> dict[str, str]:
    return {
        "DIGEST_DATA_DIR": str(folder),
        "DIGEST_DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://"),
        "DIGEST_BROKER_URL": "memory://",
        "DIGEST_PUBLIC_URL": PUBLIC_URL,
        "DIGEST_SETTLE_UNCERTAIN_AFTER": "0",
    }


def _point_to(url: str, port: int) -> None:
    """Have the mail service of a seeded database be the judge at this port."""
    database = Database(url)
    with database.write() as session:
        session.execute(sa.update(Transport).values(port=port))
    database.close()
