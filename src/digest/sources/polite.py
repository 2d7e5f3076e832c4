"""Asking a site that has not been asked before: as many questions as agreed, one at a time, by its rules.

robots.txt is heeded for addresses that we found by ourselves; what a person gave is their affair.
A host that says "later" is not asked again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from protego import Protego

from digest import clock
from digest.net.fetching import Answer, FetchCode, FetchError, Limits
from digest.net.http import Fetcher
from digest.sources.challenges import fetch
from digest.sources.robots import read_rules

_LIMITS = Limits(seconds=15.0)
_LONGEST_PAUSE = 5.0  # seconds of a Crawl-delay; a person waits for us
_LATER = {429, 503}


@dataclass(slots=True)
class Visit:
    """One round of questions, at most `most` within `seconds`; robots.txt is not counted.

    `refused` are addresses that robots.txt forbids; `busy` says that a host asked for patience.
    """

    fetcher: Fetcher
    agent: str
    most: int
    seconds: float = 90.0
    pause: Callable[[float], None] = time.sleep
    asked: int = 0
    refused: list[str] = field(default_factory=list)
    busy: bool = False
    _rules: dict[str, Protego | None] = field(default_factory=dict)
    _closed: set[str] = field(default_factory=set)
    _start: float = field(default_factory=clock.monotonic)

    def get(self, url: str, *, is_given: bool = False, accept: str | None = None) -> Answer | None:
        """The answer, or None if it may not be asked: forbidden, over the number, or the host wants rest.

        Raises FetchError for an answer that is none, CHALLENGE among them.
        """
        host = urlsplit(url).netloc.lower()
        is_over = self.asked >= self.most or clock.monotonic() - self._start >= self.seconds
        if is_over or host in self._closed:
            return None
        if not is_given and not self._may_ask(url, host):
            self.refused.append(url)
            return None
        self.asked += 1
        try:
            return fetch(self.fetcher, url, limits=_LIMITS, **({"accept": accept} if accept else {}))
        except FetchError as error:
            self._note(error, host)
            raise

    def _note(self, error: FetchError, host: str) -> None:
        says_later = error.status in _LATER or error.retry_after is not None
        # A guard stops the next question too, and counts it against us.
        if says_later or error.code in {FetchCode.CHALLENGE, FetchCode.UNREACHABLE, FetchCode.TIMEOUT}:
            self._closed.add(host)
            self.busy = self.busy or (says_later and error.code is FetchCode.HTTP_STATUS)

    def _may_ask(self, url: str, host: str) -> bool:
        if host not in self._rules:
            self._rules[host] = self._read_rules(url)
        rules = self._rules[host]
        if rules is None or not rules.can_fetch(url, self.agent):
            return False
        delay = rules.crawl_delay(self.agent)
        if delay:
            self.pause(min(float(delay), _LONGEST_PAUSE))
        return True

    def _read_rules(self, url: str) -> Protego | None:
        """The rules of a host; none where it has none. None, which forbids all, where it cannot say."""
        try:
            return read_rules(self.fetcher, url)
        except FetchError:
            return None
