"""The test site itself does what a WordPress does: the list that a real one is compared with."""

from __future__ import annotations

import datetime as dt

from tests.servers.wordpress_behaviours import Cast, as_text, differences, facts
from tests.servers.wordpress_posts import CHOIRS
from tests.servers.wordpress_site import WordPressSite

NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
EXPECTED = {
    "a list says its pages": True,
    "a page past the last": (400, "rest_post_invalid_page_number"),
    "more than 100 a page": (400, "rest_invalid_param"),
    "changed after next year": [],
    "published after next year": [],
    "the fields of a light record": ["content", "id", "link", "status"],
    "content of a light record": {"protected": False},
    "an unknown route": 404,
    "dates without a zone": True,
    "a guid is the number": True,
    "status of a listed post": "publish",
    "taxonomies that are embedded": ["category", "post_tag"],
    "an author is embedded by name": True,
    "posts by their slugs": True,
    "a protected record": ("", True),
    "the title of a protected record": True,
    "a draft asked for": (401, "rest_forbidden"),
    "a number of nothing": (404, "rest_post_invalid_id"),
    "a draft in a list": [],
    "a protected post in the feed": True,
    "the excerpt of a protected post there": True,
    "the page of a protected post": (200, True),
    "the interface is named on the page": True,
    "a feed unchanged": 304,
    "a feed after a post went into the bin": 304,
    "the record of a post in the bin": (401, "rest_forbidden"),
    "a post in the bin in a list": [],
    "the page of a post in the bin": 404,
}


def test_the_test_site_behaves_as_wordpress_is_known_to() -> None:
    """As its source and its documentation say; the same list can be asked of a real one."""
    with WordPressSite(NOW - dt.timedelta(days=3)) as site:
        protected = site.publish("For members", slug="for-members", password="lavash")
        draft = site.publish("A draft", status="draft")
        trashed = site.publish("In the bin", slug="in-the-bin")
        site.now = NOW
        published = site.publish("The choir", slug="the-choir", tags=[CHOIRS])
        cast = Cast(
            published=published.number,
            published_slug="the-choir",
            protected=protected.number,
            protected_slug="for-members",
            draft=draft.number,
            trashed=trashed.number,
            trashed_slug="in-the-bin",
            trash=lambda: site.trash(trashed),
        )
        found = facts(site.root, cast)
    assert found == EXPECTED
    assert differences(found, EXPECTED) == {}
    assert as_text(found).count("\n") == len(found) - 1


def test_a_difference_is_named() -> None:
    """With what each of the two sites does, a behaviour that one lacks included."""
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == {"b": (2, 3), "c": (None, 4)}
