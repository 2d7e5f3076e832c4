"""The guarded client against a real server: limits, conditional requests, redirects, refused networks."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpcore2
import pytest

from digest.net import http
from digest.net.guard import Deadline, GuardedBackend, system_resolve
from digest.net.http import FetchCode, Fetcher, FetchError, Limits
from tests.servers.news_site import NewsSite, Page
from tests.servers.waiting import HANG

FEED = b"<rss version='2.0'><channel><title>The Harbour Post</title></channel></rss>"


@pytest.fixture
def site() -> Iterator[NewsSite]:
    with NewsSite() as running:
        yield running


@pytest.fixture
def fetcher(site: NewsSite) -> Fetcher:
    return Fetcher([site.host], user_agent="Digest/test")


def failure(fetcher: Fetcher, url: str, **limits: float) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetcher.get(url, limits=Limits(**limits))
    return caught.value


def test_a_page_is_fetched_whole(site: NewsSite, fetcher: Fetcher) -> None:
    """Body, type and validators of a plain answer arrive as the server sent them."""
    modified = "Sun, 22 Nov 2026 08:00:00 GMT"
    url = site.put("/feed/", Page(FEED, etag='"abc"', last_modified=modified))
    answer = fetcher.get(url)
    assert (answer.status, answer.body, answer.final_url) == (200, FEED, url)
    assert (answer.etag, answer.last_modified) == ('"abc"', modified)
    assert answer.content_type == "application/rss+xml; charset=utf-8"
    assert answer.permanent_url is None
    sent = site.requests[0].headers
    assert (sent["user-agent"], sent["accept-encoding"]) == ("Digest/test", "gzip")


def test_headers_come_along(site: NewsSite, fetcher: Fetcher) -> None:
    """By their names in lower case; what comes twice is joined."""
    page = Page(FEED, headers=(("Link", "<a>; rel=x"), ("LINK", "<b>; rel=y"), ("X-WP-Total", "12")))
    headers = fetcher.get(site.put("/feed/", page)).headers
    assert (headers["link"], headers["x-wp-total"]) == ("<a>; rel=x, <b>; rel=y", "12")


@pytest.mark.parametrize(
    ("page", "beginning"),
    [
        (Page(b"<html>no", status=403, content_type="text/html"), b"<html>no"),
        (Page(b"<html>no", status=403, content_type="text/html", gzipped=True), b"<html>no"),
        (Page(b'{"code": 1}', status=401, content_type="application/json"), b'{"code": 1}'),
        (Page(b"GIF89a", status=403, content_type="image/gif"), b""),
        (Page(b"x" * 1000, status=503, content_type="text/html", endless=True), b"x" * 64_000),
        (Page(bytes(90_000_000), status=503, content_type="text/html", gzipped=True), bytes(64_000)),
        (
            Page(b"zz", status=403, content_type="text/html", headers=(("Content-Encoding", "gzip"),)),
            b"",
        ),
        (
            Page(b"zz", status=403, content_type="text/html", headers=(("Content-Encoding", "br"),)),
            b"",
        ),
        (Page(b"x" * 100, status=503, content_type="text/html", cut=5), b""),
    ],
    ids=["html", "packed", "json", "picture", "endless", "bomb", "broken", "brotli", "cut"],
)
def test_an_error_page_is_looked_at(site: NewsSite, fetcher: Fetcher, page: Page, beginning: bytes) -> None:
    """The beginning of what is said beside an error comes with it, never more, and never in its place."""
    error = failure(fetcher, site.put("/feed/", page))
    assert (error.code, error.status) == (FetchCode.HTTP_STATUS, page.status)
    assert error.body == beginning
    assert error.headers["date"]


@pytest.mark.parametrize(
    "validators",
    [{"etag": '"abc"'}, {"last_modified": "Sun, 22 Nov 2026 08:00:00 GMT"}],
    ids=["etag", "date"],
)
def test_nothing_new_costs_no_body(site: NewsSite, fetcher: Fetcher, validators: dict[str, str]) -> None:
    """With the validators of the last answer a 304 comes back as an answer without a body."""
    page = Page(FEED, etag='"abc"', last_modified="Sun, 22 Nov 2026 08:00:00 GMT")
    answer = fetcher.get(site.put("/feed/", page), **validators)
    assert (answer.status, answer.body) == (304, None)


def test_a_304_nobody_asked_for_is_an_error(site: NewsSite, fetcher: Fetcher) -> None:
    """Without validators there is no copy that could still be right."""
    error = failure(fetcher, site.put("/feed/", Page(status=304)))
    assert (error.code, error.status) == (FetchCode.HTTP_STATUS, 304)


def test_validators_that_would_break_the_request_are_left_out(site: NewsSite, fetcher: Fetcher) -> None:
    """A stored validator with a line break cannot add a header."""
    url = site.put("/feed/", Page(FEED))
    assert fetcher.get(url, etag='"a"\r\nX-Evil: 1', last_modified="é").body == FEED
    assert {"x-evil", "if-none-match", "if-modified-since"}.isdisjoint(site.requests[0].headers)


def test_packed_answers_are_unpacked(site: NewsSite, fetcher: Fetcher) -> None:
    """gzip, and gzip of several members, give the plain body."""
    assert fetcher.get(site.put("/a", Page(FEED, gzipped=True))).body == FEED
    two = gzip.compress(FEED) + gzip.compress(b"<!-- end -->") + b"\0\0"
    page = Page(two, headers=(("Content-Encoding", "gzip"),), chunked=True)
    assert fetcher.get(site.put("/b", page)).body == FEED + b"<!-- end -->"


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (Page(FEED, headers=(("Content-Encoding", "br"),)), FetchCode.BAD_ANSWER),
        (Page(FEED, headers=(("Content-Encoding", "gzip"),)), FetchCode.BAD_ANSWER),
        (Page(gzip.compress(FEED)[:-9], headers=(("Content-Encoding", "gzip"),)), FetchCode.BAD_ANSWER),
        (Page(FEED, cut=20), FetchCode.BAD_ANSWER),
        (Page(FEED, headers=(("Content-Length", "12x"),)), FetchCode.BAD_ANSWER),
        (Page(FEED, headers=(("X-Long", "x" * 200_000),)), FetchCode.BAD_ANSWER),
    ],
    ids=["brotli", "not-gzip", "cut-gzip", "cut", "odd-length", "long-header"],
)
def test_a_broken_answer_is_an_error(site: NewsSite, fetcher: Fetcher, page: Page, code: FetchCode) -> None:
    """Half an answer, or one that cannot be unpacked, is never taken for a whole one."""
    assert failure(fetcher, site.put("/feed/", page)).code == code


@pytest.mark.parametrize(
    "page",
    [
        Page(b"x" * 5000),
        Page(b"x" * 5000, chunked=True),
        Page(b"x" * 1000, endless=True),
        Page(bytes(50_000_000), gzipped=True),
        Page(b"x" * 100, endless=True, chunked=True),
    ],
    ids=["announced", "chunked", "endless", "bomb", "endless-chunked"],
)
def test_a_body_over_the_limit_is_refused(site: NewsSite, fetcher: Fetcher, page: Page) -> None:
    """Too many bytes end the fetch, announced or not, packed or not."""
    assert failure(fetcher, site.put("/feed/", page), max_bytes=4000).code == FetchCode.TOO_LARGE


@pytest.mark.parametrize(
    "page",
    [
        Page(FEED, drip=0.05),
        Page(FEED, slow_headers=0.05),
        Page(FEED, delay=600),
        Page(status=302, headers=(("Location", "/feed/"),), delay=0.1),
    ],
    ids=["body", "headers", "silence", "redirects"],
)
def test_a_slow_answer_ends_at_the_deadline(site: NewsSite, fetcher: Fetcher, page: Page) -> None:
    """One time limit holds for all of a fetch, though no single wait is long."""
    url = site.put("/feed/", page)
    assert failure(fetcher, url, seconds=0.4, redirects=50).code == FetchCode.TIMEOUT


def test_a_name_that_is_slow_to_look_up_ends_at_the_deadline() -> None:
    """The system's resolver knows no time limit; the fetch does."""
    gate = threading.Event()

    def slow(host: str, port: int, seconds: float) -> list[str]:
        gate.wait(seconds)
        raise TimeoutError

    with Fetcher(resolve=slow) as fetcher:
        assert failure(fetcher, "http://slow.example.org/", seconds=0.2).code == FetchCode.TIMEOUT


