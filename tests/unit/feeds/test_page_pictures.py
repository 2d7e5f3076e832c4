"""The picture that a page names for itself."""

from __future__ import annotations

import pytest
from hypothesis import given

from digest.feeds.page import scan
from digest.feeds.page_pictures import page_picture
from digest.feeds.types import Picture
from tests.unit.feeds.strategies import markup

URL = "https://news.example.org/2026/harbour/"
BOATS = "https://news.example.org/boats.jpg"


def meta(name: str, content: str) -> str:
    return f'<meta property="{name}" content="{content}">'


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (meta("og:image", "/boats.jpg"), Picture(BOATS)),
        (
            meta("og:image", BOATS)
            + meta("og:image:width", "1200")
            + meta("og:image:height", "630")
            + meta("og:image:alt", "Boats &amp; nets")
            + meta("og:image", "/second.jpg"),
            Picture(BOATS, 1200, 630, "Boats & nets"),
        ),
        ('<META name="OG:IMAGE" CONTENT="/boats.jpg">', Picture(BOATS)),
        (meta("twitter:image", "/boats.jpg") + meta("og:image:width", "9"), Picture(BOATS)),
        (meta("og:image", "data:image/gif;base64,R0") + meta("twitter:image", "/boats.jpg"), Picture(BOATS)),
        (meta("og:image", "/logo.svg") + '<link rel="image_src" href="/boats.jpg">', Picture(BOATS)),
        (meta("og:image", "https://pixel.example.org/a.gif"), None),
        (meta("og:image", "javascript:alert(1)"), None),
        (meta("og:image", ""), None),
        (meta("og:image", "/sign.png") + meta("og:image:width", "64"), None),
        (f"<!-- {meta('og:image', '/old.jpg')} -->" + meta("og:image", "/boats.jpg"), Picture(BOATS)),
        ("<![endif[" + meta("og:image", "/boats.jpg"), Picture(BOATS)),
        ("</head><body>" + meta("og:image", "/comment.jpg"), None),
        ("", None),
    ],
)
def test_a_page_names_its_picture(head: str, expected: Picture | None) -> None:
    """Its own tag first; nothing of the body, nothing that is no picture of the web."""
    assert page_picture(scan(f"<!doctype html><html><head>{head}".encode()), URL) == expected


@given(markup)
def test_any_page_is_read(page: str) -> None:
    """Whatever it holds: a picture of the web or none."""
    found = page_picture(scan(page.encode("utf-8", "replace")), URL)
    assert found is None or found.url.startswith(("http://", "https://"))


def test_a_hostile_page_takes_no_long_time() -> None:
    """The work grows with what is read, and that has an end."""
    for piece in ("<", "<meta ", "<meta property=", "<meta content='", "<!--", "&", "<title>", "</"):
        page_picture(scan((piece * 400_000).encode()), URL)
