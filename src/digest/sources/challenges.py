"""Fetching with an eye on what stands before a site: its challenge page is a fault with words of its own.

A guard answers in the site's stead, with 403, 503 or even 200; to say "no feed" or "an error" of it would
send an editor to the wrong door.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from digest.feeds.challenge import Guard, guard_before, guard_named
from digest.i18n import N_, Translator
from digest.net.fetching import Answer, FetchCode, FetchError
from digest.net.http import Fetcher

# What to send to whoever runs the site: where in the guard's own settings a feed reader is let through.
_REQUESTS: dict[Guard, str] = {
    Guard.CLOUDFLARE: N_(
        "Please let our newsletter read %(address)s. It calls itself %(agent)s, and Cloudflare stops it: "
        "under Security, add a custom rule with the action Skip for this User-Agent, and leave it out of "
        "Bot Fight Mode."
    ),
    Guard.WORDFENCE: N_(
        "Please let our newsletter read %(address)s. It calls itself %(agent)s, and Wordfence stops it: find "
        "it under Tools, Live Traffic, and add its IP address to the allowlisted ones in the firewall's "
        "options."
    ),
    Guard.SUCURI: N_(
        "Please let our newsletter read %(address)s. It calls itself %(agent)s, and the Sucuri firewall "
        "stops it: under Access Control, add this address to the allowed URL paths."
    ),
    Guard.UNKNOWN: N_(
        "Please let our newsletter read %(address)s. It calls itself %(agent)s, and something before the "
        "site asks it for a proof of being a person. A feed is made for programs: please leave it out of "
        "that test."
    ),
}
_OTHER_REQUEST = N_(
    "Please let our newsletter read %(address)s. It calls itself %(agent)s, and %(guard)s stops it. A feed "
    "is made for programs: please leave this address out of that test."
)


def fetch(fetcher: Fetcher, url: str, **given: Any) -> Answer:
    """As Fetcher.get; a challenge page of any status is FetchError(CHALLENGE) that names the guard."""
    try:
        answer = fetcher.get(url, **given)
    except FetchError as error:
        guard = error.status and guard_before(error.status, error.headers, error.body)
        if not guard:
            raise
        raise _stopped(guard, error.status, error.retry_after) from error
    guard = guard_before(answer.status, answer.headers, answer.body or b"")
    if guard is not None:
        raise _stopped(guard, answer.status, answer.retry_after)
    return answer


def _stopped(guard: Guard, status: int | None, retry_after: dt.timedelta | None) -> FetchError:
    detail = f"{guard.value} stands before the site, status {status}."
    return FetchError(FetchCode.CHALLENGE, detail, status=status, retry_after=retry_after)


def request_to_host(detail: str, *, address: str, agent: str, words: Translator) -> str:
    """The sentence to send to a site's host, for the detail of a CHALLENGE fault."""
    guard = guard_named(detail) or Guard.UNKNOWN
    message = _REQUESTS.get(guard, _OTHER_REQUEST)
    return words.gettext(message, address=address, agent=agent, guard=guard.value)
