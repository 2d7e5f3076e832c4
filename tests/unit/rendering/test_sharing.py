"""Share links."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from digest.rendering.sharing import share_links
from tests.unit.rendering.samples import story


def test_each_link_carries_the_storys_address() -> None:
    """Mail, Facebook, X, WhatsApp, Telegram: each link holds the whole address, query and all."""
    shared = story(1, title="Տոն & fair?", url="https://news.example.org/?p=1&q=2")
    found = {link.key: parse_qs(urlsplit(link.url).query) for link in share_links(shared)}
    assert list(found) == ["mail", "facebook", "x", "whatsapp", "telegram"]
    assert all(["https://news.example.org/?p=1&q=2"] in values.values() for values in found.values())
    assert found["mail"]["subject"] == ["Տոն & fair?"]


def test_the_paper_chooses_where_its_stories_are_shared() -> None:
    """In the order of the house; Viber, which has no address on the web, only where it is chosen."""
    found = share_links(story(1), ("telegram", "viber", "mail"))
    assert [link.key for link in found] == ["mail", "viber", "telegram"]
    assert found[1].url == "viber://forward?text=https%3A%2F%2Fnews.example.org%2F2026%2F11%2F1%2F"
    assert share_links(story(1), ()) == ()


def test_what_is_shared_is_the_storys_own_address() -> None:
    """Not the one that tells that somebody came by a mail."""
    tagged = story(1, url="https://news.example.org/?utm_source=x", share_url="https://news.example.org/")
    assert all("utm_source" not in link.url for link in share_links(tagged))


def test_a_story_without_an_address_cannot_be_shared() -> None:
    """There would be nothing to share."""
    assert share_links(story(1, url="")) == ()
