"""Which language a page is in, and which entity tags count."""

from __future__ import annotations

import pytest

from digest.i18n import spoken
from digest.web.answers import preferred_language
from digest.web.editions import has_it
from digest.web.inbox import links_in_new_windows


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("hy", "hy"),
        ("hy-AM,hy;q=0.9,en;q=0.8", "hy"),
        ("fr-FR, fr;q=0.9, hy;q=0.5", "fr"),
        ("de, hy-arevmda;q=0.9", "hyw"),
        ("de, ar-LB;q=0.9", "ar"),
        ("en-US,en;q=0.9,hy;q=0.8", "en"),
        ("hy;q=0, en", "en"),
        ("HY", "hy"),
        ("*", "en"),
        (",;=,,\x00é", "en"),
        ("xx," * 10_000 + "hy", "en"),
    ],
)
def test_the_browser_s_first_language_of_ours_is_taken(header: str, language: str) -> None:
    """The first that we speak; English where there is none, and for headers beyond any measure."""
    assert preferred_language(header) == language


@pytest.mark.parametrize(("tag", "language"), [("hy", "hy"), ("hy-AM", "hy"), ("EN-gb", "en"), ("de", "en")])
def test_a_digest_s_language_is_one_that_we_speak(tag: str, language: str) -> None:
    """Regional kinds count as their language, foreign ones as English."""
    assert spoken(tag) == language


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", W/"a"', True),
        ("*", True),
        ("", False),
        ("a", False),
        ('"ab"', False),
        ('"b",' * 1000 + '"a"', False),
    ],
)
def test_entity_tags_are_compared_weakly(header: str, *, answer: bool) -> None:
    """RFC 9110, 13.1.2: any of a list; of endless lists only the beginning is read."""
    assert has_it(header, '"a"') is answer


@pytest.mark.parametrize(
    ("html", "made"),
    [
        ("<html><head><title>", '<html><head><base target="_blank"><title>'),
        ('<HEAD profile="x">', '<HEAD profile="x"><base target="_blank">'),
        ("<header>", '<base target="_blank"><header>'),
        ("", '<base target="_blank">'),
        ("<head " * 20_000, '<base target="_blank">' + "<head " * 20_000),
    ],
)
def test_a_mail_s_links_open_new_windows(html: str, made: str) -> None:
    """The base stands in the head, or first where there is none; hostile mails cost no time."""
    assert links_in_new_windows(html) == made
