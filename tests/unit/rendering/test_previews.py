"""A mail in every view: what each mail program takes away, and pictures beside the page."""

from __future__ import annotations

import pytest

from digest.rendering.digest_email import render_mail
from digest.rendering.previews import (
    ROWS,
    View,
    all_views,
    as_seen,
    contact_sheet,
    heights_in,
    picture_addresses,
    with_local_pictures,
)
from tests.unit.rendering.samples import edition

PLAIN = View("light-600", 600)


def test_a_plain_view_changes_nothing() -> None:
    """What a good mail program shows is what was sent."""
    html = render_mail(edition()).html
    assert as_seen(html, PLAIN) == html


def test_style_blocks_and_pictures_are_taken_away() -> None:
    """And nothing else: every word and every inline style stays."""
    html = render_mail(edition()).html
    poorest = as_seen(html, View("x", 320, has_styles=False))
    assert "<style" in html
    assert "<style" not in poorest
    assert poorest.count(' style="') == html.count(' style="')
    blocked = as_seen(html, View("x", 320, has_pictures=False))
    assert picture_addresses(html)
    assert set(picture_addresses(blocked)) == {"data:,"}
    assert blocked.count("alt=") == html.count("alt=")


@pytest.mark.parametrize("quote", ['"', "'"])
def test_addresses_of_pictures_are_read_as_written(quote: str) -> None:
    """Each once, in order, with their ampersands."""
    html = f"<p><img alt=x src={quote}https://a.test/1?x=1&amp;y=2{quote}><img src={quote}/b{quote}>" * 2
    assert picture_addresses(html) == ["https://a.test/1?x=1&y=2", "/b"]


def test_known_pictures_lie_beside_the_page() -> None:
    """A picture that we have a copy of is shown from there; another keeps its address."""
    html = '<img src="https://a.test/1?x=1&amp;y=2" alt=""><img src="https://a.test/2" alt="">'
    shown = with_local_pictures(html, {"https://a.test/1?x=1&y=2": "pictures/1.jpg"})
    assert picture_addresses(shown) == ["pictures/1.jpg", "https://a.test/2"]


def test_the_contact_sheet_has_every_view() -> None:
    """Once each, at its width, in its scheme, with nothing that could run or fetch in it."""
    sheet = contact_sheet('A "title" & more', render_mail(edition()).html)
    views = list(all_views())
    assert len({view.name for view in views}) == len(views) == sum(map(len, ROWS)) == 10
    assert sheet.count("<iframe") == len(views)
    for view in views:
        scheme = "dark" if view.is_dark else "light"
        assert f'title="{view.name}" sandbox="allow-same-origin" style="width:{view.width}px' in sheet
        assert f"color-scheme:{scheme}" in sheet
    assert "<title>A &quot;title&quot; &amp; more</title>" in sheet
    assert "default-src 'none'" in sheet


def test_heights_are_read_from_what_the_browser_says() -> None:
    """In the order of the frames; nothing where it said nothing."""
    assert heights_in("<output>120 80 </output>") == [120, 80]
    assert heights_in("<output></output>") == []
    assert heights_in("") == []