def test_redirects_are_followed_and_permanent_ones_remembered(site: NewsSite, fetcher: Fetcher) -> None:
    """301 and 308 all the way give the new address; one temporary hop among them does not."""
    target = site.put("/new/", Page(FEED))
    site.redirect("/mid/", "/new/", 308)
    permanent = fetcher.get(site.redirect("/old/", target.replace("/new/", "/mid/"), 301))
    assert (permanent.body, permanent.final_url, permanent.permanent_url) == (FEED, target, target)
    site.redirect("/mid/", "/new/", 302)
    temporary = fetcher.get(site.url("/old/"))
    assert (temporary.final_url, temporary.permanent_url) == (target, None)


def test_a_redirect_loop_ends(site: NewsSite, fetcher: Fetcher) -> None:
    """No more than the allowed number of redirects is followed."""
    url = site.redirect("/a", "/b")
    site.redirect("/b", "/a")
    assert failure(fetcher, url, redirects=3).code == FetchCode.TOO_MANY_REDIRECTS
    assert len(site.requests) == 4


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("file:///etc/passwd", FetchCode.BAD_ADDRESS),
        ("ftp://example.org/", FetchCode.BAD_ADDRESS),
        ("http://user:key@example.org/", FetchCode.BAD_ADDRESS),
        ("http://[::1", FetchCode.BAD_ADDRESS),
        ("http://localhost:1/", FetchCode.REFUSED_ADDRESS),
        ("http://127.0.0.1:1/", FetchCode.REFUSED_ADDRESS),
        ("http://[::ffff:127.0.0.1]/", FetchCode.REFUSED_ADDRESS),
        ("http://169.254.169.254/latest/meta-data/", FetchCode.REFUSED_ADDRESS),
    ],
)
def test_a_redirect_cannot_lead_where_a_fetch_may_not(
    site: NewsSite, fetcher: Fetcher, target: str, code: FetchCode
) -> None:
    """Every hop meets the same checks as the first address."""
    error = failure(fetcher, site.redirect("/out", target))
    assert error.code == code
    assert "key" not in error.detail


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0x7f000001",
        "2130706433",
        "127.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
    ],
)
def test_no_spelling_of_this_machine_is_connected_to(site: NewsSite, host: str) -> None:
    """Whatever the host looks like, the address it leads to is what is judged; no connection is made."""
    error = failure(Fetcher(), site.url(host=host))
    assert error.code == FetchCode.REFUSED_ADDRESS
    assert site.connections == 0


