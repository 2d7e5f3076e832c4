"""`digest up`, `digest web` and `digest catcher`: what runs until it is told to stop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import common
from digest.errors import ConfigError

if TYPE_CHECKING:
    from digest.config import Settings
    from digest.embedded.child import Event

up_app = typer.Typer(add_completion=False, rich_markup_mode=None)
web_app = typer.Typer(add_completion=False, rich_markup_mode=None)
catcher_app = typer.Typer(add_completion=False, rich_markup_mode=None)

_UPGRADE_SECONDS = 3600  # a large database is copied by some migrations


@up_app.command(epilog="Example: digest up --quiet")
def up(
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Write what the processes say to DATA/logs, not here.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Tasks that are worked on at a time.")] = 1,
) -> None:
    """Run broker, worker, beat and web on this machine until Ctrl-C; make first what is missing."""
    from digest.embedded.lock import sole_use  # noqa: PLC0415
    from digest.embedded.standard import standard_children  # noqa: PLC0415
    from digest.embedded.supervisor import Supervisor  # noqa: PLC0415

    settings = common.settings()
    common.make_folder(settings.data, what="data folder")
    children = standard_children(settings, concurrency=concurrency, quiet=quiet)
    with sole_use(settings.data) as lock:
        link = _upgrade(settings)
        _say(f"Starting Digest on the data folder {settings.data} ...")
        logs = settings.data / "logs" if quiet else None
        Supervisor(children, on_event=_Progress(settings, logs, link), log_folder=logs, lock=lock).run()
    _say("Digest has stopped.")


@web_app.command(epilog="Example: DIGEST_WEB_PORT=8025 digest web")
def web(
    processes: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that serve; else as DIGEST_WEB_PROCESSES says."),
    ] = None,
) -> None:
    """Serve the public pages. Address and port are the settings DIGEST_WEB_HOST and DIGEST_WEB_PORT."""
    from digest import logs  # noqa: PLC0415
    from digest.web.run import run  # noqa: PLC0415

    settings = common.settings()
    logs.set_up(level=settings.log_level, json=settings.log_json)
    run(settings if processes is None else settings.model_copy(update={"web_processes": processes}))


@catcher_app.command(epilog="Example: digest catcher --port 2525 --dir var/caught")
def catcher(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 2525,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Folder for the mails; else DIGEST_CATCHER_DIR.")
    ] = None,
) -> None:
    """Keep every mail that comes in a folder and send none on: for trying out."""
    from digest import logs  # noqa: PLC0415
    from digest.inbound.catcher import run_catcher  # noqa: PLC0415

    settings = common.settings()
    chosen = (folder or settings.catcher_dir or settings.data / "caught").absolute()
    # Both in one folder: the inbox page of the web shows them together.
    inbox, notices = chosen / "inbox", chosen / "notices"
    for each in (inbox, notices):
        common.make_folder(each, what="folder for caught mails")
    logs.set_up(level=settings.log_level, json=settings.log_json)
    run_catcher(host, port, inbox, notices, on_ready=lambda used: _caught(host, used, chosen))


class _Progress:
    """Says what happens to the children, and once where to look."""

    def __init__(self, settings: Settings, logs: Path | None, link: str) -> None:
        self._settings = settings
        self._link = link
        self._logs = logs
        self._has_told = False

    def __call__(self, event: Event) -> None:
        from digest.embedded.child import EventKind  # noqa: PLC0415

        if event.kind in (EventKind.ENDED, EventKind.RESTARTING, EventKind.KILLED):
            _say(f"{event.child} {event.kind.value} {event.text}".rstrip())
        elif event.kind is EventKind.READY and event.child == "web" and not self._has_told:
            self._has_told = True
            for line in where_to_look(self._settings, self._logs, self._link):
                _say(line)
        elif event.kind in (EventKind.READY, EventKind.STOPPED):
            _say(f"{event.child} {event.kind.value}")


def where_to_look(settings: Settings, logs: Path | None, link: str = "") -> list[str]:
    """What to tell whoever started Digest, once it runs; `link` makes the first account of the desk."""
    shown_host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.web_host, settings.web_host)  # nosec B104 # noqa: S104
    here = f"http://{shown_host}:{settings.web_port}"
    lines = ["Digest runs. Stop it with Ctrl-C."]
    lines.append(f"  pages:     {here}/" if settings.web_port else "  pages:     the web's log says its port")
    lines.append(f"  the desk:  {link or settings.public_url + '/desk'}")
    if link:
        lines.append("             (open this link within a day: it makes the first account)")
    if settings.public_url != here:
        lines.append(f"  readers:   {settings.public_url}/")
    if settings.catcher_dir is not None:
        lines.append(f"  inbox:     {here}/inbox")
    lines.append(f"  logs:      {logs}" if logs else "  logs:      here below")
    lines.append("  all well?  digest doctor")
    return lines


def _upgrade(settings: Settings) -> str:
    """Bring keys and schema up to date in a process of its own, so that the one that stays is small.

    Returns the link for the desk's first account, "" if there is one.
    """
    from digest.embedded.standard import settings_env  # noqa: PLC0415

    done = subprocess.run(
        [sys.executable, "-m", "digest.cli", "db", "upgrade", "--set-up-link", "--json"],
        env={**os.environ, **settings_env(settings)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_UPGRADE_SECONDS,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["digest db upgrade failed."])[-1]
        raise ConfigError(last.removeprefix("digest: "))
    return str(json.loads(done.stdout)["set_up_link"])


def _caught(host: str, port: int, folder: Path) -> None:
    _say(f"Catching mail on {host}:{port} into {folder}. Stop it with Ctrl-C.")


def _say(line: str) -> None:
    # Flushed: whoever reads us through a pipe waits for these lines.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
