"""What the largest and worst feeds cost whoever reads them: memory and time that have an end."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.servers.news_site import NewsSite, Page
from tests.servers.waiting import HANG

pytestmark = pytest.mark.slow

LARGEST = 5_000_000  # bytes that are taken of one answer
MOST = 100  # MB beyond what the process has with all its modules read
MOST_SECONDS = 30

# Reads a small feed first, so that what is measured is the other one alone. VmHWM is the most that a process
# has had at once (proc(5)); writing 5 begins to count anew.
_CHILD = """
import resource, sys, time
from digest.errors import DigestError
from digest.net.http import Fetcher
from digest.sources.collect import preview

def most():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024

small, large, host = sys.argv[1:]
with Fetcher([host]) as fetcher:
    assert preview(small, fetcher).posts
    open("/proc/self/clear_refs", "w").write("5")
    before, began = most(), time.process_time()
    try:
        said = f"{len(preview(large, fetcher).posts)} posts"
    except DigestError as error:
        said = error.code.value
    print(said, round(most() - before), round(time.process_time() - began), sep=",")
"""


def rss(*items: str) -> bytes:
    return (
        '<?xml version="1.0"?><rss version="2.0"><channel><title>T 😀</title>'
        + "".join(items)
        + "</channel></rss>"
    ).encode()


def item(number: int, body: str = "", title: str = "A bridge") -> str:
    return (
        f"<item><title>{title} {number}</title><link>https://news.example.org/{number}</link>"
        f"<description>{body}</description></item>"
    )


def filled(piece: str, *, count: int = 1, room: int = LARGEST - 200_000) -> bytes:
    """A feed of so many posts whose bodies are made of one piece, as large as one may be."""
    body = piece * (room // count // len(piece.encode()))
    return rss(*(item(number, body) for number in range(count)))


# Each is made for its test alone: together they are made of 300 MB.
FEEDS: dict[str, tuple[Callable[[], Page], str]] = {
    "long posts": (
        lambda: Page(filled("&lt;p&gt;The bridge is open 😀.&lt;/p&gt; ", count=500)),
        "500 posts",
    ),
    "many posts": (lambda: Page(rss(*(item(number, "x" * 200) for number in range(15_000)))), "500 posts"),
    "one endless post": (lambda: Page(filled("The bridge is open. ")), "1 posts"),
    "an endless word": (lambda: Page(filled("a")), "1 posts"),
    "references": (lambda: Page(filled("&amp;")), "1 posts"),
    "references to letters": (lambda: Page(filled("&#1344;")), "1 posts"),
    "paragraphs": (lambda: Page(filled("&lt;p&gt;x", room=900_000)), "1 posts"),
    "elements": (lambda: Page(rss(item(1, "<a/>" * 90_000))), "1 posts"),
    "too many elements": (lambda: Page(filled("<b>x</b>")), "not_a_feed"),
    "wide letters": (
        lambda: Page(rss(item(1, "😀" * 1_000_000)).decode().encode("utf-32")[:LARGEST]),
        "1 posts",
    ),
    "json": (
        lambda: Page(
            json.dumps(
                {
                    "version": "https://jsonfeed.org/version/1.1",
                    "title": "T",
                    "items": [
                        {"id": str(n), "url": f"/{n}", "title": "A", "content_html": "<p>x 😀</p>" * 10}
                        for n in range(14_000)
                    ],
                }
            ).encode(),
            content_type="application/feed+json",
        ),
        "500 posts",
    ),
    "a json of nothing": (lambda: Page(b'{"items":[' + b"[]," * 1_500_000 + b"[]]}"), "not_a_feed"),
    "a gzip bomb": (
        lambda: Page(gzip.compress(bytes(200_000_000)), headers=(("Content-Encoding", "gzip"),)),
        "too_large",
    ),
}


@pytest.fixture(scope="module")
def site() -> Iterator[NewsSite]:
    with NewsSite() as running:
        running.put("/small/", Page(rss(item(1))))
        yield running


@pytest.mark.parametrize("name", FEEDS)
def test_no_feed_costs_more_than_it_may(site: NewsSite, name: str) -> None:
    """Fetched and read in a process of its own: posts or a fault, within 100 MB and 30 s of computing."""
    make, wanted = FEEDS[name]
    site.put("/feed/", make())
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, site.url("/small/"), site.url("/feed/"), site.host],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=True,
    )
    said, memory, seconds = done.stdout.strip().split(",")
    assert said == wanted
    assert int(memory) <= MOST
    assert int(seconds) <= MOST_SECONDS
