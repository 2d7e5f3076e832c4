"""Which picture stands for a post."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.images import best_of_set, read_image
from digest.feeds.pictures import choose_picture, without_picture
from digest.feeds.sanitise import sanitise
from digest.feeds.types import Picture

BASE = "https://news.example.org/2026/harbour/"


def image(name: str, **more: object) -> dict[str, Any]:
    return {"url": f"https://news.example.org/{name}", **more}


@pytest.mark.parametrize(
    ("entry", "body", "expected"),
    [
        ({}, "", None),
        ({}, "<p>text</p>", None),
        (
            {
                "media_thumbnail": [image("t.jpg", width="640", height="480")],
                "media_content": [image("c.jpg")],
            },
            "",
            Picture("https://news.example.org/t.jpg", 640, 480),
        ),
        (
            {
                "media_thumbnail": [image("t.jpg", width="75")],
                "media_content": [image("c.jpg", medium="image")],
            },
            "",
            Picture("https://news.example.org/c.jpg"),
        ),
        (
            {"media_thumbnail": [image("t.jpg", width="75")]},
            "",
            Picture("https://news.example.org/t.jpg", 75),
        ),
        (
            {
                "media_content": [
                    image("v.mp4", medium="video"),
                    image("c.jpg", type="image/jpeg", height="90"),
                ]
            },
            "",
            Picture("https://news.example.org/c.jpg", None, 90),
        ),
        ({"media_content": [image("a.mp3", type="audio/mpeg")]}, "", None),
        (
            {
                "links": [
                    {"rel": "alternate", "href": "x"},
                    {"rel": "enclosure", "href": "/e.png", "type": "image/png"},
                ]
            },
            "",
            Picture("https://news.example.org/e.png"),
        ),
        ({"links": [{"rel": "enclosure", "href": "/e.mp3", "type": "audio/mpeg"}]}, "", None),
        (
            {"media_content": [image("../x", url="https://2.gravatar.com/avatar/0?s=96", medium="image")]},
            '<img src="/b.jpg" alt="Boats" width="900">',
            Picture("https://news.example.org/b.jpg", 900, None, "Boats"),
        ),
        (
            {"media_thumbnail": [image("b-300x200.jpg", width="300")]},
            '<img src="/b-1024x683.jpg" alt="Boats">',
            Picture("https://news.example.org/b-1024x683.jpg", 1024, 683, "Boats"),
        ),
        (
            {
                "media_thumbnail": [image("b-150x150.jpg", width="150", height="150")],
                "media_content": [
                    image("b-2048x1365.jpg", medium="image", width="2048", height="1365"),
                    image("b-1200x800.jpg", medium="image", width="1200", height="800"),
                    image("b-600x400.jpg", medium="image", width="600", height="400"),
                    image("c-1100x700.jpg", medium="image", width="1100"),
                ],
            },
            "",
            Picture("https://news.example.org/b-1200x800.jpg", 1200, 800),
        ),
        (
            {"media_content": [image("d.svg", type="image/svg+xml"), image("c.png", type="image/png")]},
            '<img src="/logo.svg">',
            Picture("https://news.example.org/c.png"),
        ),
        (
            {},
            '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-src="/b.jpg" alt="Boats">',
            Picture("https://news.example.org/b.jpg", None, None, "Boats"),
        ),
        (
            {},
            '<img src="/b.jpg" width="300" height="200" srcset="/b-900x600.jpg 900w, /b-1536x9.jpg 1536w">',
            Picture("https://news.example.org/b-1536x9.jpg", 300, 200),
        ),
        ({"media_thumbnail": [image("p.gif", width="1", height="1")]}, "", None),
        ({"media_thumbnail": [{"url": "javascript:alert(1)"}, {"url": None}, {}]}, "", None),
        (
            {"media_content": [image("noname"), image("c.webp?x=1")]},
            "",
            Picture("https://news.example.org/c.webp?x=1"),
        ),
    ],
)
def test_the_best_offer_is_taken(entry: dict[str, Any], body: str, expected: Picture | None) -> None:
    """Thumbnail, media, enclosure, body, in this order; no icons, portraits, pixels, sounds or films."""
    assert choose_picture(entry, sanitise(body, BASE), BASE) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"srcset": "/s.jpg 400w, /m.jpg 1100w, /l.jpg 2000w"}, "/m.jpg"),
        ({"srcset": "/s.jpg 400w, /m.jpg 900w"}, "/m.jpg"),
        ({"srcset": "/s.jpg, /m.jpg 2x, /l.jpg 3x"}, "/m.jpg"),
        ({"srcset": "/s.jpg 1x, /m.jpg 2x", "width": "200"}, "/m.jpg"),
        ({"srcset": "/a,w_300,b.jpg 300w,/a,w_1200,b.jpg 1200w"}, "/a,w_1200,b.jpg"),
        ({"data-srcset": "/m.jpg 1200w", "srcset": "/placeholder.jpg 10w"}, "/m.jpg"),
        ({"srcset": "javascript:x 1200w, data:image/gif;base64,R0 2000w"}, "/given.jpg"),
        ({"srcset": "https://pixel.example.org/b.gif 1200w"}, "/given.jpg"),
        ({"srcset": ",,, ,"}, "/given.jpg"),
        ({"srcset": "/s.jpg 12ww, /m.jpg"}, "/m.jpg"),
        ({}, "/given.jpg"),
    ],
)
def test_of_a_set_the_size_for_a_mail_is_taken(attributes: dict[str, str], expected: str) -> None:
    """Twice the column's width if there is that, else the largest; what cannot be fetched is passed over."""
    given = "https://news.example.org/given.jpg"
    found = best_of_set(attributes, BASE, given=given)
    assert found == f"https://news.example.org{expected}"


