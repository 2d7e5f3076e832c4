"""A host's rules for programs: robots.txt (RFC 9309), for addresses that we found by ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from digest import clock
from digest.net.fetching import FetchCode, FetchError, Limits
from digest.net.http import Fetcher

if TYPE_CHECKING:
    from protego import Protego

AGENT: Final = "Digest"
_LIMITS: Final = Limits(max_bytes=500_000, seconds=10.0)  # RFC 9309 2.5 wants 500 kB at the least
_LATER: Final = {429, 503}
_NO_RULES: Final = range(400, 500)
_FRESH: Final = 24 * 3600.0  # seconds (RFC 9309 2.4)
_CLOSED: Final = 403


def read_rules(fetcher: Fetcher, url: str, limits: Limits = _LIMITS) -> Protego:
    """The rules of the host of an address, empty where it has none. Raises FetchError if it cannot say."""
    from protego import Protego  # noqa: PLC0415  (most sources are not asked for it)

    try:
        answer = fetcher.get(urljoin(url, "/robots.txt"), accept="text/plain", limits=limits)
    except FetchError as error:
        has_none = error.status in _NO_RULES and error.status not in _LATER
        if has_none or error.code is FetchCode.TOO_LARGE:
            return Protego.parse("")
        raise
    return Protego.parse((answer.body or b"").decode("utf-8", "replace"))


def check_rules(fetcher: Fetcher, url: str, *, seconds: float) -> None:
    """Raise FetchError where a host's rules keep programs from an address: as a door that it has shut.

    They are read once a day with each process; where they could not be read, the next time again.
    """
    host = urlsplit(url).netloc.lower()
    known = fetcher.rules.get(host)
    if known is None or clock.monotonic() - known[0] >= _FRESH:
        limits = Limits(max_bytes=_LIMITS.max_bytes, seconds=min(_LIMITS.seconds, seconds))
        fetcher.rules[host] = known = (clock.monotonic(), read_rules(fetcher, url, limits))
    if not known[1].can_fetch(url, AGENT):
        raise FetchError(FetchCode.HTTP_STATUS, "Its robots.txt keeps programs from it.", status=_CLOSED)
