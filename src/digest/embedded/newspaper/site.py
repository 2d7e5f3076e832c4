"""The newspaper's web server: the paper's pages over HTTP on one port, until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from digest import clock
from digest.embedded.newspaper import routes
from digest.embedded.newspaper.newspaper import Newspaper
from digest.embedded.newspaper.routes import Page, Reading
from digest.errors import ConfigError

_PATH_LIMIT = 1000  # characters of a request target; ours are under 100
_ALLOWED = "GET, HEAD"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the paper can be read: `url` has no slash at its end."""

    url: str
    port: int


@contextlib.contextmanager
def running(
    newspaper: Newspaper, *, host: str = "127.0.0.1", port: int = 0, public_url: str | None = None
) -> Iterator[Site]:
    """Serve the paper from threads for as long as the block lasts.

    Port 0 takes a free one. `public_url` is the address that its links and feeds name, if readers reach it
    by another than `http://host:port`. Raises ConfigError if the port cannot be had.
    """
    try:
        server = _Server((host, port), _Handler)
    except OSError as error:
        raise ConfigError(f"The newspaper cannot listen on {host}:{port}: {error.strerror}.") from None
    server.newspaper = newspaper
    server.base_url = (public_url or f"http://{host}:{server.server_port}").rstrip("/")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="newspaper", daemon=True)
    thread.start()
    try:
        yield Site(server.base_url, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serve(
    host: str,
    port: int,
    newspaper: Newspaper,
    ready: Callable[[int], None],
    *,
    public_url: str | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve the paper until `stop` is set; `ready` is called with the port once it answers.

    In a process's main thread SIGTERM and SIGINT stop it as well.
    """
    stop = stop or threading.Event()
    with _stopped_by_signals(stop), running(newspaper, host=host, port=port, public_url=public_url) as site:
        ready(site.port)
        stop.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a reader that keeps its connection open does not hold up the end
    request_queue_size = 64
    newspaper: Newspaper
    base_url: str


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD with conditional requests (RFC 9110 section 13); nothing a visitor sends is kept."""

    protocol_version = "HTTP/1.1"
    server_version = "footbridge"
    sys_version = ""
    timeout = 10.0  # seconds without a byte
    server: _Server

    def do_GET(self) -> None:
        if len(self.path) > _PATH_LIMIT:
            self._send(Page(414, b"This address is too long.\n", content_type="text/plain; charset=UTF-8"))
            return
        reading = Reading(self.server.newspaper, clock.utc_now(), self.server.base_url)
        self._send(routes.find(reading, urlsplit(self.path).path))

    do_HEAD = do_GET  # noqa: N815  (the base class looks for these names)

    def _refuse(self) -> None:
        self.close_connection = True  # a body may follow, which we do not read
        self._send(Page(405, b"This site can only be read.\n", content_type="text/plain; charset=UTF-8"))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815

    def _send(self, page: Page) -> None:
        fresh = page.status == 200 and is_unchanged(
            page, self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
        )
        self.send_response(304 if fresh else page.status)
        for name, value in _headers(page):
            self.send_header(name, value)
        if not fresh:
            self.send_header("Content-Length", str(len(page.body)))
            self.send_header("Content-Type", page.content_type)
        self.end_headers()
        if not fresh and self.command != "HEAD":
            self.wfile.write(page.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing: a demo's terminal is for the demo."""


def is_unchanged(page: Page, if_none_match: str | None, if_modified_since: str | None) -> bool:
    """Whether the reader already has this page; the ETag decides if both are given (RFC 9110 13.2.2)."""
    if if_none_match is not None:
        tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return "*" in tags or page.etag in tags
    if if_modified_since is None or page.last_modified is None:
        return False
    try:
        since = parsedate_to_datetime(if_modified_since)
    except ValueError:
        return False
    return page.last_modified <= (since if since.tzinfo else since.replace(tzinfo=UTC))


def _headers(page: Page) -> Iterator[tuple[str, str]]:
    """The headers that a full answer and a 304 share, and those that every answer has."""
    yield "Cache-Control", page.cache_control
    yield "X-Content-Type-Options", "nosniff"
    yield "Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'self'"
    if page.status == 200:
        yield "ETag", page.etag
    if page.last_modified is not None:
        yield "Last-Modified", format_datetime(page.last_modified, usegmt=True)
    if page.location is not None:
        yield "Location", page.location
    if page.status == 405:
        yield "Allow", _ALLOWED


@contextlib.contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
