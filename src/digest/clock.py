"""The one place that asks what time it is. Only doors and flows call it; steps take `now`."""

from __future__ import annotations

import datetime as dt
import time


def utc_now() -> dt.datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return dt.datetime.now(dt.UTC)


def monotonic() -> float:
    """Seconds from an arbitrary start that no clock step can move; for leases and time limits."""
    return time.monotonic()
