"""What is fuzzed: each target takes any bytes, and may raise our own errors only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from digest.errors import DigestError
from digest.feeds.discover import discover as discover_feeds
from digest.feeds.excerpt import cut_body, make_excerpt
from digest.feeds.fingerprints import canonical_address, fingerprints
from digest.feeds.links import LONGEST
from digest.feeds.opml import read_opml
from digest.feeds.page import scan
from digest.feeds.page_pictures import page_picture
from digest.feeds.parse import parse_feed
from digest.feeds.sanitise import sanitise
from digest.feeds.text import label
from digest.feeds.wordpress import parse_record, parse_records
from digest.feeds.wordpress_pages import number_of_page
from tests.fuzz.names import NAMES

Target = Callable[[bytes], None]

_URL = "https://news.example.org/feed/"
_TYPES = ("application/rss+xml", "text/xml; charset=windows-1251", "text/html", "application/feed+json", "")
_TITLE_LETTERS = 300
_EXCERPT_WORDS = 40


def parse(data: bytes) -> None:
    """A feed of any kind: the first byte says what the site calls it."""
    kind = _TYPES[data[0] % len(_TYPES)] if data else ""
    feed = parse_feed(data[1:], url=_URL, content_type=kind)
    for post in feed.posts:
        assert post.title or post.url
        assert "<script" not in post.body_html.lower()
        fingerprints(post, feed_url=_URL)


def excerpt(data: bytes) -> None:
    """A post's body: what is sanitised and cut stays sanitised, and is no longer than it may be."""
    body = sanitise(data.decode("utf-8", "replace"), _URL)
    assert "<script" not in body.lower()
    found = make_excerpt(body, _EXCERPT_WORDS)
    assert len(found.split()) <= _EXCERPT_WORDS + 1
    cut_body(body, _EXCERPT_WORDS)


def title(data: bytes) -> None:
    """A title is one plain line."""
    text = data.decode("utf-8", "surrogatepass") if _is_text(data) else data.decode("latin-1")
    found = label(text, is_html=True, longest=_TITLE_LETTERS)
    assert len(found) <= _TITLE_LETTERS
    assert not set(found) & set("\r\n\t\0")


def address(data: bytes) -> None:
    """An address of a post, and the same one written as we know it again.

    That is up to a few letters longer: one that is too long to be an address itself is none.
    """
    once = canonical_address(data.decode("latin-1"))
    assert canonical_address(once) == (once if len(once) <= LONGEST else "")


def discover(data: bytes) -> None:
    """A page of any site: at most twenty candidates and a picture, all of them addresses of the web."""
    found = discover_feeds(data, url=_URL, headers={"link": data[:200].decode("latin-1")})
    assert len(found.feeds) <= 20
    assert all(one.url.startswith(("http://", "https://")) for one in found.feeds)
    page = scan(data)
    picture = page_picture(page, _URL)
    assert picture is None or picture.url.startswith(("http://", "https://"))
    number_of_page(page, _URL, link=data[:200].decode("latin-1"))


def opml(data: bytes) -> None:
    """A list of feeds."""
    assert len({one.url for one in read_opml(data).feeds}) <= len(data)


def wordpress(data: bytes) -> None:
    """Records of the REST interface: a list of them, and what stands alone."""
    for one in (
        parse_records(data, url=_URL) if data.lstrip().startswith(b"[") else [parse_record(data, url=_URL)]
    ):
        assert one.is_withheld or "<script" not in one.post.body_html.lower()
        fingerprints(one.post, feed_url=_URL)


TARGETS: Mapping[str, Target] = dict(
    zip(NAMES, (parse, excerpt, title, address, discover, opml, wordpress), strict=True)
)


def tried(target: Target, data: bytes) -> bool:
    """Whether a target took the input; one that it refused in our own words is as good."""
    try:
        target(data)
    except DigestError:
        return False
    return True


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True
