"""The words of a fetch: its limits, its answer, and the ways it can fail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from digest.errors import DigestError


class FetchCode(StrEnum):
    """Why a fetch gave no answer that can be used."""

    UNREACHABLE = "unreachable"  # no such name, no connection, or a certificate that is not trusted
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    REFUSED_ADDRESS = "refused_address"  # the host is on a network that we do not fetch from
    HTTP_STATUS = "http_status"
    BAD_ADDRESS = "bad_address"  # not an http(s) address, or one that carries a user name
    BAD_ANSWER = "bad_answer"  # not HTTP, cut off, or packed in a way that we did not ask for
    CHALLENGE = "challenge"  # a guard before the site wants a proof that we are a person


class FetchError(DigestError):
    """A fetch that failed: a code for the caller, a sentence for a person.

    `detail` names at most the host: the rest of an address may hold a key. `status` and `retry_after` are
    set where a server answered, `headers` too (names in lower case), and `body` with the beginning of what it
    said in text, if it could be read: what stands before a site is known by its error page.
    """

    def __init__(
        self,
        code: FetchCode,
        detail: str,
        *,
        status: int | None = None,
        retry_after: dt.timedelta | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
        self.headers = headers or {}
        self.body = body


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may cost: `max_bytes` of body as sent and as unpacked, `seconds` for all of it."""

    max_bytes: int = 5_000_000
    seconds: float = 30.0
    connect_seconds: float = 10.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said in the end.

    `body` is None if the server said that nothing changed (304). `permanent_url` is where the address has
    moved to for good: set only if every redirect on the way was a permanent one (301 or 308). `headers` have
    their names in lower case; of one that came several times, the values are joined by commas.
    """

    status: int
    final_url: str
    body: bytes | None
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    permanent_url: str | None = None
    retry_after: dt.timedelta | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
