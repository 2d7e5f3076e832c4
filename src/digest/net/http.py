"""The guarded HTTP client: the one way in which Digest fetches from sites.

A fetch is one GET with a limit on everything: time, bytes, redirects, and where it may connect to. It knows
no proxy variables, and keeps no cookie and no connection from one fetch to the next, so that one Fetcher
may be shared by threads and survives a fork.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import functools
import re
import ssl
from collections.abc import Collection
from types import TracebackType
from typing import Any, Self

import httpcore2
import httpx2

from digest import clock
from digest.net.bodies import read_beginning, read_body, too_large
from digest.net.fetching import Answer, FetchCode, FetchError, Limits
from digest.net.guard import Deadline, GuardedBackend, Resolver, system_resolve

__all__ = ["Answer", "FetchCode", "FetchError", "Fetcher", "Limits", "check_address", "user_agent"]

FEED_TYPES = (
    "application/rss+xml, application/atom+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)

_DEFAULT_LIMITS = Limits()
_LONGEST_ADDRESS = 2000
_LONGEST_VALIDATOR = 500
_LONGEST_WAIT = dt.timedelta(days=7)  # of a Retry-After; a site that says more means "some day"
_REDIRECTS = {301, 302, 303, 307, 308}
_PERMANENT = {301, 308}
_VISIBLE = re.compile(r"[!-~][ -~]*")  # what may stand in a header field (RFC 9110 5.5), without obs-text
# A name in A-labels, or an IPv6 address without its brackets.
_HOST = re.compile(
    r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,40}"
)  # a name, or IPv6
_NOT_MODIFIED = 304
_LONGEST_HEADER = 4000
_ERROR_PAGE = 64_000  # bytes of it that are read
_TEXTS = re.compile(r"\s*(?:text/|application/(?:[\w.-]+\+)?json|application/xhtml)", re.IGNORECASE)


def user_agent(contact: str = "") -> str:
    """How we name ourselves to a site's owner; `contact` is a page or address of whoever runs this."""
    contact = "".join(c for c in contact if " " <= c <= "~" and c not in "()\\").strip()
    return f"Digest/0.1 ({contact})" if contact else "Digest/0.1"


def check_address(url: str) -> httpx2.URL:
    """An address that may be fetched: http or https, with a host, without a user name.

    The fragment is dropped. Raises FetchError(BAD_ADDRESS) with a sentence that does not repeat the address.
    """
    if len(url) > _LONGEST_ADDRESS:
        raise _bad(f"The address is longer than {_LONGEST_ADDRESS} letters.")
    try:
        parsed = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, ValueError):
        raise _bad("This is not an address of the web.") from None
    if parsed.scheme not in {"http", "https"}:
        raise _bad("Only addresses that start with http:// or https:// are fetched.")
    if parsed.userinfo:
        raise _bad("An address with a user name or password in it is not fetched.")
    port = 80 if parsed.port is None else parsed.port
    if not _HOST.fullmatch(parsed.raw_host.decode("ascii", "replace")) or not 0 < port < 65536:
        raise _bad("The address has no host, or one that cannot be.")
    return parsed.copy_with(fragment=None)


class Fetcher:
    """Fetches addresses within limits.

    `private_hosts` names the hosts (`name`, `127.0.0.1`, `127.0.0.1:8080`) that may be on a private network.
    `resolve` looks names up. Use as a context manager or call close(); closed, it refuses to fetch.
    """

    def __init__(
        self,
        private_hosts: Collection[str] = (),
        user_agent: str = user_agent(),
        *,
        resolve: Resolver = system_resolve,
    ) -> None:
        self._private_hosts = tuple(private_hosts)
        self._user_agent = user_agent
        self._resolve = resolve
        self._closed = False
        # What hosts want of programs, by host, with the moment when it was read (`sources.robots`).
        self.rules: dict[str, tuple[float, Any]] = {}

    def get(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        accept: str = FEED_TYPES,
        limits: Limits = _DEFAULT_LIMITS,
    ) -> Answer:
        """Fetch an address, following redirects, conditionally if validators of the last answer are given.

        Returns an Answer for any 2xx, and for a 304 if it was asked for. Raises FetchError for all else.
        """
        if self._closed:
            raise RuntimeError("this Fetcher is closed")
        headers = {"User-Agent": self._user_agent, "Accept": accept, "Accept-Encoding": "gzip"}
        # RFC 9110 13.1: the server answers 304 if what we have is still right.
        if validator := _header_value(etag):
            headers["If-None-Match"] = validator
        if validator := _header_value(last_modified):
            headers["If-Modified-Since"] = validator
        address = check_address(url)
        try:
            with self._client(limits, headers) as client:
                return _follow(client, address, limits)
        except httpx2.TimeoutException:
            raise FetchError(
                FetchCode.TIMEOUT, f"{address.host} did not answer in full within {limits.seconds:g} seconds."
            ) from None
        except httpx2.HTTPError as error:
            raise _network_error(error, address.host) from error

    def close(self) -> None:
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _client(self, limits: Limits, headers: dict[str, str]) -> httpx2.Client:
        backend = GuardedBackend(self._private_hosts, Deadline.after(limits.seconds), self._resolve)
        timeout = httpx2.Timeout(limits.seconds, connect=min(limits.connect_seconds, limits.seconds))
        return httpx2.Client(
            transport=guarded_transport(backend), headers=headers, timeout=timeout, trust_env=False
        )


