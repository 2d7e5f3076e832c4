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


def test_a_story_without_an_address_cannot_be_shared() -> None:
    """There would be nothing to share."""
    assert share_links(story(1, url="")) == ()
