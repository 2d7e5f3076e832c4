"""The demo: start everything, set it up, wait for the first editions, report, and watch on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from digest import clock
from digest.db import Database
from digest.embedded.child import Event, EventKind
from digest.embedded.demo import setup, watch
from digest.embedded.demo.report import Programme
from digest.embedded.demo.setup import Command
from digest.embedded.demo.stage import Stage, children, set_stage
from digest.embedded.lock import sole_use
from digest.embedded.newspaper.demo_data import DIGESTS
from digest.embedded.supervisor import Supervisor
from digest.errors import StateError
from digest.models import EditionState

# New stories come so often while the demo is left running.
PUBLISH_SECONDS = 40.0
# For setting up, freezing and sending all together: a few seconds, on a machine with nothing else to do.
_PATIENCE = 180.0
_LOOK = 0.2


@dataclass(slots=True)
class _SetUp:
    """The setting up, in a thread beside the children's start."""

    command: Command
    stage: Stage
    newspaper_is_up: threading.Event = field(default_factory=threading.Event)
    catcher_is_up: threading.Event = field(default_factory=threading.Event)
    is_done: bool = False
    failure: Exception | None = None

    def run(self) -> None:
        try:
            setup.set_up_service(self.command, self.stage)
            for digest in DIGESTS:
                setup.set_up_digest(self.command, self.stage, digest)
            self.newspaper_is_up.wait(_PATIENCE)
            for digest in DIGESTS:
                setup.set_up_sources(self.command, self.stage, digest)
            self.catcher_is_up.wait(_PATIENCE)
            setup.prove_service(self.command)
            for digest in DIGESTS:
                self.command(["edition", "extra", digest.name, setup.CADENCE])
        except Exception as error:  # noqa: BLE001  (shown by the thread that waits)
            self.failure = error
        self.is_done = True


def run_demo(
    folder: Path,
    *,
    once: bool,
    command: Command,
    programme: Programme,
    publish_every: float = PUBLISH_SECONDS,
) -> None:
    """Show Digest at work in `folder`; with `once`, end when each digest's first edition is handed over.

    Else the newspaper goes on, with a new story every so many seconds. Raises StateError if the first
    editions are not handed over within their time, with what stands in the way.
    """
    started = clock.monotonic()
    stage = set_stage(folder)
    programme.says(f"The demo's folder is {folder}.")
    command(["db", "upgrade"])
    work = _SetUp(command, stage)
    cast = children(stage, publish_every=None if once else publish_every)
    database = Database(stage.settings.database)

    def on_event(event: Event) -> None:
        if event.kind is EventKind.READY and event.child == "newspaper":
            programme.ticks(f"the newspaper prints at {stage.news_url}/")
            work.newspaper_is_up.set()
        elif event.kind is EventKind.READY:
            if event.child == "catcher":
                work.catcher_is_up.set()
            programme.ticks(f"{event.child} runs")
        elif event.kind in (EventKind.ENDED, EventKind.RESTARTING):
            programme.says(f"{event.child} {event.kind.value} {event.text}")

    with (
        sole_use(stage.folder) as lock,
        Supervisor(cast, on_event=on_event, log_folder=stage.folder / "logs", lock=lock) as supervisor,
    ):
        thread = threading.Thread(target=work.run, name="demo-setup", daemon=True)
        thread.start()
        supervisor.start()
        shown = _first_editions(supervisor, work, database, programme)
        if supervisor.stop_wanted:
            return
        programme.reports(stage, database, seconds=clock.monotonic() - started)
        if not once:
            for digest in DIGESTS:
                setup.start_rhythm(command, digest)
            every = f"A new story comes every {publish_every:g} seconds, an edition every minute."
            programme.says(f"{every} Stop with Ctrl-C.")
            _go_on(supervisor, database, programme, shown)
        else:
            programme.says(f"The mails stay in {stage.inbox}; the pages stay up without --once.")
        programme.says("Stopping ...")
    database.close()


def _first_editions(
    supervisor: Supervisor, work: _SetUp, database: Database, programme: Programme
) -> dict[int, EditionState]:
    """Wait until the first edition of each digest has come to its end; the states that were shown."""
    shown: dict[int, EditionState] = {}
    has_told = False
    for _ in _until(_PATIENCE, supervisor):
        if work.failure is not None:
            raise work.failure
        if work.is_done and not has_told:
            has_told = True
            with database.read() as session:
                programme.collected(watch.collected(session))
        _show_changes(database, programme, shown)
        if sum(state in watch.FINAL for state in shown.values()) >= len(DIGESTS):
            return shown
    if not supervisor.stop_wanted:
        raise StateError(
            f"The first editions were not handed over within {_PATIENCE:g} seconds; "
            "the logs in the demo's folder say why."
        )
    return shown


def _go_on(
    supervisor: Supervisor, database: Database, programme: Programme, shown: dict[int, EditionState]
) -> None:
    """Show what comes and goes, until Ctrl-C."""
    while not supervisor.stop_wanted:
        supervisor.step(_LOOK)
        _show_changes(database, programme, shown)


def _show_changes(database: Database, programme: Programme, shown: dict[int, EditionState]) -> None:
    with database.read() as session:
        for view in watch.editions(session, known=shown):
            shown[view.line.id] = view.line.state
            programme.edition(view)


def _until(seconds: float, supervisor: Supervisor) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not supervisor.stop_wanted:
        supervisor.step(_LOOK)
        yield
