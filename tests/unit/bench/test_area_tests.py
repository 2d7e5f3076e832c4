"""Each test belongs to an area, so that an area can be proven, and weighed, by itself."""

from __future__ import annotations

from pathlib import Path

from bench.area_tests import AREA_TESTS, area_of, arguments, others

ROOT = Path(__file__).resolve().parents[3]


def test_every_test_is_in_one_area() -> None:
    """No file is left out or in two areas alike, each path is there, and none is named twice."""
    paths = [path for found in AREA_TESTS.values() for path in found]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert len(set(paths)) == len(paths)
    files = [file.relative_to(ROOT).as_posix() for file in (ROOT / "tests").rglob("test_*.py")]
    assert {area_of(file) for file in files} == set(AREA_TESTS)


def test_what_is_named_more_closely_is_left_to_its_area() -> None:
    """The readers' pages are proven without the desk's, which lie in a folder of theirs."""
    assert "--ignore=tests/integration/web/desk" in arguments(["audience"])
    assert "tests/integration/web/desk" in arguments(["desk"])
    assert "--ignore=tests/integration/web/desk" not in arguments(["audience", "desk"])
    assert arguments([]) == []


def test_a_run_without_an_area_leaves_out_all_of_it_and_no_more() -> None:
    """Left out file by file, so that what lies in the folders of others stays."""
    left_out = others(["desk"])
    assert "--ignore=tests/integration/web/desk/test_matrix.py" in left_out
    assert "--ignore=tests/integration/editions/test_approve.py" in left_out
    assert {area_of(given.removeprefix("--ignore=")) for given in left_out} == {"desk"}
    assert len({path for area in AREA_TESTS for path in others([area])}) == len(
        list((ROOT / "tests").rglob("test_*.py"))
    )
