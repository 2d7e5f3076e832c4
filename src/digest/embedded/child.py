"""What the supervisor is told about its children, and what it tells about them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Child:
    """One program to be kept running.

    `env` is added to our environment. `ready` says whether it does its work yet (None: as soon as it runs).
    `prepare` is called before each start with the number of quick deaths so far. On a stop it gets
    `stop_signal`, and SIGKILL after `stop_grace` seconds. Without `restart`, its end with status 0 is let
    be, and any other end ends the supervisor. Lines that hold one of the words of `hush` are not shown.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    prepare: Callable[[int], None] | None = None
    restart: bool = True
    stop_signal: int = signal.SIGTERM
    stop_grace: float = 10.0
    ready_within: float = 90.0
    hush: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """When a child that keeps dying is given up.

    A death within `quick` seconds of the start is a quick one; after `deaths` of them in a row the
    supervisor stops. The pause before a new start doubles from `first_pause` to `longest_pause` seconds.
    """

    quick: float = 10.0
    deaths: int = 5
    first_pause: float = 0.25
    longest_pause: float = 5.0

    def pause(self, deaths: int) -> float:
        """Seconds to wait before the start that follows this many quick deaths in a row."""
        return min(self.longest_pause, self.first_pause * 2.0 ** max(0, deaths - 1))


class EventKind(StrEnum):
    """What happened to a child."""

    STARTING = "starting"
    READY = "ready"
    ENDED = "ended"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `text` says how, where there is something to say."""

    kind: EventKind
    child: str
    text: str = ""
