"""One more look at a post's own page, to see whether it is still there for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from digest.feeds.fingerprints import canonical_address
from digest.feeds.protected import asks_for_password
from digest.models import Withdrawal
from digest.net.fetching import Answer, FetchCode, FetchError, Limits
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


@dataclass(frozen=True, slots=True)
class PageLook:
    """What a page says: why its post is withdrawn, or None; `answer` where it is there and was read."""

    withdrawn: Withdrawal | None = None
    answer: Answer | None = None


def look_at_page(asker: Asker, url: str) -> PageLook:
    """Whether a post is withdrawn, by its own page; DoubtError if that cannot be told.

    Only 404, 410, 401 and a form for a password say that it is withdrawn. A site that does not answer, one
    with a fault, a guard before it, its front page in place of the post: none of these says so.
    """
    try:
        answer = asker.get(url, accept=PAGE_TYPES, limits=_LIMITS)
    except FetchError as error:
        why = withdrawal_by(error)
        if why is not None:
            return PageLook(why)
        if error.code is FetchCode.TOO_LARGE:
            return PageLook()  # it was answered with a page, and a long one
        raise DoubtError(error.code) from error
    if _is_front_page(answer.final_url) and not _is_front_page(url):
        raise DoubtError(LookCode.ELSEWHERE)
    text = (answer.body or b"").decode("utf-8", "replace")
    return PageLook(Withdrawal.PROTECTED) if asks_for_password(text) else PageLook(answer=answer)


def withdrawal_by(error: FetchError) -> Withdrawal | None:
    """What a refusal says of the one post that was asked for: 404 and 410, or 401; None of any other."""
    if is_missing(error):
        return Withdrawal.GONE
    is_refused = error.code is FetchCode.HTTP_STATUS and error.status == _UNAUTHORISED
    return Withdrawal.FORBIDDEN if is_refused else None


def _is_front_page(url: str) -> bool:
    rest = canonical_address(url).removeprefix("https://")
    return "/" not in rest and "?" not in rest
