"""What a run of figures or proofs ends with: success only if everything was measured, and held."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import effort
from bench.figures import Figure, Target
from bench.rows import figures_of, unmeasured
from bench.run import AREAS, Area, run

ROOT = Path(__file__).resolve().parents[3]


def holds() -> Iterator[Figure]:
    yield Figure("planted", "first", 1, "s", target=Target("<=", 2))
    yield Figure("planted", "second", 1, "s")


def misses() -> Iterator[Figure]:
    yield from holds()
    yield Figure("planted", "third", 3, "s", target=Target("<=", 2))


def breaks_off() -> Iterator[Figure]:
    def row() -> Iterator[Figure]:
        yield from holds()
        raise FileNotFoundError("there is no smtp-source")

    yield from figures_of("planted", {"rows": row})


def asks_for_another() -> Iterator[Figure]:
    effort.chosen({"signed": 1}, ("singed",))
    yield from holds()


def lacks() -> Iterator[Figure]:
    yield from holds()
    yield unmeasured("planted", "rows on PostgreSQL", "there is no PostgreSQL")


@pytest.mark.parametrize(("what", "status"), [("holds", 0), ("misses", 1), ("breaks_off", 1), ("lacks", 1)])
def test_only_a_run_in_which_all_held_succeeds(
    what: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missed figure, a row that broke off, a program that is missing: 1, and the figures are kept."""
    target = f"{__name__}:{what}"
    monkeypatch.setitem(AREAS, "planted", Area(figures=target, proofs=target))
    for is_proof in (False, True):
        assert run("planted", proof=is_proof, folder=tmp_path) == status
    assert all("second" in file.read_text(encoding="utf-8") for file in tmp_path.iterdir())


def test_a_row_that_there_is_not_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip of the pen measures nothing: 2, and the rows there are; nothing is kept."""
    monkeypatch.setitem(AREAS, "planted", Area(figures=f"{__name__}:asks_for_another"))
    assert run("planted", proof=False, folder=tmp_path) == 2
    assert capsys.readouterr().err == "planted: there is no row 'singed'; there are: signed.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fails", "ran"),
    [("nothing", ["pytest", "bench"]), ("pytest", ["pytest"]), ("bench", ["pytest", "bench"])],
)
def test_make_proof_fails_with_either_half(fails: str, ran: list[str], tmp_path: Path) -> None:
    """A test that fails, and a figure that is missed: `make proof` ends with an error, and says so."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(
        f'#!/bin/sh\n[ "$2" = bench.area_tests ] && exit 0\n'
        f'echo "$2" >> {tmp_path}/ran\n[ "$2" != "{fails}" ]\n'
    )
    python.chmod(0o755)
    for name in (".run", ".dev", ".fuzz"):  # newer than what they are made from: nothing is installed
        (tmp_path / name).touch()
    made = subprocess.run(
        ["make", "-C", str(ROOT), "proof", "ARGS=delivery", f"VENV={tmp_path}"],
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        check=False,
        text=True,
    )
    assert (tmp_path / "ran").read_text().split() == ran
    assert (made.returncode == 0) is (fails == "nothing"), made.stderr
