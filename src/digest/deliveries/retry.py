"""When a mail that was deferred (a 4xx reply) is tried again. Pure."""

from __future__ import annotations

import datetime as dt

# What to wait after the first deferral, the second and so on; after any later one as after the last of these.
# RFC 5321 section 4.5.4.1 asks for half an hour and more in the long run; greylisting wants minutes at first.
WAITS = (
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=15),
    dt.timedelta(hours=1),
    dt.timedelta(hours=4),
    dt.timedelta(hours=8),
)


def next_try(tries: int, *, now: dt.datetime, useful_until: dt.datetime) -> dt.datetime | None:
    """When a mail is tried again that was deferred now and `tries` times before (0 at the first time).

    None if the edition is no longer worth having then: the delivery has failed, with the reply it got and
    the reason `too_late`.
    """
    if tries < 0:
        raise ValueError("a mail cannot have been deferred less than never")
    again_at = now + WAITS[min(tries, len(WAITS) - 1)]
    return again_at if again_at <= useful_until else None
