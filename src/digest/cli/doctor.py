"""`digest doctor`: look at everything, and say what was found and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import common
from digest.cli.checks import (
    Finding,
    Level,
    check_catcher,
    check_data_folder,
    check_public_url,
    check_secrets,
    check_settings,
    check_templates,
    settings_lines,
)
from digest.cli.common import JsonOption
from digest.errors import ConfigError

if TYPE_CHECKING:
    from digest.config import Settings

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example: digest doctor --quick && echo well")
def doctor(
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the database and the broker, for health checks.")
    ] = False,
    show_settings: Annotated[
        bool, typer.Option("--settings", help="List every setting there is, and where it comes from.")
    ] = False,
    as_json: bool = JsonOption,
) -> None:
    """Check this installation; changes nothing. Exit code 1 if there is a fault; warnings alone are 0."""
    settings, findings = _read_settings()
    if settings is not None:
        findings = _quick(settings) if quick else [*findings, *_all(settings)]
    with_settings = show_settings or settings is None
    lines = settings_lines(settings) if with_settings else []
    if as_json:
        common.print_json(
            {"findings": findings, "settings": lines} if with_settings else {"findings": findings}
        )
    else:
        rows = [(found.check, found.level, found.found, found.mend) for found in findings]
        common.print_table(("check", "", "found", "how to mend it"), rows, empty="")
        if with_settings:
            listed = [(line.variable, line.value, line.origin, line.meaning) for line in lines]
            common.print_table(("setting", "value", "from", "meaning"), listed, empty="")
    if any(found.level is Level.FAULT for found in findings):
        raise typer.Exit(1)


def _read_settings() -> tuple[Settings | None, list[Finding]]:
    """The settings, or the fault that stands in their way."""
    try:
        settings = common.settings()
    except ConfigError as error:
        return None, [Finding("settings", Level.FAULT, str(error), "The settings there are stand below.")]
    return settings, [check_settings(settings)]


def _quick(settings: Settings) -> list[Finding]:
    from digest.cli.services import check_broker, check_database  # noqa: PLC0415

    return [check_database(settings), check_broker(settings, must_run=True)]


def _all(settings: Settings) -> list[Finding]:
    from digest.cli.services import check_broker, check_database, check_rows, check_workers  # noqa: PLC0415

    database = check_database(settings)
    broker = check_broker(settings, must_run=False)
    findings = [check_data_folder(settings), check_secrets(settings), database, broker]
    if broker.level is Level.OK:
        findings.append(check_workers())
    findings += [check_public_url(settings), check_templates(settings), check_catcher(settings)]
    if database.level is not Level.FAULT:
        findings += check_rows(settings, now=common.now())
    return findings
