"""Keeping a few programs running, and ending them all for sure.

It starts its children in order, starts one that dies again, and stops them in reverse order. If it is killed
itself, its warden process does the last part; on Linux the children get a death signal as well.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from digest.embedded import processes
from digest.embedded.child import Child, Event, EventKind, Limits
from digest.embedded.lifeline import Entry, Lifeline
from digest.embedded.loop import Loop
from digest.embedded.output import Output, Sink, ToFile, ToStandardError
from digest.errors import StateError

__all__ = ["Child", "Event", "EventKind", "Limits", "Supervisor"]

_LOOK = 0.5  # the longest wait of the loop; ends and signals wake it at once
_LOOK_READY = 0.05


class _Running:
    """A child and the process that it is at the moment."""

    def __init__(self, child: Child, output: Output) -> None:
        self.child = child
        self.output = output
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.deaths = 0
        self.start_at: float | None = None
        self.ready = False


class Supervisor:
    """Runs its children, once; `run()` is all that most callers need.

    A caller with a loop of its own uses it as a context manager: `start()`, then `step()` again and again;
    the end of the block stops everything. Only for the main thread (signals and the death signal ask for it).
    `on_event` is called in this thread. With `log_folder`, outputs go to FOLDER/NAME.log, else to standard
    error. `lock` is the descriptor that `lock.sole_use` gave: the warden holds it until it is done.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        on_event: Callable[[Event], None] | None = None,
        log_folder: Path | None = None,
        limits: Limits | None = None,
        lock: int | None = None,
    ) -> None:
        self._children = tuple(children)
        self._on_event = on_event
        self._log_folder = log_folder
        self._limits = limits or Limits()
        self._lock = lock
        self._running: list[_Running] = []
        self._leftovers: dict[int, float] = {}  # groups whose leader ended, and when we lose patience
        self._asked = False
        self._stopping = False
        self._loop: Loop
        self._lifeline: Lifeline

    def run(self, *, until: Callable[[], bool] | None = None) -> None:
        """Start everything, keep it running until a stop signal, `request_stop()` or `until()`, stop it.

        Raises StateError, after stopping the rest, if a child keeps dying or does not become ready.
        """
        with self:
            self.start()
            while not self.stop_wanted and not (until and until()):
                self.step(_LOOK)

    def start(self) -> None:
        """Start the children in order, each once the one before is ready. Returns early on a stop signal."""
        for running in self._running:
            if self.stop_wanted:
                return
            self._launch(running)
            until = time.monotonic() + running.child.ready_within
            while not running.ready and not self.stop_wanted:
                self.step(_LOOK_READY)
                if time.monotonic() > until and not running.ready:
                    within = f"{running.child.ready_within:g}"
                    raise StateError(
                        f"{_name(running)} was not ready within {within} seconds.{_said(running)}"
                    )

    def step(self, seconds: float) -> None:
        """Do what there is to do, waiting at most so long. Raises StateError if a child is given up."""
        self._loop.wait(seconds)
        for running in self._running:
            if running.process is not None and running.process.poll() is not None:
                self._ended(running, running.process)
            if running.start_at is not None and time.monotonic() >= running.start_at and not self.stop_wanted:
                self._launch(running)
            if running.process is not None and not running.ready:
                self._ask_ready(running)
        self._clear_leftovers()
        self._lifeline.check()

    def stop(self) -> None:
        """Stop what runs, in reverse order. A second stop signal cuts the remaining grace short."""
        self._stopping = True
        enough = max(1, self._loop.signals)
        for running in reversed(self._running):
            running.start_at = None
            if running.process is not None:
                self._stop_one(running, running.process, enough)
        for group in self._leftovers:
            processes.signal_group(group, signal.SIGKILL)
            self._lifeline.remove(group)
        self._leftovers.clear()
        self._loop.wait(0)

    def request_stop(self) -> None:
        """Ask `run()` to stop; from any thread."""
        self._asked = True
        self._loop.wake()

    @property
    def stop_wanted(self) -> bool:
        """Whether a stop signal or request has come."""
        return self._asked or self._loop.signals > 0

    def process_of(self, name: str) -> int | None:
        """The process id of a child, or None while it is not running."""
        found = next(running for running in self._running if running.child.name == name)
        return found.process.pid if found.process else None

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            raise StateError("The supervisor must run in the main thread.")
        self._running = [
            _Running(child, Output(self._sink(child), hush=child.hush)) for child in self._children
        ]
        self._loop = Loop()
        self._lifeline = Lifeline(self._lock)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            self._lifeline.close()
            self._loop.close()
            for running in self._running:
                running.output.close()

    def _launch(self, running: _Running) -> None:
        child = running.child
        running.start_at = None
        running.ready = False
        self._tell(EventKind.STARTING, child)
        if child.prepare is not None:
            child.prepare(running.deaths)
        read, write = os.pipe()
        try:
            process = processes.start(child.argv, env=child.env, output=write, death_signal=child.stop_signal)
        except (OSError, subprocess.SubprocessError) as error:
            os.close(read)
            raise StateError(f"{_name(running)} cannot be started: {error}.") from None
        finally:
            os.close(write)
        self._lifeline.add(Entry(process.pid, child.stop_signal, child.stop_grace))
        self._loop.add(read, running.output)
        running.process = process
        running.started = time.monotonic()
        self._ask_ready(running)

    def _ask_ready(self, running: _Running) -> None:
        ready = running.child.ready
        if ready is None or ready():
            running.ready = True
            self._tell(EventKind.READY, running.child)

    def _ended(self, running: _Running, process: subprocess.Popen[bytes]) -> None:
        child, how = running.child, processes.describe_end(process.returncode)
        self._loop.drain(running.output)
        running.process = None
        self._leftovers[process.pid] = time.monotonic() + child.stop_grace
        self._tell(EventKind.ENDED, child, how)
        if self.stop_wanted:
            return
        if not child.restart:
            if process.returncode != 0:
                raise StateError(f"{_name(running)} {how}.{_said(running)}")
            return
        quick = time.monotonic() - running.started < self._limits.quick
        running.deaths = running.deaths + 1 if quick else 1
        if running.deaths >= self._limits.deaths:
            times = f"{running.deaths} times in a row, soon after each start"
            raise StateError(f"{_name(running)} {how} {times}.{_said(running)}")
        pause = self._limits.pause(running.deaths)
        running.start_at = time.monotonic() + pause
        self._tell(EventKind.RESTARTING, child, f"in {pause:g} seconds")

    def _clear_leftovers(self) -> None:
        for group, patience in list(self._leftovers.items()):
            if processes.group_lives(group):
                if time.monotonic() < patience:
                    continue
                processes.signal_group(group, signal.SIGKILL)
            del self._leftovers[group]
            self._lifeline.remove(group)

    def _stop_one(self, running: _Running, process: subprocess.Popen[bytes], enough: int) -> None:
        """Stop a child and what it started; `enough` stop signals are no hurry, more are."""
        child = running.child
        self._tell(EventKind.STOPPING, child)
        until = time.monotonic() + child.stop_grace
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(child.stop_signal)
        while process.poll() is None or processes.group_lives(process.pid):
            if time.monotonic() > until or self._loop.signals > enough:
                break
            self._loop.wait(_LOOK_READY)
        late = process.poll() is None
        if late or processes.group_lives(process.pid):
            processes.signal_group(process.pid, signal.SIGKILL)
        process.wait()
        running.process = None
        self._lifeline.remove(process.pid)
        if late:
            self._tell(
                EventKind.KILLED, child, f"had not stopped after {child.stop_grace:g} seconds or was hurried"
            )
        else:
            self._tell(EventKind.STOPPED, child)

    def _sink(self, child: Child) -> Sink:
        if self._log_folder is not None:
            return ToFile(self._log_folder / f"{child.name}.log")
        names = [each.name for each in self._children]
        return ToStandardError(child.name, width=max(map(len, names)), place=names.index(child.name))

    def _tell(self, kind: EventKind, child: Child, text: str = "") -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(Event(kind, child.name, text))
        except OSError:
            if not self._stopping:
                raise
            # The terminal that showed the progress is gone; the stop goes on all the same.


def _name(running: _Running) -> str:
    return f"The process `{running.child.name}`"


def _said(running: _Running) -> str:
    """The child's last line, for the end of a sentence; without addresses or secrets."""
    from digest.logs import redact  # noqa: PLC0415  (loaded only when something went wrong: memory)

    last = running.output.last_line
    return f" It said last: {redact(last[:300])}" if last else ""
