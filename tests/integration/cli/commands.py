"""Commands, given in the test's own process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from digest import config
from digest.cli import app
from digest.queueing.app import app as celery_app


class Cli:
    """Runs commands as a person would, with the settings of one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._given: object = None

    def run(self, *args: object) -> Result:
        # To read the settings takes as long as most commands: they are read anew when they are others.
        if (given := _settings_given()) != self._given:
            config.settings.cache_clear()
            celery_app.cache_clear()
            self._given = given
        return CliRunner().invoke(app, [str(arg) for arg in args], prog_name="digest")

    def __call__(self, *args: object) -> str:
        """What a command that does its work prints."""
        result = self.run(*args)
        assert result.exit_code == 0, result.output
        assert result.stderr == "", result.stderr
        return result.stdout

    def json(self, *args: object) -> Any:
        """What it prints for programs."""
        return json.loads(self(*args, "--json"))

    def refused(self, *args: object, code: int = 2) -> str:
        """The one sentence of a command that cannot do its work."""
        result = self.run(*args)
        assert result.exit_code == code, result.output
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("digest: ")
        return lines[0].removeprefix("digest: ")


def _settings_given() -> object:
    """All that settings are read from."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("DIGEST_")}
    file = Path(variables.get("DIGEST_CONFIG", "digest.toml"))
    return variables, Path.cwd(), file.read_bytes() if file.is_file() else None
