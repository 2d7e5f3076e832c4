"""When the batches of an edition begin: spread over a window, receiving domains mixed. Pure.

Batches are cut from the audience sorted by receiving domain, so neighbours are for the same one. Handed over
in that order, a large provider would get its whole share in a few minutes. So they are taken by a stride
that visits each once: whatever run of neighbours a domain has, it is spread over all of the window.
"""

from __future__ import annotations

import datetime as dt
import math

# Up to so many people go out at once; more, over so many seconds, for the news site's sake: what peaks after
# a send are the readers' clicks.
FEW_PEOPLE = 20_000
LARGE_SPREAD = 20 * 60
_NEAR = 30  # steps on either side of the golden section that are looked at
_GOLDEN = (math.sqrt(5) - 1) / 2


def window_seconds(spread_seconds: int | None, people: int) -> int:
    """Over how many seconds an edition goes out; `spread_seconds` is the cadence's own wish, if any."""
    if spread_seconds is not None:
        return spread_seconds
    return LARGE_SPREAD if people >= FEW_PEOPLE else 0


def stride(count: int) -> int:
    """The step between the places in time of two batches that are neighbours by domain.

    It has no factor in common with `count`, so that `number * stride % count` is each place once. Of those
    near the golden section of `count` it is the one whose continued fraction has the smallest terms: that is
    what keeps any run of numbers evenly apart.
    """
    wanted = round(count * _GOLDEN)
    near = range(max(1, wanted - _NEAR), min(count, wanted + _NEAR) + 1)
    usable = [step for step in near if math.gcd(step, count) == 1] or [1]
    return min(usable, key=lambda step: (_largest_term(step, count), abs(step - wanted)))


def _largest_term(step: int, count: int) -> int:
    """The largest term of the continued fraction of step / count."""
    largest, above, below = 0, count, step
    while below:
        largest = max(largest, above // below)
        above, below = below, above % below
    return largest


def place_of(number: int, count: int) -> int:
    """The place in time of a batch, by its number in the order of domains; 0 is the first for both."""
    return number * stride(count) % count


def begins_after(place: int, count: int, seconds: int) -> dt.timedelta:
    """How long after the slot the batch at a place begins: the first at once, the rest evenly after it."""
    return dt.timedelta(seconds=place * seconds / count)


def moved(first: dt.datetime, last: dt.datetime, *, now: dt.datetime) -> dt.timedelta:
    """By how much a window is to be moved that begins now instead of at `first`; it keeps its shape.

    Sent sooner by hand, it begins sooner. Begun late, it does not go out all at once for that; the few
    seconds until a tick are no reason to move it, nor is a lateness without a window.
    """
    late = now - first
    is_little = dt.timedelta(0) <= late < dt.timedelta(minutes=1)
    return dt.timedelta(0) if is_little or (late > dt.timedelta(0) and first == last) else late
