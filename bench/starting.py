"""How soon the demo's first mail is there, what an idle installation takes, how quick the command line is."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from bench.figures import Figure, Target, by_turns, load, repeat, seconds_of
from bench.memory import pss_of_tree, tree
from tests.servers.ports import free_port
from tests.servers.waiting import wait_until

_COMMAND = (sys.executable, "-m", "digest.cli")
_IDLE_SECONDS = 10.0
_MEGABYTE = 1_000_000


def figures(folder: Path) -> Iterator[Figure]:
    """The start of everything, idle memory, and `digest --help`."""
    yield _first_mail(folder)
    yield _idle_memory(folder)
    yield _help()


def _first_mail(folder: Path) -> Figure:
    rounds = iter(range(100))
    found = repeat(lambda: _seconds_to_first_mail(folder / f"demo{next(rounds)}"))
    return Figure(
        "spine",
        "from `digest demo --once` to the first mail",
        found.median,
        "s",
        target=Target("<=", 15),
        note=f"{found.spread}; {load()}",
    )


def _seconds_to_first_mail(folder: Path) -> float:
    started = time.perf_counter()
    with _running("demo", "--once", "--dir", str(folder)) as process:
        inbox = folder / "inbox"
        wait_until(
            lambda: any(inbox.glob("*.eml")) or process.poll() is not None, seconds=120, what="the first mail"
        )
        taken = time.perf_counter() - started
        if not any(inbox.glob("*.eml")):
            raise ChildProcessError("the demo ended without a mail")
    return taken


def _idle_memory(folder: Path) -> Figure:
    rounds = iter(range(100))
    found = repeat(lambda: _idle_megabytes(folder / f"up{next(rounds)}"), rounds=3)
    return Figure(
        "spine",
        "an idle `digest up`",
        found.median,
        "MB",
        target=Target("<=", 250),
        note=f"Pss of all its processes, {_IDLE_SECONDS:g} s after it was ready; {found.spread}; {load()}",
    )


def _idle_megabytes(folder: Path) -> float:
    port = free_port()
    settings = {"DIGEST_DATA_DIR": str(folder), "DIGEST_WEB_PORT": str(port), "DIGEST_CONFIG": os.devnull}
    said = folder.with_suffix(".said")
    with said.open("wb") as output, _running("up", "--quiet", env=settings, output=output) as process:
        wait_until(
            lambda: b"all well?" in said.read_bytes() or process.poll() is not None,
            seconds=60,
            what="the start",
        )
        time.sleep(_IDLE_SECONDS)
        if len(tree(process.pid)) < 6:
            raise ChildProcessError("not all processes of `digest up` run")
        return pss_of_tree(process.pid) / _MEGABYTE


def _help() -> Figure:
    ours, reference = by_turns(
        lambda: 1000 * seconds_of(lambda: _quietly(*_COMMAND, "--help")),
        lambda: 1000 * seconds_of(lambda: _quietly(sys.executable, "-c", "pass")),
        rounds=11,
    )
    return Figure(
        "spine",
        "`digest --help`",
        ours.median,
        "ms",
        reference.median,
        note=f"{ours.spread}; reference: the bare interpreter; {load()}",
    )


def _quietly(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def _running(
    *words: str, env: Mapping[str, str] | None = None, output: IO[bytes] | int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """A command for the length of a block, then ended as by Ctrl-C."""
    process = subprocess.Popen(
        (*_COMMAND, *words),
        env=os.environ | dict(env or {}),
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
