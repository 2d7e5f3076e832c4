"""What is refused below the doors is said for every door: no sentence names a command of the command line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

import digest
from digest.cli import app

_SOURCE = Path(digest.__file__).parent
_DOORS = {"cli", "web", "tasks", "inbound", "embedded"}
# What a person at any door may be told; the others stop a process, whose log an operator reads.
_TOLD = {"InputError", "NotFoundError", "StateError"}
_GROUPS = "|".join(sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]
_COMMAND = re.compile(rf"`digest |\bdigest (?:{_GROUPS}) [a-z]")


def refusals(source: str) -> Iterator[tuple[int, str]]:
    """The line and the sentence of each error that is made here, without what only the command line adds."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TOLD:
            for argument in node.args:
                words = [each.value for each in ast.walk(argument) if isinstance(each, ast.Constant)]
                yield node.lineno, "".join(word for word in words if isinstance(word, str))


def test_no_refusal_below_the_doors_names_a_command() -> None:
    """An editor cannot type it; the command line says it by the error's `hint`."""
    paths = [path for path in _SOURCE.rglob("*.py") if path.relative_to(_SOURCE).parts[0] not in _DOORS]
    found = [
        (path.relative_to(_SOURCE).as_posix(), line, said)
        for path in paths
        for line, said in refusals(path.read_text(encoding="utf-8"))
    ]
    assert len(found) > 300
    assert [each for each in found if _COMMAND.search(each[2])] == []


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ('raise StateError("Lock it: `digest edition freeze 5`.")', True),
        ('raise InputError(f"{name!r} is none; digest attribute add makes one.")', True),
        ('raise NotFoundError(N_("Look at `digest edition list`."))', True),
        ('raise StateError(N_("Lock it."), hint="`digest edition freeze` does.")', False),
        ('raise InputError("A digest has no such edition.")', False),
    ],
)
def test_a_command_is_found_wherever_it_stands(source: str, *, is_found: bool) -> None:
    """In a sentence that is marked, in one with values in it; not in the hint."""
    assert any(_COMMAND.search(said) for _, said in refusals(source)) is is_found
