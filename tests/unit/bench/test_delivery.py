"""The rows of the delivery: which are run, and what they make of what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import effort
from bench.delivery import measured
from bench.delivery_fleet import Run, TaskCost, share_figure, worker_figures
from bench.delivery_mail import WIRE_BYTES, mail_of, wire
from bench.delivery_peers import Cost, recorded
from bench.delivery_room import Servers, Work
from bench.delivery_scale import memory_figure
from bench.delivery_sending import cpu_ratio, far_figure, rate_ratio
from bench.figures import Figure, Target
from digest.deliveries.plan import BATCH_SIZE
from tests.servers.postgres import PostgresServer

AT = Servers(PostgresServer("", ""), "", Path())
ROWS = {"unsigned": 1, "relay": 2, "workers": 3}


def _work(**values: float) -> Work:
    given = {"cpu": 1.0, "wall": 1.0, "sent": 1000, "peak": 50_000_000, "pss": 50_000_000} | values
    return Work(**given, threads={})  # type: ignore[arg-type]


def test_rows_are_chosen_by_name() -> None:
    """All without a choice; a chosen one alone; several in the order of the table."""
    assert effort.chosen(ROWS, ()) == ROWS
    assert effort.chosen(ROWS, ("relay",)) == {"relay": 2}
    assert list(effort.chosen(ROWS, ("workers", "unsigned"))) == ["unsigned", "workers"]


def test_a_row_that_there_is_not_is_named() -> None:
    """A slip of the pen must not pass for a run in which all held."""
    with pytest.raises(LookupError, match="no row 'signd'; there are: unsigned, relay, workers"):
        effort.chosen(ROWS, ("relay", "signd"))


def test_turns_leave_out_the_first_round() -> None:
    """Each action is run once for nothing, then one after the other."""
    order: list[str] = []
    found = effort.by_turns(
        {name: lambda name=name: order.append(name) or len(order) for name in "ab"},  # type: ignore[misc]
        count=2,
    )
    assert order == ["a", "b"] * 3
    assert found == {"a": [3, 5], "b": [4, 6]}


def test_a_row_that_breaks_off_is_missed_and_keeps_what_it_had() -> None:
    """The figures before stay; the reason is in the note; nothing is raised."""

    def row(_at: Servers) -> Iterator[Figure]:
        yield Figure("delivery", "first", 1, "s")
        raise AssertionError("the edition did not end")

    first, second = measured("slot", row, AT)
    assert first.name == "first"
    assert (second.holds, second.name) == (False, "slot: could not be measured")
    assert "the edition did not end" in second.note


def test_ratios_are_those_of_the_rounds() -> None:
    """Two rounds slowed down on both sides do not change the ratio; CPU and rate are each of a message."""
    ours = [_work(cpu=2.0, wall=2.0), _work(cpu=8.0, wall=8.0), _work(cpu=4.0, wall=4.0)]
    theirs = [Cost(1.0, 1.0, 1000), Cost(4.0, 4.0, 1000), Cost(2.0, 2.0, 1000)]
    cpu = cpu_ratio("cpu", ours, theirs, target=Target("<=", 2.2), note="")
    rate = rate_ratio("rate", ours, theirs, target=Target(">=", 0.8), note="")
    assert (cpu.value, cpu.holds) == (2.0, True)
    assert (rate.value, rate.holds) == (0.5, False)


def test_memory_is_flat_within_ten_per_cent() -> None:
    """A tenth more holds and a fifth more does not, nor a fifth less: that would be measured wrongly."""
    small = _work()
    holds = [
        memory_figure([(small, _work(peak=peak, sent=100_000))]).holds
        for peak in (54_000_000, 60_000_000, 40_000_000)
    ]
    assert holds == [True, False, False]
    rounds = [(_work(peak=peak), _work(peak=2 * peak)) for peak in (50_000_000, 90_000_000, 70_000_000)]
    assert memory_figure(rounds).value == 100
    odd = [(small, small), (small, _work(peak=90_000_000)), (small, small)]
    assert memory_figure(odd).holds is True  # one round that was disturbed


def test_the_far_relay_is_judged_by_each_round_trip_of_its_own() -> None:
    """A round in which the way took twice as long, and the rate was half, says the same as the others."""
    trips = [0.02, 0.04, 0.02]
    holds = [
        far_figure([share * 32 / trip for trip in trips], trips, note="").holds for share in (0.81, 0.79)
    ]
    assert holds == [True, False]
    assert far_figure([1600, 640, 800], trips, note="").value == pytest.approx(0.8)


@pytest.mark.parametrize(("taken", "distinct"), [(99, 99), (101, 100), (100, 99)])
def test_one_person_left_out_or_mailed_twice_misses(taken: int, distinct: int) -> None:
    """Totals must be those of the audience, in each run."""
    good = Run(1, 100, 100, 100, seconds=2.0, tasks=3, batches=1)
    bad = Run(2, 100, taken, distinct, seconds=1.0, tasks=3, batches=1)
    assert next(worker_figures([good])).holds is True
    found = list(worker_figures([good, bad]))
    assert (found[0].value, found[0].holds) == (1, False)
    assert [figure.value for figure in found[1:]] == [50.0, 100.0]


def test_several_runs_of_as_many_workers_are_one_figure() -> None:
    """The median of their rates, with how many there were; one that was not exact misses all the same."""
    runs = [
        Run(workers, 100, 100, 100, seconds=seconds, tasks=3, batches=1)
        for seconds in (1.0, 4.0, 2.0)
        for workers in (1, 2)
    ]
    exact, one, two = worker_figures(runs)
    assert (exact.holds, one.value, two.value) == (True, 50.0, 50.0)
    assert "in 3 rounds" in one.note
    assert next(worker_figures([*runs, replace(runs[0], taken=101)])).holds is False


def test_share_counts_each_task_of_a_batch() -> None:
    """Two tasks of 1 ms for a batch of 1,000 messages of 0.2 ms: one per cent, whatever the batch's size."""
    run = Run(1, 100, 100, 100, seconds=1.0, tasks=4, batches=2)
    usual = _work(cpu=0.2, sent=1000)
    one = share_figure([(TaskCost(worker=800, publisher=200), usual)], run)
    two = share_figure([(TaskCost(worker=1600, publisher=400), usual)], run)
    assert one.value == pytest.approx(100 * 2 * 1000 / (BATCH_SIZE * 200))
    assert two.value == pytest.approx(2 * one.value)
    slow = [(TaskCost(worker=800 * by, publisher=200 * by), _work(cpu=0.2 * by)) for by in (1, 3, 2)]
    assert share_figure(slow, run).value == pytest.approx(one.value)


def test_the_record_of_the_sink_is_read_a_message_at_a_time(tmp_path: Path) -> None:
    """Each recipient as often as the server took a mail for it; lines of the mail itself do not count."""
    mail = b"X-Rcpt-Args: <%b> ORCPT=x\nSubject: X-Rcpt-Args: <b@c.test>\n\nbody\n\n"
    (tmp_path / "1").write_bytes(mail % b"a@c.test" + mail % b"b@c.test")
    (tmp_path / "2").write_bytes(mail % b"a@c.test")
    assert recorded(tmp_path) == ["a@c.test", "b@c.test", "a@c.test"]


def test_the_mail_is_as_long_as_the_table_says() -> None:
    """70 kB on the wire, within a paragraph."""
    assert WIRE_BYTES - 1000 < len(wire(mail_of())) <= WIRE_BYTES
