"""The assembly of the command line."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from digest import cli
from digest.cli import GROUPS, app
from tests.servers.waiting import HANG

HEAVY = ("sqlalchemy", "celery", "alembic", "fastapi", "lxml", "jinja2", "structlog", "pydantic", "rich")


def test_help_is_light() -> None:
    """`digest --help` imports nothing that is heavy: neither the database nor the broker nor the settings."""
    code = (
        "import sys\n"
        "from digest.cli import app\n"
        "from typer.testing import CliRunner\n"
        "result = CliRunner().invoke(app, ['--help'])\n"
        "assert result.exit_code == 0, result.output\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=HANG
    )
    assert done.stdout.split() == []


def test_names_of_groups_are_used_once() -> None:
    """No line of the table hides another."""
    names = [name for name, _, _ in GROUPS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "target"), [(name, target) for name, target, _ in GROUPS])
def test_every_command_has_help_with_an_example(name: str, target: str) -> None:
    """Each line of the table leads to commands, and each command shows how it is used."""
    module, _, attribute = target.partition(":")
    found: typer.Typer = getattr(importlib.import_module(module), attribute or "app")
    command: Any = typer.main.get_command(found)
    commands = getattr(command, "commands", None) or {"": command}
    for subcommand in commands:
        words = [name, subcommand, "--help"] if subcommand else [name, "--help"]
        result = CliRunner().invoke(app, words, prog_name="digest")
        assert result.exit_code == 0, result.output
        assert re.search(rf"Example: .*\bdigest {name}\b", " ".join(result.output.split())), words


def test_an_unknown_command_suggests_the_close_one() -> None:
    """A typing error ends with code 2 and the word that was probably meant."""
    result = CliRunner().invoke(app, ["subscribr"])
    assert result.exit_code == 2
    assert "Did you mean 'subscriber'?" in result.stderr


def test_a_fault_is_told_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is one line that masks addresses and says how to see more."""
    broken = typer.Typer()

    @broken.command()
    def _explode() -> None:
        raise KeyError("ani@example.org")

    module = sys.modules[__name__]
    monkeypatch.setattr(module, "broken_app", broken, raising=False)
    monkeypatch.setattr(cli, "GROUPS", (("explode", f"{__name__}:broken_app", "Explode."),))
    result = CliRunner().invoke(app, ["explode"])
    assert result.exit_code == 1
    assert result.stderr.startswith("digest: KeyError: ")
    assert "ani@" not in result.stderr
    assert "--debug" in result.stderr
    assert isinstance(CliRunner().invoke(app, ["--debug", "explode"]).exception, KeyError)


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command has the exit code that shells know."""
    interrupted = typer.Typer()

    @interrupted.command()
    def _wait() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules[__name__], "waiting_app", interrupted, raising=False)
    monkeypatch.setattr(cli, "GROUPS", (("wait", f"{__name__}:waiting_app", "Wait."),))
    assert CliRunner().invoke(app, ["wait"]).exit_code == 130