def test_a_name_that_changes_its_address_gains_nothing(site: NewsSite) -> None:
    """The address that was judged is the one connected to: a second look-up never happens (DNS rebinding)."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    looked_up = []

    def rebinding(host: str, port: int, seconds: float) -> list[str]:
        looked_up.append(host)
        return next(answers)

    backend = GuardedBackend((), Deadline.after(0.3), rebinding)
    with pytest.raises((httpcore2.ConnectError, httpcore2.ConnectTimeout)):
        backend.connect_tcp("news.example.org", site.port, timeout=0.1)
    assert looked_up == ["news.example.org"]
    assert site.connections == 0


def test_only_the_public_addresses_of_a_name_are_tried(site: NewsSite) -> None:
    """A name with a public and a private address does not smuggle the private one in."""
    both = Fetcher(resolve=lambda *_: ["127.0.0.1", "10.0.0.1"])
    assert failure(both, site.url(host="news.example.org")).code == FetchCode.REFUSED_ADDRESS
    assert site.connections == 0


def test_a_named_host_may_be_private_on_its_port_only(site: NewsSite) -> None:
    """`host:port` opens that port, `host` every port, a name the name and not its address."""
    url = site.put("/feed/", Page(FEED))
    assert Fetcher(["127.0.0.1"]).get(url).body == FEED
    assert failure(Fetcher([f"127.0.0.1:{site.port + 1}"]), url).code == FetchCode.REFUSED_ADDRESS
    named = Fetcher(["News.Test"], resolve=lambda *_: ["127.0.0.1"])
    assert named.get(site.url("/feed/", host="news.test")).body == FEED
    assert failure(named, url.replace("127.0.0.1", "other.test")).code == FetchCode.REFUSED_ADDRESS


def test_the_next_address_is_tried_if_one_is_dead(site: NewsSite) -> None:
    """A name with a dead address first is still reached within the time."""
    site.put("/feed/", Page(FEED))
    fetcher = Fetcher(["news.test"], resolve=lambda *_: ["127.0.0.9", "127.0.0.1"])
    assert fetcher.get(site.url("/feed/", host="news.test")).body == FEED


def test_proxy_variables_do_not_go_round_the_guard(
    site: NewsSite, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment is not used."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetcher.get(site.put("/feed/", Page(FEED))).body == FEED


@pytest.mark.parametrize("status", [400, 403, 404, 410, 429, 500, 503, 999])
def test_an_error_status_is_an_error(site: NewsSite, fetcher: Fetcher, status: int) -> None:
    """The status and the wait that was asked for are for the caller to act on."""
    error = failure(
        fetcher, site.put("/feed/", Page(b"no", status=status, headers=(("Retry-After", "120"),)))
    )
    assert (error.code, error.status) == (FetchCode.HTTP_STATUS, status)
    assert error.retry_after == dt.timedelta(minutes=2)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("Mon, 23 Nov 2026 06:10:00 GMT", dt.timedelta(minutes=10)),  # the site's clock says 06:00
        ("Mon, 23 Nov 2026 05:00:00 GMT", dt.timedelta(0)),
        ("99999999999999999999", dt.timedelta(days=7)),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_read_in_both_forms(
    site: NewsSite, fetcher: Fetcher, value: str, wait: dt.timedelta | None
) -> None:
    """Seconds or a date; nonsense is no wait, and no wait is longer than a week."""
    error = failure(fetcher, site.put("/feed/", Page(status=503, headers=(("Retry-After", value),))))
    assert error.retry_after == wait


def test_a_server_that_is_not_there_is_unreachable() -> None:
    """A refused connection and an unknown name are told from a slow server."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: a connection is refused
        port = taken.getsockname()[1]
        assert failure(Fetcher(["127.0.0.1"]), f"http://127.0.0.1:{port}/").code == FetchCode.UNREACHABLE

    def unknown(host: str, port: int, seconds: float) -> list[str]:
        raise OSError("unknown")

    assert failure(Fetcher(resolve=unknown), "http://nowhere.example.org/").code == FetchCode.UNREACHABLE


