"""The databases' turns (`tests/servers/turns.py`): nothing is left to `make proof` that nobody else tries."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.servers.turns import take_turns

DATABASES = ("postgresql", "sqlite")


class Item:
    """As much of a collected test as is looked at."""

    def __init__(self, function: str, case: str, database: str, *marks: str) -> None:
        given = "-".join(filter(None, (database, case)))
        self.nodeid = f"{function}[{given}]" if given else function
        self.callspec = SimpleNamespace(params={"kept": database} if database else {}, id=given)
        self.function, self.case, self.database, self.marks = function, case, database, set(marks)

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None

    def add_marker(self, name: str) -> None:
        self.marks.add(name)


def run_of(function: str, cases: list[str], *marks: str) -> list[tuple[str, str]]:
    """Which cases of a function are run on which database."""
    items: list[Any] = [Item(function, case, database, *marks) for case in cases for database in DATABASES]
    take_turns(items)
    return [(item.case, item.database) for item in items if "slow" not in item.marks]


def test_each_case_is_run_and_each_function_meets_both_databases() -> None:
    """Whatever the functions are called."""
    cases = ["one", "two", "three"]
    for number in range(20):
        run = run_of(f"tests/integration/lists/test_a.py::test_{number}", cases)
        assert [case for case, _ in run] == cases
        assert {database for _, database in run} == set(DATABASES)


@pytest.mark.parametrize("file", ["web/test_a.py", "test_uncertain.py"])
def test_a_function_of_one_case_is_run_on_both_but_at_a_door_or_among_many_alike(file: str) -> None:
    """Half of a file's functions on either."""
    assert len(run_of("tests/integration/pacing/test_a.py::test_b", [""])) == 2
    items: list[Any] = [
        Item(f"tests/integration/{file}::test_{number}", "", database)
        for number in range(4)
        for database in DATABASES
    ]
    take_turns(items)
    run = [item for item in items if "slow" not in item.marks]
    assert len({item.function for item in run}) == len(run) == 4
    assert sorted(item.database for item in run) == ["postgresql"] * 2 + ["sqlite"] * 2


def test_what_is_about_the_databases_is_run_on_both() -> None:
    """A mark says so."""
    door = "tests/integration/web/test_a.py::test_b"
    assert len(run_of(door, ["one", "two"], "both_databases")) == 4


def test_what_knows_one_database_or_none_stays() -> None:
    """So does what is slow in itself: its other half is no stand-in."""
    items: list[Any] = [
        Item("tests/integration/web/test_a.py::test_b", "", "postgresql"),
        Item("tests/integration/web/test_a.py::test_c", "", ""),
        Item("tests/integration/web/test_a.py::test_d", "", "sqlite", "slow"),
        Item("tests/integration/web/test_a.py::test_d", "", "postgresql"),
    ]
    take_turns(items)
    assert [sorted(item.marks) for item in items] == [[], [], ["slow"], []]
