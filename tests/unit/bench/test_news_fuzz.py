"""The proof that fuzzes: a find is a missed figure, and so is a process that tried nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.news_fuzz import fuzzed, not_fuzzed


def _process(program: str, *, seconds: float = 60) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=seconds, check=False)


@pytest.mark.parametrize(
    ("program", "holds", "note"),
    [
        ("print('Done 1234 runs in 1 second(s)')", True, "1,234 inputs in 1 s"),
        ("import sys; print('Uncaught Python exception: KeyError'); sys.exit(77)", False, "KeyError"),
        ("import sys; print('Done 5 runs'); sys.exit(77)", False, "Done 5 runs"),
        ("print('no target of this name')", False, "no target"),
    ],
    ids=["good", "find", "late find", "nothing tried"],
)
def test_only_a_process_that_ends_well_and_has_tried_something_holds(
    program: str, note: str, *, holds: bool
) -> None:
    """What else it says is kept, for whoever looks into it."""
    figure = fuzzed("parse", 1, lambda _name, _seconds: _process(program))
    assert figure.holds is holds
    assert note in figure.note


def test_one_that_hangs_is_a_find() -> None:
    """It is ended."""
    figure = fuzzed("parse", 1, lambda *_: _process("import time; time.sleep(600)", seconds=0.1))
    assert figure.holds is False
    assert "hung" in figure.note


def test_it_says_plainly_that_nothing_was_fuzzed(capsys: pytest.CaptureFixture[str]) -> None:
    """Missed where atheris could have been installed; where it has no build, only said."""
    assert not_fuzzed(may_be_there=True).holds is False
    assert not_fuzzed(may_be_there=False).holds is None
    assert capsys.readouterr().out.count("NOTHING WAS FUZZED") == 2
