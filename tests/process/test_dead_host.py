"""A machine that is lost with its journal in the middle of an edition, and one that comes back after all.

For an hour after the lease its batches are touched by nobody. Then another machine lists as uncertain who is
pending in them, and the edition ends. If the lost machine comes back, its journal settles what it proves, and
nobody is mailed by that.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.mail.journal import OutcomeRecord, fold
from digest.models import Batch, Settlement, UncertainCase, UncertainCause
from tests.process.conftest import POLICIES
from tests.process.crash_trials import PEOPLE, Bench, Scene
from tests.process.crash_workers import KILLED, Crash
from tests.process.power_cuts import open_part
from tests.servers.smtp_script import Fault, Script

pytestmark = pytest.mark.process

# On record at once, answered 10 ms later: a kill falls between a dot and its answer more often than not.
SLOW = Script(faults=(Fault("accepted", action="slow", seconds=0.01, times=0),))
_POINTS = ("claimed", "intent written", "dot written", "answered", "outcome written", "before the ledger")


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one trial, in people."""

    written_off: int
    uncertain: int  # in the end
    twice: int


@contextmanager
def _out_of_reach(scene: Scene) -> Iterator[None]:
    """The journals of the lost machine cannot be seen."""
    (scene.folder / "first").rename(scene.folder / "lost")
    yield
    (scene.folder / "lost").rename(scene.folder / "first")


def _lose(scene: Scene, crash: Crash, *, resends: bool, restarted: bool) -> Found:
    """Kill the first machine, have another give it up, have it come back; compare at each step."""
    first = {"host": "first", "env": {"DIGEST_JOURNAL_DIR": str(scene.folder / "first")}}
    other = {"host": "other", "env": {"DIGEST_JOURNAL_DIR": str(scene.folder / "other")}}
    assert scene.run(crash, **first)["status"] == KILLED, "it came to its end before it was killed"
    known = fold(scene.records())
    with scene.opened() as database:
        pending = open_part(database)
        with _out_of_reach(scene):
            _lease_ended(database, dt.timedelta(minutes=59))
            assert scene.run(**other, leaves_after=0.3)["status"] == 0
            assert open_part(database) == pending, "taken within the hour"
            _lease_ended(database, dt.timedelta(minutes=61))
            _succeeds(scene, other)
        members = scene.members()
        written_off = {one.subscriber_id for one in members if one.status == "uncertain"}
        assert written_off == (set() if resends else pending)
        at_end = len(scene.taken())

        # It comes back, as it was or started anew.
        _succeeds(scene, {**first, "boot": "second" if restarted else "only", "looks_first": True})
        assert len(scene.taken()) == at_end, "mailed by a journal that was found"
        answered = {key[1] for key, record in known.items() if isinstance(record, OutcomeRecord)}
        begun = {key[1] for key in known}
        members = scene.members()
        uncertain = {one.subscriber_id for one in members if one.status == "uncertain"}
        assert uncertain == (set() if resends else pending - answered)
        _check_cases(database, pending, answered, begun, resends=resends)
    report = scene.report(with_journals=False)
    twice = {entry.removesuffix(": 2 times") for entry in report.doubled}
    may_double = {one.address for one in members if one.subscriber_id in pending & begun}
    assert twice <= (may_double if resends else set()), report.text()
    report.doubled = []
    assert report.is_clean(), report.text()
    assert report.members == PEOPLE
    return Found(len(pending), len(uncertain), len(twice))


def _succeeds(scene: Scene, under: dict[str, object]) -> None:
    assert scene.run(**under)["status"] == 0, scene.made.log.read_text()[-3000:]


def _lease_ended(database: Database, ago: dt.timedelta) -> None:
    with database.write() as session:
        held = sa.and_(
            Batch.closed_at.is_(None), Batch.journal_id.is_not(None), Batch.leased_until.is_not(None)
        )
        session.execute(sa.update(Batch).where(held).values(leased_until=clock.utc_now() - ago))


def _check_cases(
    database: Database, pending: set[int], answered: set[int], begun: set[int], *, resends: bool
) -> None:
    """Each doubt has its evidence: a lost journal, or what the journal said when it was found."""
    with database.read() as session:
        cases = {case.subscriber_id: case for case in session.scalars(sa.select(UncertainCase))}
    assert set(cases) == pending
    for person, case in cases.items():
        if resends:
            assert case.settlement is Settlement.RESENT
        elif person in answered:
            assert case.settlement is Settlement.HEARD
        elif person not in begun:
            assert case.cause is UncertainCause.JOURNAL_LOST


def _trials(bench: Bench, seeds: range) -> Counter[tuple[str, Found]]:
    found: Counter[tuple[str, Found]] = Counter()
    for number in seeds:
        numbers = random.Random(number)
        policy, crash = POLICIES[number % 2], Crash(numbers.choice(_POINTS), numbers.randint(1, 8))
        if crash.point in ("claimed", "before the ledger"):
            crash = Crash(crash.point, 1)
        with bench.scene(policy, script=SLOW) as scene:
            try:
                resends, restarted = policy == "resend", numbers.random() < 0.5
                found[policy, _lose(scene, crash, resends=resends, restarted=restarted)] += 1
            except AssertionError as error:
                raise AssertionError(f"seed {number}, {policy}, {crash}") from error
    return found


def test_a_lost_machine_loses_and_doubles_nobody(bench: Bench) -> None:
    """Four machines lost at random points; a seed that fails is named."""
    found = _trials(bench, range(4))
    assert any(each.written_off for _, each in found)


@pytest.mark.slow
def test_sixty_machines_that_were_lost(bench: Bench) -> None:
    """Sixty trials: trials by policy, written off, uncertain in the end, mailed twice."""
    sys.stdout.write(f"lost machines: {dict(_trials(bench, range(100, 160)))}\n")
