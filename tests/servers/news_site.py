"""A news site for tests: a real HTTP server in a thread that answers as the test scripts it.

    with NewsSite() as site:
        site.put("/feed/", Page(b"<rss ...>", content_type="application/rss+xml", etag='"1"'))
        ... fetch site.url("/feed/") ...
        assert site.requests[0].headers["user-agent"] == ...

A page is answered as it stands: a test may give wrong lengths, wrong charsets and broken packing. What never
ends, ends when the site is closed.
"""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True, slots=True)
class Page:
    """What one path answers.

    `etag` and `last_modified` are sent, and a request that repeats one gets a 304. `gzipped` packs the body.
    `delay` seconds pass before the status line; `drip` seconds before each byte of the body, `slow_headers`
    before each byte of the head. `endless` repeats the body for ever. `cut` closes after that many bytes of
    the body, though the full length was announced. `chunked` sends chunks of 1 kB instead of a length.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "application/rss+xml; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    gzipped: bool = False
    delay: float = 0.0
    drip: float = 0.0
    slow_headers: float = 0.0
    endless: bool = False
    cut: int | None = None
    chunked: bool = False


@dataclass(frozen=True, slots=True)
class SiteRequest:
    """A request as the site got it; the names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)


Script = Callable[[SiteRequest], Page]


class NewsSite:
    """The server. Paths nobody put answer 404, but for pages of posts.

    A path's query is part of it, if one was put.
    """

    def __init__(self) -> None:
        self.requests: list[SiteRequest] = []
        self.connections = 0
        self.most_at_once = 0  # requests under way at the same time
        self._under_way = 0
        self._pages: dict[str, Page | Script] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.site = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="news-site"
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        """What to name in `private_hosts` so that this site may be fetched."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, page: Page | Script) -> str:
        """Set what a path answers, a page or a function of the request; returns its address."""
        with self._lock:
            self._pages[path] = page
        return self.url(path)

    def redirect(self, path: str, target: str, status: int = 302) -> str:
        return self.put(path, Page(status=status, headers=(("Location", target),)))

    def asked(self, path: str) -> list[SiteRequest]:
        """The requests for one path, oldest first."""
        with self._lock:
            return [request for request in self.requests if request.path == path]

    def answer(self, request: SiteRequest) -> Page:
        with self._lock:
            self.requests.append(request)
            found = self._pages.get(request.path) or self._pages.get(request.path.partition("?")[0])
        found = found or self.other
        page = found if isinstance(found, Page) else found(request)
        return Page(status=304, etag=page.etag) if _has_not_changed(page, request) else page

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def other(self, request: SiteRequest) -> Page:
        """What a path answers that nobody put: the pages of `tests.feeds` posts are there, no other is."""
        if request.path.startswith("/posts/"):
            return Page(b"<!DOCTYPE html><title>A story</title>", content_type="text/html; charset=utf-8")
        return Page(b"not here", status=HTTPStatus.NOT_FOUND, content_type="text/plain")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _has_not_changed(page: Page, request: SiteRequest) -> bool:
    if page.status != HTTPStatus.OK:
        return False
    if page.etag is not None and "if-none-match" in request.headers:
        return page.etag in request.headers["if-none-match"]
    given = request.headers.get("if-modified-since")
    return page.last_modified is not None and given == page.last_modified


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = False  # closing waits for the answers under way; they end by `closing`
    site: NewsSite

    def handle_error(self, *_: object) -> None:
        """A client that hangs up in the middle is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5  # an idle connection
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.site._lock:
            self.server.site.connections += 1

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        page = self.server.site.answer(SiteRequest(self.command, self.path, headers))
        self.close_connection = True
        # Counted until its last piece is ready, not until that is written: who has read it whole may ask
        # for the next before this thread runs again.
        held = b""
        with contextlib.suppress(OSError):
            with self.server.site.counted():
                self.server.site.closing.wait(page.delay)
                for piece in self._pieces(page):
                    self.wfile.write(held)
                    held = piece
            self.wfile.write(held)

    do_HEAD = do_GET  # noqa: N815

    def _pieces(self, page: Page) -> Iterator[bytes]:
        body = gzip.compress(page.body, mtime=0) if page.gzipped else page.body
        lines = [f"HTTP/1.1 {page.status} {_reason(page.status)}", *_head(page, len(body))]
        head = "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"
        yield from self._paced(head, page.slow_headers)
        if page.status == HTTPStatus.NOT_MODIFIED or self.command == "HEAD":
            return
        for piece in self._paced(body[: page.cut], page.drip, endless=page.endless):
            yield b"%x\r\n%s\r\n" % (len(piece), piece) if page.chunked else piece
        if page.chunked:
            yield b"0\r\n\r\n"

    def _paced(self, data: bytes, seconds: float, *, endless: bool = False) -> Iterator[bytes]:
        step = 1 if seconds else 1024
        while True:
            for start in range(0, len(data), step):
                if self.server.site.closing.wait(seconds) if seconds else self.server.site.closing.is_set():
                    return
                yield data[start : start + step]
            if not endless:
                return

    def log_message(self, *_: object) -> None:
        """The test's own output is enough."""


def _head(page: Page, length: int) -> Iterator[str]:
    yield "Connection: close"
    yield "Date: Mon, 23 Nov 2026 06:00:00 GMT"
    if page.content_type:
        yield f"Content-Type: {page.content_type}"
    if page.etag:
        yield f"ETag: {page.etag}"
    if page.last_modified:
        yield f"Last-Modified: {page.last_modified}"
    if page.gzipped:
        yield "Content-Encoding: gzip"
    if page.chunked:
        yield "Transfer-Encoding: chunked"
    elif not page.endless and "content-length" not in {name.lower() for name, _ in page.headers}:
        yield f"Content-Length: {length}"
    for name, value in page.headers:
        yield f"{name}: {value}"


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
