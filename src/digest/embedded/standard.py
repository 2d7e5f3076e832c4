"""The children of `digest up`: broker, worker, beat and web, with the settings of whoever starts them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from digest.embedded import broker, probes
from digest.embedded.child import Child, Event
from digest.embedded.lock import sole_use
from digest.embedded.supervisor import Supervisor

if TYPE_CHECKING:
    from digest.config import Settings

# A task ends within 30 s of a stop signal, after the messages on the wire; then the worker itself must end.
_WORKER_GRACE = 40.0


def standard_children(
    settings: Settings, *, concurrency: int = 1, quiet: bool = False, binary: Path | None = None
) -> list[Child]:
    """What one machine runs, in order of start; no broker if the settings name one elsewhere.

    Raises ConfigError if there is no program for the broker.
    """
    at_terminal = sys.stderr.isatty() and not quiet
    # One arena: glibc gives each thread its own, which costs 4 MB in all and is used for nothing here.
    env = {
        "MALLOC_ARENA_MAX": "1",
        "DIGEST_LOG_JSON": _as_text(not at_terminal),
        **settings_env(settings),
    }
    run = settings.data / "run"
    tasks = (sys.executable, "-m", "digest.tasks.run")
    level = ("--loglevel", settings.log_level)
    children = [
        Child(
            "worker",
            (*tasks, "worker", *level, "--concurrency", str(concurrency)),
            env,
            stop_grace=_WORKER_GRACE,
        ),
        Child("beat", (*tasks, "beat", *level, "--schedule", str(run / "beat")), env),
        Child("web", (sys.executable, "-m", "digest.web.run"), env, ready=_web_ready(settings)),
    ]
    if settings.broker_url is None:
        folder = settings.data / "broker"
        children.insert(0, broker.child(socket=settings.broker_socket, folder=folder, binary=binary))
    return children


def settings_env(settings: Settings) -> dict[str, str]:
    """The settings that were given, by whatever way, as `DIGEST_*` variables for a child.

    A child reads the environment and the settings file again by itself; this adds what came as arguments. The
    folder is always there, as an absolute path. The values may hold passwords: never log them.
    """
    given = {name: getattr(settings, name) for name in sorted(settings.model_fields_set)}
    given["data_dir"] = settings.data
    return {f"DIGEST_{name.upper()}": _as_text(value) for name, value in given.items() if value is not None}


def run_all(
    settings: Settings,
    *,
    on_event: Callable[[Event], None] | None = None,
    quiet: bool = False,
    concurrency: int = 1,
) -> None:
    """`digest up`: hold the data folder, run the children until a stop signal, stop them.

    `quiet` sends their outputs to DATA/logs. Raises StateError if Digest already runs on the data folder or
    if a child is given up, ConfigError if something is missing.
    """
    with sole_use(settings.data) as lock:
        logs = settings.data / "logs" if quiet else None
        children = standard_children(settings, concurrency=concurrency, quiet=quiet)
        Supervisor(children, on_event=on_event, log_folder=logs, lock=lock).run()


def _web_ready(settings: Settings) -> Callable[[], bool] | None:
    if settings.web_port == 0:  # the system chooses; nobody but the web process knows
        return None
    return lambda: probes.web_answers(settings.web_host, settings.web_port)


def _as_text(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case bool():
            return "true" if value else "false"
        case tuple():
            return ",".join(map(str, value))
        case Path():
            return str(value.absolute())
    return str(value)
