"""How long a number of mails takes a mail service at its pace. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Final

_HOUR: Final = 3600.0
_LONGEST: Final = dt.timedelta(days=3650)


def time_for(count: int, *, per_second: float | None, per_hour: int | None) -> dt.timedelta | None:
    """From the first of so many mails to the last, as permits are given out; None: nothing limits it.

    An hour's number is spent as fast as the second's pace allows; then the next hour is waited for.
    """
    if per_second is None and per_hour is None:
        return None
    rest, seconds = max(0, count - 1), 0.0
    interval = 0.0 if per_second is None else 1.0 / per_second
    if per_hour is not None and per_hour * interval < _HOUR:
        hours, rest = divmod(rest, per_hour)
        seconds = hours * _HOUR
    try:
        return min(dt.timedelta(seconds=seconds + rest * interval), _LONGEST)
    except OverflowError:
        return _LONGEST


def a_day(*, per_second: float | None, per_hour: int | None) -> int | None:
    """How many mails a day has room for at the most; None where nothing limits it."""
    found = []
    if per_second is not None:
        found.append(int(per_second * _HOUR * 24))
    if per_hour is not None:
        found.append(per_hour * 24)
    return min(found) if found else None
