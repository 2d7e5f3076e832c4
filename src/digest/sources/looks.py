"""One more look at a post's own page, to see whether it is still there for everybody."""

from __future__ import annotations

from enum import StrEnum

from digest.feeds.fingerprints import canonical_address
from digest.feeds.protected import asks_for_password
from digest.models import Withdrawal
from digest.net.fetching import FetchCode, FetchError, Limits
from digest.sources.asking import PAGE_TYPES, Asker, is_missing

_UNAUTHORISED = 401
_LIMITS = Limits(max_bytes=1_000_000, seconds=10.0, connect_seconds=5.0)


class LookCode(StrEnum):
    """What a look can meet beside the faults of a fetch."""

    ELSEWHERE = "sent_elsewhere"  # the site's front page comes in place of the post


class DoubtError(Exception):
    """A look that told nothing: the code of why, of FetchCode or LookCode."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def look_at_page(asker: Asker, url: str) -> Withdrawal | None:
    """Why a post is withdrawn, or None if its page is there; DoubtError if that cannot be told.

    Only 404, 410, 401 and a form for a password say that it is withdrawn. A site that does not answer, one
    with a fault, a guard before it, its front page in place of the post: none of these says so.
    """
    try:
        answer = asker.get(url, accept=PAGE_TYPES, limits=_LIMITS)
    except FetchError as error:
        if is_missing(error):
            return Withdrawal.GONE
        if error.code is FetchCode.HTTP_STATUS and error.status == _UNAUTHORISED:
            return Withdrawal.FORBIDDEN
        if error.code is FetchCode.TOO_LARGE:
            return None  # it was answered with a page, and a long one
        raise DoubtError(error.code) from error
    if _is_front_page(answer.final_url) and not _is_front_page(url):
        raise DoubtError(LookCode.ELSEWHERE)
    text = (answer.body or b"").decode("utf-8", "replace")
    return Withdrawal.PROTECTED if asks_for_password(text) else None


def _is_front_page(url: str) -> bool:
    rest = canonical_address(url).removeprefix("https://")
    return "/" not in rest and "?" not in rest
