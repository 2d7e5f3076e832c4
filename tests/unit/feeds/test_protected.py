"""Posts behind a password, known by WordPress's form."""

from __future__ import annotations

import pytest

from digest.feeds.parse import parse_feed
from digest.feeds.protected import asks_for_password, is_protected
from tests.servers.wordpress_posts import WordPressPost
from tests.unit.feeds.test_wordpress import MOMENT

FORM = WordPressPost(1, "t", "s", MOMENT, MOMENT, password="lavash").form


@pytest.mark.parametrize(
    "markup",
    [
        FORM,
        f"<!DOCTYPE html><body>{'words ' * 2000}{FORM}</body>",
        '<FORM action="/x" class="my post-password-form">',
        "<p><input type=password name=post_password></p>",
    ],
)
def test_the_form_is_seen(markup: str) -> None:
    """By its class or its field, in a feed and on a page."""
    assert asks_for_password(markup)


@pytest.mark.parametrize(
    "markup",
    [
        "",
        "<form class='search-form'><input name='s'></form>",
        "<p>The class is post-password-form and the field post_password.</p>",
        "<form><p>post_password</p></form>",
    ],
)
def test_other_forms_and_words_about_it_are_not(markup: str) -> None:
    """An article on WordPress is no protected post."""
    assert not asks_for_password(markup)


def test_markup_made_to_be_slow_is_read_at_once() -> None:
    """Thousands of tags that never end, with the mark in each: few of them are looked at."""
    assert asks_for_password("<form post_password" * 100_000)
    assert not asks_for_password("<p post_password " * 100_000)


@pytest.mark.parametrize(
    ("title", "text", "protected"),
    [
        ("Protected: A note", "", True),
        ("Protected: A note", "There is no excerpt because this is a protected post.", True),
        ("A note", "<p>There is no excerpt because this is a protected post.</p>", True),
        ("Protected: old trees of the park", "The town protects forty of them.", False),
        ("A note", "", False),
    ],
)
def test_a_summary_without_the_form_is_known_by_its_words(title: str, text: str, *, protected: bool) -> None:
    """A headline may begin with the word."""
    assert is_protected({"title": title, "summary_detail": {"value": text}}) is protected


def test_a_protected_post_leaves_the_others_of_its_feed() -> None:
    """It is neither collected nor counted as odd."""
    items = "".join(
        f"<item><title>Story {n}</title><link>https://courier.example/{n}/</link>"
        "<pubDate>Mon, 23 Nov 2026 06:00:00 GMT</pubDate>"
        f"<description><![CDATA[{text}]]></description></item>"
        for n, text in enumerate((FORM, "Words.", FORM))
    )
    body = f"<rss version='2.0'><channel><title>Courier</title>{items}</channel></rss>".encode()
    feed = parse_feed(body, url="https://courier.example/feed/", now=MOMENT)
    assert [post.title for post in feed.posts] == ["Story 1"]
    assert feed.oddities == ()
