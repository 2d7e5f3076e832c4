"""OPML in and out: lists of other programs are read, ours come back as they were, bombs are refused."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.feeds.opml import MOST_FEEDS, FeedList, Outline, read_opml, write_opml
from tests.unit.feeds.strategies import markup

NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)

LIST = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE opml>
<opml version="1.0"><head><title>Papers of the town</title></head><body>
  <outline text="News &amp; views">
    <outline type="rss" text="The Courier" title="The Courier" xmlUrl="https://courier.example/feed/"
      htmlUrl="https://courier.example/" language="en"/>
    <outline text="Abroad"><outline type="rss" text="Թերթ" XMLURL="https://paper.example/hy/feed/?a=1&amp;b=2"/></outline>
  </outline>
  <outline type="rss" xmlUrl="https://harbour.example/rss.xml"/>
  <outline type="rss" text="Again" xmlUrl="https://courier.example/feed/"/>
  <outline type="rss" text="A file" xmlUrl="file:///etc/passwd"/>
  <outline text="A folder with nothing in it"/>
</body></opml>"""


def opml(inside: str) -> bytes:
    return f"<opml version='2.0'><body>{inside}</body></opml>".encode()


def test_a_list_of_another_program_is_read() -> None:
    """Each address once, in order, with its name and folder; what is not of the web is counted."""
    found = read_opml(LIST.encode())
    assert found == FeedList(
        title="Papers of the town",
        feeds=(
            Outline(
                "https://courier.example/feed/",
                "The Courier",
                site="https://courier.example/",
                language="en",
                folder="News & views",
            ),
            Outline("https://paper.example/hy/feed/?a=1&b=2", "Թերթ", folder="Abroad"),
            Outline("https://harbour.example/rss.xml"),
        ),
        left_out=1,
    )


def test_a_badly_formed_list_gives_what_can_be_read() -> None:
    """An & in an address and an end that is missing are common."""
    found = read_opml(
        b"<opml><body><outline text='A & B' xmlUrl='https://a.example/?x=1&y=2'/>"
        b"<outline text='&nbsp;C' xmlUrl='https://c.example/feed'>"
    )
    assert [feed.url for feed in found.feeds][-1] == "https://c.example/feed"
    assert found.feeds[0].url.startswith("https://a.example/?x=1")


def test_other_letters_are_read() -> None:
    """UTF-16, and what says that it is Latin-1."""
    assert read_opml(LIST.encode("utf-16")).title == "Papers of the town"
    latin = (
        "<?xml version='1.0' encoding='ISO-8859-1'?>"
        + opml("<outline text='Caf\u00e9' xmlUrl='https://c.example/'/>").decode()
    )
    assert read_opml(latin.encode("latin-1")).feeds[0].title == "Café"


_BOMB = b'<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><opml><body/></opml>'
_OUTSIDE = (
    b'<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml><head><title>&x;</title></head></opml>'
)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "nothing"),
        (b" \n", "nothing"),
        (_BOMB, "entities"),
        (_OUTSIDE, "entities"),
        (b"<html><body>Hello</body></html>", "web page"),
        (b"<rss version='2.0'><channel/></rss>", "no OPML"),
        (b"hello", "no OPML"),
        (b"\x89PNG\r\n\x1a\n", "no OPML"),
        (opml("<outline text='x'>" * 22 + "</outline>" * 22), "nested more than 20"),
        (opml("<outline text='x'>" * 2000), "nested"),
        (opml("<outline/>" * 120_000), "no OPML"),
        (
            opml("".join(f"<outline xmlUrl='https://a.example/{n}'/>" for n in range(MOST_FEEDS + 1))),
            "more than the 2000",
        ),
        (b"<opml>" + b" " * 2_000_000, "larger"),
    ],
    ids=[
        *("empty", "white", "bomb", "outside", "html", "rss", "text", "picture", "deep", "deeper", "many"),
        *("feeds", "large"),
    ],
)
def test_what_is_no_list_is_refused_in_words(body: bytes, word: str) -> None:
    """One sentence that says what is wrong."""
    with pytest.raises(InputError, match=word) as caught:
        read_opml(body)
    assert str(caught.value).endswith(".")


