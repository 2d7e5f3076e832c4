"""Which picture stands for a post."""

from __future__ import annotations

from typing import Any

import pytest

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
            Picture("https://news.example.org/b-300x200.jpg", 300, None, "Boats"),
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


def test_the_chosen_picture_leaves_the_body() -> None:
    """Once, in whatever size it stands there, together with the paragraph that held only it."""
    body = sanitise(
        '<p>a</p><figure><img src="/b-1024x683.jpg"></figure><p><img src="/b.jpg">c</p><img src="/d.jpg">',
        BASE,
    )
    without = without_picture(body, "https://www.news.example.org/b-300x200.jpg?w=1")
    assert without == sanitise('<p>a</p><p><img src="/b.jpg">c</p><img src="/d.jpg">', BASE)
    assert without_picture(body, "https://news.example.org/other.jpg") == body
