"""Which record the page of a post belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given

from digest.feeds.page import scan
from digest.feeds.wordpress_pages import number_of_page
from tests.unit.feeds.strategies import markup

URL = "https://courier.example/rivers/"
RECORD = "https://courier.example/wp-json/wp/v2/posts/12"


def alternate(address: str) -> str:
    return f'<link rel="alternate" type="application/json" href="{address}" />'


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (alternate(RECORD), 12),
        (alternate(RECORD + "/"), 12),
        (alternate("https://www.courier.example/wp-json/wp/v2/posts/12"), 12),
        (alternate("/?rest_route=%2Fwp%2Fv2%2Fposts%2F12"), 12),
        (alternate("/index.php?rest_route=/wp/v2/posts/12"), 12),
        ('<body class="single single-post postid-12 wide">', 12),
        # Of events, pages, sections and other sites.
        (alternate("https://courier.example/wp-json/wp/v2/events/12"), None),
        (alternate("https://courier.example/wp-json/wp/v2/pages/12"), None),
        (alternate("https://other.example/wp-json/wp/v2/posts/12"), None),
        ('<body class="single single-event postid-12">', None),
        ('<body class="category postid-12x single-post">', None),
        ('<link rel="shortlink" href="https://courier.example/?p=12" />', None),
        (f"<!-- {alternate(RECORD)} -->", None),
        ("", None),
    ],
)
def test_a_page_names_its_record(page: str, expected: int | None) -> None:
    """By its link to the record of a post, or by the classes that every theme writes; of a post alone."""
    assert number_of_page(scan(page.encode()), URL) == expected


def test_a_header_names_the_record() -> None:
    """Among the links that the server gives, whatever the page holds."""
    link = (
        '<https://courier.example/wp-json/>; rel="https://api.w.org/", '
        f'<{RECORD}>; rel="alternate"; type="application/json", '
        "<https://courier.example/?p=12>; rel=shortlink"
    )
    assert number_of_page(scan(b"<p>A page."), URL, link=link) == 12


@given(markup)
def test_any_page_is_read(page: str) -> None:
    """Whatever it holds: a number that a record can have, or none."""
    found = number_of_page(scan(page.encode("utf-8", "replace")), URL, link=page)
    assert found is None or found >= 0