def guarded_transport(backend: GuardedBackend) -> httpx2.HTTPTransport:
    """A transport whose every connection is made by `backend`.

    The library takes no backend, so its pool is replaced. A release that keeps the pool elsewhere would go
    round the guard: then this raises, and nothing is fetched.
    """
    transport = httpx2.HTTPTransport(verify=_tls(), trust_env=False)
    if type(getattr(transport, "_pool", None)) is not httpcore2.ConnectionPool:
        raise RuntimeError("this release of httpx2 keeps its connections where the guard does not reach")
    transport._pool = httpcore2.ConnectionPool(  # noqa: SLF001 - see above
        ssl_context=_tls(), max_connections=2, http1=True, http2=False, network_backend=backend
    )
    return transport


def load_certificates() -> None:
    """Read the authorities' certificates now: children of this process share them then."""
    _tls()


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than many a fetch; a context may be shared by threads.
    return httpx2.create_ssl_context(trust_env=False)


def _follow(client: httpx2.Client, address: httpx2.URL, limits: Limits) -> Answer:
    moved_for_good = True
    start = address
    for _ in range(limits.redirects + 1):
        with client.stream("GET", address, follow_redirects=False) as response:
            target = response.headers.get("location", "")
            if response.status_code not in _REDIRECTS or not target:
                permanent = str(address) if moved_for_good and address != start else None
                return _answer(response, address, permanent, limits)
            moved_for_good = moved_for_good and response.status_code in _PERMANENT
            address = check_address(_joined(address, target))
    raise FetchError(
        FetchCode.TOO_MANY_REDIRECTS, f"{start.host} sent us on more than {limits.redirects} times."
    )


def _joined(address: httpx2.URL, target: str) -> str:
    try:
        return str(address.join(target.strip()))
    except (httpx2.InvalidURL, ValueError):
        raise _bad(f"{address.host} sent us on to something that is not an address.") from None


def _answer(response: httpx2.Response, address: httpx2.URL, permanent: str | None, limits: Limits) -> Answer:
    headers = response.headers
    wait = _retry_after(headers.get("retry-after", ""), headers.get("date", ""))
    was_conditional = (
        "if-none-match" in response.request.headers or "if-modified-since" in response.request.headers
    )
    body: bytes | None
    if response.status_code == _NOT_MODIFIED and was_conditional:
        body = None
    elif response.is_success:
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > limits.max_bytes:
            raise too_large(limits.max_bytes)
        body = read_body(
            response.iter_raw(), encoding=headers.get("content-encoding", ""), max_bytes=limits.max_bytes
        )
    else:
        raise FetchError(
            FetchCode.HTTP_STATUS,
            f"{address.host} answered with the status {response.status_code}.",
            status=response.status_code,
            retry_after=wait,
            headers=_plain(headers),
            body=_error_page(response),
        )
    return Answer(
        status=response.status_code,
        final_url=str(address),
        body=body,
        content_type=headers.get("content-type", "")[:200],
        etag=_header_value(headers.get("etag")),
        last_modified=_header_value(headers.get("last-modified")),
        permanent_url=permanent,
        retry_after=wait,
        headers=_plain(headers),
    )


def _plain(headers: httpx2.Headers) -> dict[str, str]:
    return {name.lower(): value[:_LONGEST_HEADER] for name, value in headers.items()}


def _error_page(response: httpx2.Response) -> bytes:
    """The beginning of what is said beside an error; nothing if it is no text, or does not come."""
    if not _TEXTS.match(response.headers.get("content-type", "text/html")):
        return b""
    encoding = response.headers.get("content-encoding", "")
    try:
        return read_beginning(response.iter_raw(), encoding=encoding, most=_ERROR_PAGE)
    except httpx2.HTTPError:
        return b""  # the status has been said, and is what counts


def _retry_after(value: str, date: str) -> dt.timedelta | None:
    """RFC 9110 10.2.3: seconds, or a date, which is counted from the server's own clock if it tells it."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(dt.timedelta(seconds=int(value[:9])), _LONGEST_WAIT)
    until = _http_date(value)
    if until is None:
        return None
    wait = until - (_http_date(date) or clock.utc_now())
    return max(dt.timedelta(0), min(wait, _LONGEST_WAIT))


def _http_date(value: str) -> dt.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment


def _header_value(value: str | None) -> str | None:
    if value is None or len(value) > _LONGEST_VALIDATOR or not _VISIBLE.fullmatch(value):
        return None
    return value


def _network_error(error: httpx2.HTTPError, host: str) -> FetchError:
    if isinstance(error, httpx2.RemoteProtocolError):
        return FetchError(FetchCode.BAD_ANSWER, f"{host} broke off, or did not answer in HTTP.")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return FetchError(FetchCode.UNREACHABLE, f"The certificate of {host} is not one we can trust.")
    return FetchError(FetchCode.UNREACHABLE, f"{host} cannot be reached.")


def _bad(sentence: str) -> FetchError:
    return FetchError(FetchCode.BAD_ADDRESS, sentence)
