"""The test site does what a WordPress does; `make proof ARGS=news` asks a real one the same."""

from __future__ import annotations

import datetime as dt

from tests.servers.wordpress_answers import QUESTIONS, fill
from tests.servers.wordpress_desks import ImitatedDesk
from tests.servers.wordpress_site import WordPressSite

# As Debian's WordPress 6.1 answers.
ANSWERS: dict[str, object] = {
    "a conditional request for the feed": [304, 200],
    "the feed leads to the REST interface": True,
    "which kinds of post the feed has": [True, True, False, False, False],
    "which kinds of post the REST interface has": [True, True, False, False, False],
    "a post behind a password": ["The locked room", True, "", "publish"],
    "such a post in the feed and on its page": [True, True, True, True],
    "the page of a post names its record": [True, True, True],
    "dates of the REST interface": [True, True, "4:00:00"],
    "fields that are read": [
        {
            "id": "int",
            "date_gmt": "str",
            "modified_gmt": "str",
            "guid": "dict",
            "slug": "str",
            "status": "str",
            "link": "str",
            "title": "dict",
            "content": "dict",
            "excerpt": "dict",
            "author": "int",
            "featured_media": "int",
            "sticky": "bool",
            "categories": "list",
            "tags": "list",
            "_embedded": "dict",
        },
        ["category", "post_tag"],
    ],
    "a light list": [[["content", "id", "link", "status"]], {"protected": False}, 2],
    "changed after next year": [],
    "an unknown route": (404, "rest_no_route"),
    "pages of a list": [True, "1", 2, True],
    "101 posts a page": (400, "rest_invalid_param"),
    "a page past the last": (400, "rest_post_invalid_page_number"),
    "a post that never was": (404, "rest_post_invalid_id"),
    "a draft by its number": (401, "rest_forbidden"),
    "the form without rewriting": 2,
    "a trashed post and the feed's ETag": [304, False, False],
    "a trashed post by its number and its address": [401, "rest_forbidden", 404],
    "a post that was given another address": [301, "/old-bridge/"],
    "an edited post": [True, True],
}


def test_the_test_site_answers_as_wordpress_does() -> None:
    """What ours rests on, question by question."""
    with WordPressSite(dt.datetime.now(dt.UTC).replace(microsecond=0)) as site:
        desk = ImitatedDesk(site)
        fill(desk)
        assert {name: question(desk) for name, question in QUESTIONS.items()} == ANSWERS