@given(st.text(alphabet="/a,b.jpg 12wx\t", max_size=300))
def test_any_set_is_read(text: str) -> None:
    """Whatever stands in it, an address of the web comes out."""
    assert best_of_set({"srcset": text}, BASE, given=BASE).startswith("https://")


def test_a_long_set_takes_no_long_time() -> None:
    """Reading one is linear work: forty thousand letters of any kind are done."""
    for piece in ("a", ",", " ", "a,", "a 1", "a 1w,", "1 "):
        assert best_of_set({"srcset": piece * 40_000}, BASE, given=BASE)


@pytest.mark.parametrize(
    "url",
    [
        "https://pixel.wp.example/g.gif",
        "https://stats.wordpress.example/b.gif",
        "https://feeds.feedburner.com/~r/paper/~4/abc",
        "https://news.example.org/wp-json/x?republication-pixel=true&post=1",
        "https://news.example.org/piwik.php?idsite=1",
        "https://news.example.org/track/open.php?u=1",
        "https://feeds.example.org/1.0/comments/paper/12/",
        "https://www.facebook.com/tr?id=1",
        "https://ad.doubleclick.net/x",
        "https://news.example.org/1x1.png",
        "https://news.example.org/__utm.gif?x=1",
    ],
)
def test_what_counts_readers_is_no_picture(url: str) -> None:
    """Known counters by their host, their path or their question, without a size too."""
    assert read_image({"src": url, "alt": ""}, BASE) is None
    assert choose_picture({"media_content": [{"url": url, "medium": "image"}]}, "", BASE) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example.org/open.jpg",
        "https://news.example.org/counter-culture.jpg",
        "https://news.example.org/2026/10.gif",
        "https://trackandfield.example.org/a.png",
        "https://news.example.org/train-tracks.png",
    ],
)
def test_what_only_looks_like_a_counter_is_a_picture(url: str) -> None:
    """A word within a name is none."""
    assert read_image({"src": url}, BASE) is not None


def test_the_chosen_picture_leaves_the_body() -> None:
    """Once, in whatever size it stands there, together with the paragraph that held only it."""
    body = sanitise(
        '<p>a</p><figure><img src="/b-1024x683.jpg"></figure><p><img src="/b.jpg">c</p><img src="/d.jpg">',
        BASE,
    )
    without = without_picture(body, "https://www.news.example.org/b-300x200.jpg?w=1")
    assert without == sanitise('<p>a</p><p><img src="/b.jpg">c</p><img src="/d.jpg">', BASE)
    assert without_picture(body, "https://news.example.org/other.jpg") == body