def test_tls_against_a_server_without_it_fails_clearly(site: NewsSite, fetcher: Fetcher) -> None:
    """https to a plain port is unreachable, not a hang."""
    assert failure(fetcher, f"https://{site.host}/", seconds=HANG).code == FetchCode.UNREACHABLE


def test_a_tls_greeting_that_never_comes_ends_at_the_deadline() -> None:
    """The time limit holds below TLS too."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        assert failure(Fetcher([host]), f"https://{host}/", seconds=0.3).code == FetchCode.TIMEOUT


def test_a_server_that_does_not_speak_http_is_an_error() -> None:
    """Some other protocol's greeting is not an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example.org ESMTP\r\n")

        with ThreadPoolExecutor(1) as pool:
            greeting = pool.submit(greet)
            assert failure(Fetcher([host]), f"http://{host}/", seconds=HANG).code == FetchCode.BAD_ANSWER
            greeting.result(HANG)


def test_one_fetcher_serves_many_threads(site: NewsSite, fetcher: Fetcher) -> None:
    """Fetches at the same time do not meet each other's answers."""
    urls = [site.put(f"/feed/{n}", Page(FEED + b"%d" % n)) for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda url: fetcher.get(url).body, urls))
    assert bodies == [FEED + b"%d" % n for n in range(24)]


def test_cookies_do_not_last(site: NewsSite, fetcher: Fetcher) -> None:
    """A site cannot follow our fetches by a cookie."""
    url = site.put("/feed/", Page(FEED, headers=(("Set-Cookie", "who=1; Path=/"),)))
    fetcher.get(url)
    fetcher.get(url)
    assert all("cookie" not in request.headers for request in site.requests)


def test_a_closed_fetcher_refuses(site: NewsSite, fetcher: Fetcher) -> None:
    """Use after close is a fault of ours, not a silent fetch."""
    with fetcher:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        fetcher.get(site.url())


def test_the_guard_is_where_the_library_connects() -> None:
    """Canary: a release of httpx2 that moves its pool fails here, not in the field."""
    backend = GuardedBackend((), Deadline.after(1), system_resolve)
    transport = http.guarded_transport(backend)
    assert transport._pool._network_backend is backend
    connection = transport._pool.create_connection(httpcore2.Origin(b"http", b"example.org", 80))
    assert connection._network_backend is backend


def test_a_library_without_the_pool_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the pool is not where the guard is set, nothing is fetched unguarded."""

    class Moved:
        def __init__(self, **_: object) -> None:
            self._connections = object()

    monkeypatch.setattr(http.httpx2, "HTTPTransport", Moved)
    with pytest.raises(RuntimeError, match="guard"):
        http.guarded_transport(GuardedBackend((), Deadline.after(1), system_resolve))
