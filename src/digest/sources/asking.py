"""Asking a site several times within one span of time, one request after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from digest import clock
from digest.feeds.types import ParseError
from digest.net.fetching import Answer, FetchCode, FetchError, Limits
from digest.net.http import Fetcher
from digest.sources.challenges import fetch
from digest.sources.robots import check_rules

JSON_TYPES = "application/json"
PAGE_TYPES = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"

_SHORTEST = 0.05  # seconds; less is no time for an answer
_MISSING = {404, 410}
_NOT_NOW = {408, 425, 429}
_SERVER_FAULT = 500


class Asker:
    """A fetcher for one job: all its requests together end within `seconds`."""

    def __init__(self, fetcher: Fetcher, seconds: float) -> None:
        self._fetcher = fetcher
        self._end = clock.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        return self._end - clock.monotonic()

    def get(self, url: str, *, limits: Limits | None = None, **given: Any) -> Answer:
        """As `challenges.fetch`, in what is left of the time; FetchError(TIMEOUT) if nothing is."""
        left = self.seconds_left
        if left < _SHORTEST:
            raise FetchError(FetchCode.TIMEOUT, "The site took all the time that there was for it.")
        limits = limits or Limits()
        within = replace(limits, seconds=min(limits.seconds, left))
        return fetch(self._fetcher, url, limits=within, **given)

    def check_rules(self, url: str) -> None:
        """Raises FetchError if robots.txt keeps us from an address that we found by ourselves."""
        check_rules(self._fetcher, url, seconds=max(self.seconds_left, _SHORTEST))


def is_for_now(error: FetchError | ParseError) -> bool:
    """Whether a site may well answer the next time: a time-out, a challenge page, too many requests.

    Anything else is its answer to us: a closed door, a page in place of what was asked for.
    """
    if isinstance(error, ParseError):
        return False
    if error.code is FetchCode.CHALLENGE:  # it guards itself against us, and says nothing of what it has
        return True
    if error.status is not None:
        return error.status in _NOT_NOW or error.status >= _SERVER_FAULT
    return error.code in {FetchCode.TIMEOUT, FetchCode.UNREACHABLE, FetchCode.BAD_ANSWER}


def is_missing(error: FetchError) -> bool:
    return error.code is FetchCode.HTTP_STATUS and error.status in _MISSING
