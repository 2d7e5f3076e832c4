"""`digest demo`: the whole of Digest at work on an invented newspaper."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from digest.errors import StateError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example: digest demo --once")
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End when the first editions are handed over; the mails stay.")
    ] = False,
    folder: Annotated[
        Path, typer.Option("--dir", help="Folder for everything of the demo; a former demo is cleared away.")
    ] = Path("var/demo"),
    publish_every: Annotated[
        float,
        typer.Option(min=1, max=3600, help="Seconds between new stories while the demo is left running."),
    ] = 40,
) -> None:
    """Collect an invented newspaper and mail its digest to 25 invented readers, on this machine alone.

    Readers' mail goes to DIR/inbox, any other to DIR/notices; nothing leaves this machine.
    """
    from rich.console import Console  # noqa: PLC0415

    from digest.embedded.demo.report import Programme  # noqa: PLC0415
    from digest.embedded.demo.run import run_demo  # noqa: PLC0415

    programme = Programme(Console(file=sys.stdout, highlight=False))
    run_demo(folder, once=once, command=run_command, programme=programme, publish_every=publish_every)


def run_command(words: Sequence[str]) -> None:
    """Run a command as if it had been typed, without showing what it says; raises StateError if it fails."""
    from digest.cli import app as root  # noqa: PLC0415

    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        code = typer.main.get_command(root).main(list(words), prog_name="digest", standalone_mode=False)
    if code:
        reason = (complained.getvalue().strip() or said.getvalue().strip()).removeprefix("digest: ")
        raise StateError(f"`digest {words[0]} {words[1]}` failed: {reason}")
