"""A worker that stands still past its lease and then goes on: it mails nobody whom another may have mailed.

A real process is stopped with SIGSTOP at a named point or at a random moment of its sending, another works,
and SIGCONT lets the first one go on. Three ways in which the other may find the first one's batches:

    held    its lock is seen: nobody takes them
    unseen  its lock is not seen, as on a file system without working locks: the other folds a copy of its
            journal and mails the rest
    gone    the other is on another machine, and gives them up an hour after the lease has ended
"""

from __future__ import annotations

import datetime as dt
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.mail.journal import IntentRecord, fold
from digest.models import Batch, Journal
from tests.process.conftest import POLICIES
from tests.process.crash_trials import PEOPLE, Bench, Scene, scene, seed
from tests.process.crash_workers import STOPPED, Crash
from tests.servers.postgres import PostgresServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.process, pytest.mark.waits]

LEASE = 0.8
CONNECTIONS = 2  # of a seeded edition's mail service
# On record at once, answered 10 ms later: what is stopped is most often between a dot and its answer.
SLOW = Script(faults=(Fault("accepted", action="slow", seconds=0.01, times=0),))
_WAYS = ("held", "unseen", "gone")
_POINTS = (
    *("people read", "before the intent", "intent written", "before the dot", "dot written", "answered"),
    *("outcome written", "before the ledger", "amid the ledger", "group recorded"),
)


def _stopped_at(numbers: random.Random) -> Crash:
    if numbers.random() < 0.5:
        return Crash(after=numbers.uniform(0.02, 0.3), action="stop")
    return Crash(numbers.choice(_POINTS), numbers.randint(1, 4), action="stop")


def _stall(scene: Scene, way: str, stop: Crash, **under: object) -> tuple[int, int]:
    """Stop one, have another work, let the first go on; how many were uncertain meanwhile, and at the end."""
    first, other = scene.folder / "first", scene.folder / "other"
    own = {"env": {"DIGEST_JOURNAL_DIR": str(first)}, "lease": LEASE, "host": "first", **under}
    others = {"env": {"DIGEST_JOURNAL_DIR": str(other)}, "lease": LEASE, "host": "first"}
    if way == "gone":
        others["host"] = "other"
    answer = scene.run(stop, **own)
    if answer["status"] != STOPPED:  # it had come to its end before the moment
        assert answer["status"] == 0, scene.made.log.read_text()[-3000:]
        return 0, 0
    if scene.url.startswith("sqlite") and _is_locked(scene):
        # It stands amid a transaction: on SQLite nobody else can write until it goes on.
        assert scene.go_on(answer["pid"])["status"] == 0, scene.made.log.read_text()[-3000:]
        return 0, _judge(scene, "held", set())
    with scene.opened() as database:
        held = _lapsed(database)
        begun = _open_intents(scene)
        if way == "unseen":
            _copy_journal(database, scene.folder)
        elif way == "gone":
            if first.exists():  # it may have been stopped before it opened its journal
                first.rename(scene.folder / "out of reach")
            _an_hour_later(database)
    served = Counter(line["rcpt"][0] for line in scene.taken())
    ended = scene.run(**others, leaves_after=0.5 if way == "held" and held else 0.0)
    assert ended["status"] == 0, scene.made.log.read_text()[-3000:]
    if (scene.folder / "out of reach").exists():
        (scene.folder / "out of reach").rename(first)
    doubtful = sum(member.status == "uncertain" for member in scene.members())
    between = len(scene.taken())
    assert scene.made.stands_still(answer["pid"]), "it was woken by somebody else: nothing was tried"

    ended = scene.go_on(answer["pid"])
    assert ended["status"] == 0, scene.made.log.read_text()[-3000:]
    if way != "held":
        late = {line["rcpt"][0] for line in scene.taken()[between:]}
        addresses = {member.subscriber_id: member.address for member in scene.members()}
        assert late <= {addresses[person] for person in begun} - set(served), "mailed after its lease"
    return doubtful, _judge(scene, way, begun)


def _judge(scene: Scene, way: str, begun: set[int]) -> int:
    """Nobody is lost; doubled is only who was in doubt when the other found the journal, under `resend`."""
    report, members = scene.report(with_journals=way != "gone"), scene.members()
    assert report.members == PEOPLE
    in_doubt = {one.address for one in members if one.subscriber_id in begun}
    if way == "gone":
        # The other knew of nothing that the ledger had not heard.
        mine = {record.subscriber_id for record in scene.records() if isinstance(record, IntentRecord)}
        may_double = {one.address for one in members if one.subscriber_id in mine}
    else:
        may_double = in_doubt
        assert report.uncertain <= CONNECTIONS
    if _resends(scene):
        twice = {f"{address}: 2 times" for address in may_double}
        report.doubled = [entry for entry in report.doubled if entry not in twice]
    # An intent was found without an outcome; when it went on it sent no dot, and wrote so.
    report.wrongly_uncertain = [address for address in report.wrongly_uncertain if address not in in_doubt]
    assert report.is_clean(), report.text()
    return report.uncertain