def test_folders_within_reason_are_read() -> None:
    """Nineteen folders in one another hold a feed."""
    inside = "<outline text='x'>" * 19 + "<outline xmlUrl='https://a.example/'/>" + "</outline>" * 19
    assert [feed.folder for feed in read_opml(opml(inside)).feeds] == ["x"]


_NAMES = st.text(st.characters(codec="utf-8"), max_size=30).map(
    lambda text: read_opml(write_opml(text, (), now=NOW)).title
)
_IDS = st.lists(st.integers(1, 2**31), min_size=1, max_size=3)
_OUTLINES = st.builds(
    lambda number, title, folder, language, query: Outline(
        f"https://a.example/{number}/feed/?x=1&y='%3C",
        title,
        site="https://a.example/",
        language=language,
        folder=folder,
        kind="feed" if query is None else "wordpress",
        api_url=None if query is None else "https://a.example/?rest_route=/",
        query=query or {},
    ),
    st.integers(0, 10_000),
    _NAMES,
    _NAMES,
    st.sampled_from([None, "en", "hy"]),
    st.one_of(
        st.none(),
        st.just({}),
        st.fixed_dictionaries({}, optional={"categories": _IDS, "tags": _IDS}),
        st.just({"lang": "hy", "lang_parameter": "lang"}),
    ),
)


@given(_NAMES, st.lists(_OUTLINES, max_size=8, unique_by=lambda outline: outline.url))
def test_what_we_write_comes_back(title: str, outlines: list[Outline]) -> None:
    """A list written and read is the same list, whatever stands in its names."""
    found = read_opml(write_opml(title, outlines, now=NOW))
    assert found.title == title
    # A feed without a name is shown by its address.
    wanted = [replace(outline, title=outline.title or outline.url) for outline in outlines]
    assert {feed.url: feed for feed in found.feeds} == {feed.url: feed for feed in wanted}


@pytest.mark.parametrize(
    "query",
    ["[1]", "{", '{"categories": "x", "tags": [-1]}', '{"categories": [true]}', "[" * 1500, "x" * 3000],
)
def test_a_part_of_a_site_that_is_misshapen_is_all_of_it(query: str) -> None:
    """What only we write is looked at like everything else."""
    quoted = query.replace('"', "&quot;")
    body = (
        f'<opml xmlns:d="urn:digest:source"><body><outline xmlUrl="https://a.example/" d:kind="wordpress" '
        f'd:apiUrl="https://a.example/wp-json/" d:query="{quoted}"/></body></opml>'
    )
    (feed,) = read_opml(body.encode()).feeds
    assert (feed.kind, feed.api_url, feed.query) == ("wordpress", "https://a.example/wp-json/", {})


def test_a_wordpress_site_without_its_interface_is_a_feed() -> None:
    """Without an address of the web there is nothing to ask."""
    body = (
        '<opml xmlns:d="urn:digest:source"><body><outline xmlUrl="https://a.example/" d:kind="wordpress" '
        'd:apiUrl="javascript:x" d:query="{}"/></body></opml>'
    )
    assert read_opml(body.encode()).feeds[0].kind == "feed"


@given(st.one_of(st.binary(max_size=200), markup.map(opml)))
def test_anything_is_a_list_or_our_error(body: bytes) -> None:
    """Whatever the bytes are, they are read or refused in a sentence."""
    with contextlib.suppress(InputError):
        for feed in read_opml(body).feeds:
            assert feed.url.startswith(("http://", "https://"))


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=5))
def test_a_damaged_list_is_a_list_or_our_error(place: int, junk: bytes) -> None:
    """A list that is cut or overwritten anywhere is still only addresses of the web."""
    whole = LIST.encode()
    place %= len(whole)
    for body in (whole[:place], whole[:place] + junk + whole[place + len(junk) :]):
        with contextlib.suppress(InputError):
            assert all(feed.url.startswith(("http://", "https://")) for feed in read_opml(body).feeds)
