"""The invented newspaper over real HTTP, in a thread and as a process of its own."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import feedparser
import pytest

from digest.embedded.newspaper.__main__ import main
from digest.embedded.newspaper.newspaper import Newspaper
from digest.embedded.newspaper.site import Site, running, serve
from digest.errors import ConfigError
from tests.servers.waiting import HANG

START = dt.datetime.now(dt.UTC)


@pytest.fixture
def newspaper() -> Newspaper:
    return Newspaper(START)


@pytest.fixture
def site(newspaper: Newspaper) -> Iterator[Site]:
    with running(newspaper) as found:
        yield found


def ask(
    port: int, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_a_feed_is_fetched_once_and_then_unchanged(site: Site, newspaper: Newspaper) -> None:
    """A collector that keeps ETag or date gets 304 without a body until the next story is published."""
    response, body = ask(site.port, "/en/feed/")
    assert response.status == 200
    assert len(feedparser.parse(body).entries) == 15
    etag, changed = response.headers["ETag"], response.headers["Last-Modified"]
    assert parsedate_to_datetime(changed) == newspaper.stories(START, language="en")[0].published_at
    for headers in ({"If-None-Match": etag}, {"If-Modified-Since": changed}):
        again, nothing = ask(site.port, "/en/feed/", headers=headers)
        assert (again.status, nothing, again.headers["ETag"]) == (304, b"", etag)
    newspaper.publish_next(dt.datetime.now(dt.UTC))
    fresh, body = ask(site.port, "/en/feed/", headers={"If-None-Match": etag, "If-Modified-Since": changed})
    assert fresh.status == 200
    assert len(feedparser.parse(body).entries) == 16


def test_links_name_the_address_that_readers_reach(newspaper: Newspaper) -> None:
    """By default the port that was taken; behind another address, that one."""
    with running(newspaper) as site:
        assert site.url == f"http://127.0.0.1:{site.port}"
        entry = feedparser.parse(ask(site.port, "/hy/feed/")[1]).entries[0]
        page, _ = ask(site.port, entry.link.removeprefix(site.url))
        assert page.status == 200
    with running(newspaper, public_url="https://paper.test/") as site:
        entry = feedparser.parse(ask(site.port, "/hy/feed/")[1]).entries[0]
        assert entry.link.startswith("https://paper.test/hy/")


def test_head_says_what_get_would(site: Site) -> None:
    """HEAD has the headers of GET and no body."""
    got, body = ask(site.port, "/en/")
    head, nothing = ask(site.port, "/en/", method="HEAD")
    assert nothing == b""
    assert head.headers["Content-Length"] == str(len(body)) == got.headers["Content-Length"]


def test_a_kept_connection_serves_one_page_after_another(site: Site) -> None:
    """Pages, a 304 and a 404 go over one connection without getting out of step."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=HANG)
    statuses = []
    etag = ""
    for path in ("/en/", "/pictures/bus.png", "/pictures/bus.png", "/nowhere/", "/style.css"):
        connection.request("GET", path, headers={"If-None-Match": etag} if etag else {})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
        etag = response.headers["ETag"] if path == "/pictures/bus.png" else ""
    connection.close()
    assert statuses == [200, 200, 304, 404, 200]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_site_can_only_be_read(site: Site, method: str) -> None:
    """Any other method is refused, and told which there are."""
    response, _ = ask(site.port, "/en/", method=method)
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


def test_a_long_address_is_refused(site: Site) -> None:
    """A path beyond the limit gets 414."""
    assert ask(site.port, "/en/" + "x" * 2000)[0].status == 414


def test_a_taken_port_is_one_clear_sentence(site: Site, newspaper: Newspaper) -> None:
    """A second paper on the same port says which port it could not have."""
    with pytest.raises(ConfigError, match=str(site.port)), running(newspaper, port=site.port):
        pass


def test_the_port_is_free_after_the_end(newspaper: Newspaper) -> None:
    """A reader that is still connected does not hold up the end, nor keep the port."""
    with running(newspaper) as site:
        idle = socket.create_connection(("127.0.0.1", site.port), timeout=HANG)
        ask(site.port, "/en/")
    with running(newspaper, port=site.port) as again:
        assert ask(again.port, "/en/")[0].status == 200
    idle.close()


def test_serve_in_a_thread_stops_when_told(newspaper: Newspaper) -> None:
    """`serve` calls ready with its port and returns soon after `stop` is set."""
    ports: list[int] = []
    is_ready, stop = threading.Event(), threading.Event()

    def ready(port: int) -> None:
        ports.append(port)
        is_ready.set()

    thread = threading.Thread(target=serve, args=("127.0.0.1", 0, newspaper, ready), kwargs={"stop": stop})
    thread.start()
    assert is_ready.wait(HANG)
    assert ask(ports[0], "/en/")[0].status == 200
    stop.set()
    thread.join(HANG)
    assert not thread.is_alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_publishes_and_ends_on_a_signal(number: signal.Signals) -> None:
    """`python -m` prints its address, dates stories from --start, publishes by its pace, and ends with 0."""
    start = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=60)).isoformat()
    argv = [sys.executable, "-m", "digest.embedded.newspaper", "--start", start, "--publish-every", "12"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert select.select([process.stdout], [], [], 30)[0]
            address = process.stdout.readline().strip()
            port = int(address.removesuffix("/").rpartition(":")[2])
            entries = feedparser.parse(ask(port, "/en/feed/")[1]).entries
            assert len(entries) >= 15 + 3  # five were due by now, by turns in both languages
            os.kill(process.pid, number)
            assert process.wait(HANG) == 0
        finally:
            process.kill()


def test_the_process_says_why_it_cannot_start(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken ends the process with 1 and one sentence."""
    assert main(["--port", str(site.port)]) == 1
    assert str(site.port) in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [["--port", "70000"], ["--publish-every", "0"], ["--publish-every", "inf"], ["--start", "soon"]],
)
def test_wrong_options_are_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A number out of range or a time that is none is refused before anything is served."""
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert argv[0] in capsys.readouterr().err
