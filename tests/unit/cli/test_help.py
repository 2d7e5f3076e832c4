"""Every command explains itself."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from digest.cli import GROUPS, app
from tests.servers.waiting import HANG


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the tree with its words."""
    root = typer.main.get_command(app)
    with root.make_context("digest", ["--version"], resilient_parsing=True) as context:
        for name, _, _ in GROUPS:
            yield from _below((name,), root.resolve_command(context, [name])[1])


def _below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, each in inner.items():
        yield from _below((*words, name), each)


ALL = dict(commands())


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_says_what_it_does_with_an_example(words: tuple[str, ...]) -> None:
    """`--help` works for every command and ends with an example of that very command."""
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="digest")
    assert result.exit_code == 0
    assert "Usage: digest " + " ".join(words) in result.stdout
    assert "Example: " in result.stdout
    assert f"digest {' '.join(words)}" in str(ALL[words].epilog)
    assert ALL[words].help


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_example_can_be_typed(words: tuple[str, ...]) -> None:
    """The example has the options and arguments that the command takes."""
    example = str(ALL[words].epilog).removeprefix("Example: ").split(" && ")[0].split(" | ")[-1]
    typed = [word for word in shlex.split(example) if not re.match(r"[A-Z_]+=", word)]
    redirected = next((place for place, word in enumerate(typed) if word in "<>"), len(typed))
    assert typed[: len(words) + 1] == ["digest", *words]
    with ALL[words].make_context(words[-1], typed[len(words) + 1 : redirected]) as context:
        assert not context.args


def test_help_waits_for_no_library() -> None:
    """`digest --help` loads neither the database's library nor the settings'."""
    code = (
        "import sys\n"
        "sys.argv = ['digest', '--help']\n"
        "from digest.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'celery', 'kombu', 'pydantic', 'fastapi', 'babel', 'jinja2', 'lxml'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=HANG
    )
    assert said.stdout.splitlines()[-1] == "loaded []"
    for name, _, _ in GROUPS:
        assert re.search(rf"^  {name} ", said.stdout, re.MULTILINE)
