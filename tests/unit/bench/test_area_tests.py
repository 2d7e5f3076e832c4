"""Each slow proof belongs to an area, so that an area can be proven by itself."""

from __future__ import annotations

from pathlib import Path

from bench.area_tests import AREA_TESTS, arguments
from tests.servers.turns import ALIKE

ROOT = Path(__file__).resolve().parents[3]


def test_every_slow_test_is_in_one_area() -> None:
    """No file with slow tests, searched examples or turns is left out, or in two; and each path is there."""
    paths = {path: area for area, found in AREA_TESTS.items() for path in found}
    assert [path for path in paths if not (ROOT / path).exists()] == []
    strange = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        source, name = file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix()
        is_slow = "mark.slow" in source or "from hypothesis" in source or name.startswith(ALIKE)
        if not is_slow or file == Path(__file__):
            continue
        found = [path for path in paths if name == path or name.startswith(f"{path}/")]
        # Of two areas, the one that names it more closely has it.
        if not found or len({len(path) for path in found}) != len(found):
            strange.append(name)
    assert strange == []


def test_what_is_named_more_closely_is_left_to_its_area() -> None:
    """The readers' pages are proven without the desk's, which lie in a folder of theirs."""
    assert "--ignore=tests/integration/web/desk" in arguments(["audience"])
    assert "tests/integration/web/desk" in arguments(["desk"])
    assert not [given for given in arguments(["audience", "desk"]) if given.startswith("--")]
    assert arguments([]) == []
