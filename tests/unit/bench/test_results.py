"""The figures of the benchmarks: what they state, how they are kept and shown."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from rich.console import Console

from bench import results
from bench.__main__ import main
from bench.figures import Figure, Series, Target, by_turns, shown
from bench.kills import Outcome, summary, trials
from bench.run import AREAS

NOW = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
FAST = Figure("spine", "render", 50.0, "ms", 40.0, Target("<=", 150), "five rounds")
SLOW = Figure("spine", "plan", 10.0, "rows/s", target=Target(">=", 30))
PLAIN = Figure("web", "pages", 500.0, "1/s")


@pytest.mark.parametrize(
    ("target", "value", "holds"),
    [
        (Target("<=", 10), 10.0, True),
        (Target("<=", 10), 10.1, False),
        (Target(">=", 10), 10.0, True),
        (Target(">=", 10), 9.9, False),
    ],
)
def test_a_target_holds_from_its_value_on(target: Target, value: float, holds: bool) -> None:  # noqa: FBT001
    """A figure that just reaches its target holds."""
    assert target.holds(value) is holds


def test_by_turns_interleaves_and_leaves_out_the_first_round() -> None:
    """Both are run once to warm up, then one after the other; the medians are of the later rounds."""
    order: list[str] = []

    def run(name: str, start: float) -> float:
        order.append(name)
        return start + order.count(name)

    ours, reference = by_turns(lambda: run("ours", 0), lambda: run("reference", 10), rounds=3)
    assert order == ["ours", "reference"] * 4
    assert (ours.values, reference.values) == ((2, 3, 4), (12, 13, 14))
    assert (ours.median, reference.median) == (3, 13)
    assert ours.spread == "2 to 4 in 3 rounds"


def test_the_median_stands_for_a_series() -> None:
    """One round that was disturbed does not move the figure."""
    assert Series((1.0, 1.1, 50.0)).median == 1.1


@pytest.mark.parametrize(
    ("value", "text"), [(0.01234, "0.0123"), (7.0, "7"), (99.5, "99.5"), (33333.3, "33,333")]
)
def test_numbers_are_readable(value: float, text: str) -> None:
    """Three digits below a hundred, whole numbers above."""
    assert shown(value) == text


def test_the_file_holds_one_row_a_figure(tmp_path: Path) -> None:
    """Each row has its value beside reference, ratio, target and verdict, and where and when it was."""
    file = tmp_path / "bench" / "results.json"
    results.save(file, [FAST, SLOW], now=NOW)
    first, second = json.loads(file.read_text(encoding="utf-8"))
    assert first == {
        "area": "spine",
        "name": "render",
        "value": 50.0,
        "unit": "ms",
        "reference": 40.0,
        "ratio": 1.25,
        "target": "<= 150",
        "holds": True,
        "note": "five rounds",
        "machine": results.machine(),
        "date": "2026-11-23T13:30:00+00:00",
    }
    assert (second["reference"], second["ratio"], second["target"], second["holds"]) == (
        None,
        None,
        ">= 30",
        False,
    )


def test_other_areas_stay_in_the_file(tmp_path: Path) -> None:
    """A run of one area replaces its own rows alone; a file that is damaged is written anew."""
    file = tmp_path / "results.json"
    file.write_text("no rows", encoding="utf-8")
    results.save(file, [FAST, PLAIN], now=NOW)
    results.save(file, [SLOW], now=NOW)
    assert [row["name"] for row in json.loads(file.read_text(encoding="utf-8"))] == ["pages", "plan"]


def test_the_other_rows_stay_where_a_part_of_an_area_is_measured(tmp_path: Path) -> None:
    """A row that was chosen alone replaces itself and nothing else."""
    file = tmp_path / "results.json"
    results.save(file, [FAST, SLOW, PLAIN], now=NOW)
    results.save(file, [SLOW], now=NOW, is_part=True)
    assert [row["name"] for row in json.loads(file.read_text(encoding="utf-8"))] == [
        "render",
        "pages",
        "plan",
    ]


def test_the_table_says_what_was_missed() -> None:
    """A missed target stands out, one that holds says so, and a figure without a target says neither."""
    console = Console(width=120, record=True, file=None)
    with console.capture() as captured:
        results.show([FAST, SLOW, PLAIN], console)
    lines = [line for line in captured.get().splitlines() if line.strip()]
    verdicts = {
        word: [line for line in lines if line.rstrip().endswith(word)] for word in ("holds", "MISSED")
    }
    assert ["render" in line for line in verdicts["holds"]] == [True]
    assert ["plan" in line for line in verdicts["MISSED"]] == [True]
    assert any("500 1/s" in line for line in lines)
    assert "five rounds" in captured.get()


@pytest.mark.parametrize("words", [["nowhere"], ["--proof", "nowhere"]])
def test_an_unknown_area_is_refused_in_a_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, and the areas there are."""
    assert main(words) == 2
    assert capsys.readouterr().err == f"There is no area 'nowhere'; there are: {', '.join(AREAS)}.\n"


def test_a_seed_stands_for_the_same_trials() -> None:
    """A proof can be repeated; it takes every database with every policy."""
    first = trials(7, 50, has_postgres=True)
    assert first == trials(7, 50, has_postgres=True)
    assert first != trials(8, 50, has_postgres=True)
    assert len({(trial.kind, trial.policy) for trial in first}) == 4
    assert {trial.kind for trial in trials(7, 50, has_postgres=False)} == {"sqlite"}
    assert {trial.policy for trial in trials(7, 50, has_postgres=False)} == {"hold", "resend"}


def test_the_proof_fails_on_one_lost_or_doubled_person() -> None:
    """One lost, one doubled under hold, two doubled in one kill under resend: each misses its target."""
    good = [Outcome("hold", 0, 0, 1), Outcome("resend", 0, 1, 0)]
    assert [figure.holds for figure in summary(good, 1)] == [True] * 5
    for bad, missed in (
        (Outcome("hold", 1, 0, 0), 0),
        (Outcome("hold", 0, 1, 0), 1),
        (Outcome("resend", 0, 2, 0), 2),
        (Outcome("hold", 0, 0, 2), 3),
    ):
        found = [figure.holds for figure in summary([*good, bad], 1)]
        assert found == [number != missed for number in range(5)]