def _is_locked(scene: Scene) -> bool:
    connection = sqlite3.connect(scene.folder / "digest.db", timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False


def _resends(scene: Scene) -> bool:
    with scene.opened() as database, database.read() as session:
        return session.execute(sa.text("SELECT uncertain_policy FROM mailing_lists")).scalar() == "resend"


def _open_intents(scene: Scene) -> set[int]:
    """Whose dot may have left without an answer, by the stopped worker's journal."""
    return {key[1] for key, record in fold(scene.records()).items() if isinstance(record, IntentRecord)}


def _lapsed(database: Database) -> int:
    """Wait until every lease has ended; how many batches are held."""
    with database.read() as session:
        ends = list(
            session.scalars(
                sa.select(Batch.leased_until).where(
                    Batch.closed_at.is_(None), Batch.leased_until.is_not(None)
                )
            )
        )
    if ends:
        last = max(ends) + dt.timedelta(milliseconds=20)
        wait_until(lambda: clock.utc_now() > last, what="the end of the lease")
    return len(ends)


def _an_hour_later(database: Database) -> None:
    with database.write() as session:
        held = session.scalars(sa.select(Batch).where(Batch.leased_until.is_not(None))).all()
        for batch in held:
            assert batch.leased_until is not None
            batch.leased_until -= dt.timedelta(minutes=61)


def _copy_journal(database: Database, folder: Path) -> None:
    """A copy is locked by nobody."""
    with database.write() as session:
        for row in session.scalars(sa.select(Journal).where(Journal.folded_at.is_(None))):
            row.path = str(shutil.copyfile(row.path, folder / Path(row.path).name))


def _trials(bench: Bench, seeds: range) -> Counter[tuple[str, str, int, int]]:
    """Stop at a random place; trials by way, policy, uncertain meanwhile and at the end."""
    found: Counter[tuple[str, str, int, int]] = Counter()
    for number in seeds:
        numbers = random.Random(number)
        way, policy = _WAYS[number % 3], POLICIES[number // 3 % 2]
        stop = _stopped_at(numbers)
        with bench.scene(policy, script=SLOW) as on:
            try:
                found[(way, policy, *_stall(on, way, stop))] += 1
            except AssertionError as error:
                raise AssertionError(f"seed {number}, {way}, {policy}, {stop}") from error
    return found


def test_mails_nobody_whom_another_may_have_mailed(bench: Bench) -> None:
    """Three trials at random places; a seed that fails is named."""
    _trials(bench, range(2, 5))


@pytest.mark.parametrize(
    "point", ["before the intent", pytest.param("intent written", marks=pytest.mark.slow)]
)
def test_looks_at_its_lease_after_the_intent(bench: Bench, point: str) -> None:
    """Stopped right before or after it wrote an intent, it sends no dot: the other may have mailed them."""
    with bench.scene("hold", script=SLOW) as on:
        _stall(on, "unseen", Crash(point, 3, action="stop"))


def test_the_database_lets_go_of_one_that_stands_still_in_a_transaction(
    bench: Bench, postgres_server: PostgresServer, migrated_postgres: str, tmp_path: Path
) -> None:
    """Its locks keep another machine from giving its batch up only until the server ends it."""
    # The last group of a batch: those before it are recorded by one statement, and nothing stays locked.
    stop = Crash("batch closed, not committed", 1, action="stop")
    with postgres_server.database(template=migrated_postgres) as given:
        url = given.replace("postgresql://", "postgresql+psycopg://")
        database = Database(url)
        edition_id = seed(database, tmp_path, policy="hold")
        database.close()
        with scene(bench.workers, tmp_path, url, edition_id, script=SLOW) as on:
            started = time.monotonic()
            doubtful, _ = _stall(on, "gone", stop, idle_limit="2s", survives=True)
            assert doubtful > 0
            assert time.monotonic() - started > 2, "nothing was locked: nothing was tried"


@pytest.mark.slow
def test_sixty_workers_that_stood_still(bench: Bench) -> None:
    """Sixty trials: trials by way, policy, uncertain meanwhile, uncertain at the end."""
    found = _trials(bench, range(100, 160))
    sys.stdout.write(f"stalled workers: {dict(sorted(found.items()))}\n")
