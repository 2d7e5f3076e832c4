"""The one place that asks what time it is. Only doors and flows call it; steps take `now`."""

from __future__ import annotations

import datetime as dt
import time


def utc_now() -> dt.datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return dt.datetime.now(dt.UTC)


def monotonic() -> float:
    """Seconds from an arbitrary start that no clock step can move; for time limits."""
    return time.monotonic()


# Linux stops CLOCK_MONOTONIC while the machine sleeps; macOS has no other, and does not.
_ASLEEP_TOO = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def asleep_or_awake() -> float:
    """As `monotonic`, and it goes on while the machine is suspended; for what others wait out, as a lease."""
    return time.clock_gettime(_ASLEEP_TOO)


def at_work() -> float:
    """Seconds of the processor that this thread has had."""
    return time.thread_time()
