"""The addresses at which a WordPress site is asked."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qs, urlsplit

import pytest

from digest.feeds.wordpress_addresses import (
    Wanted,
    address_of_number,
    addresses_of_numbers,
    addresses_of_posts,
    feed_address,
    guessed_api,
    number_of_guid,
    number_or_slug,
    posts_address,
    wanted_part,
)

API = "https://courier.example/wp-json/"
PLAIN = "https://courier.example/index.php?rest_route=/"
MOMENT = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=4)))


def asked(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_both_forms_lead_to_the_posts() -> None:
    """With pretty addresses and without; what stood in the address stays."""
    assert urlsplit(posts_address(API, Wanted())).path == "/wp-json/wp/v2/posts"
    plain = posts_address(PLAIN, Wanted())
    assert (urlsplit(plain).path, asked(plain)["rest_route"]) == ("/index.php", "/wp/v2/posts")


def test_what_is_wanted_stands_in_the_address() -> None:
    """Categories, tags, language and moments in UTC."""
    wanted = Wanted(categories=(3, 4), tags=(7,), language="hy", language_parameter="wpml")
    found = asked(posts_address(API, wanted, after=MOMENT, page=2, a_page=10))
    assert found["after"] == "2026-11-23T06:00:00Z"
    assert (found["categories"], found["tags"], found["wpml"]) == ("3,4", "7", "hy")
    assert (found["page"], found["per_page"], found["orderby"], found["_embed"]) == ("2", "10", "date", "1")


def test_a_list_of_changes_and_a_light_list() -> None:
    """The one by date of change, the other without texts."""
    found = asked(posts_address(API, Wanted(), modified_after=MOMENT))
    assert (found["modified_after"], found["orderby"]) == ("2026-11-23T06:00:00Z", "modified")
    light = asked(posts_address(API, Wanted(), only_which=True))
    assert "_embed" not in light
    assert "content.protected" in light["_fields"].split(",")


def test_a_feed_is_limited_as_far_as_it_can_be() -> None:
    """Several categories, one tag; a parameter that stands there already is replaced."""
    wanted = Wanted(categories=(3, 4), tags=(7,), language="hy")
    found = asked(feed_address("https://courier.example/?feed=rss2&cat=9", wanted))
    assert found == {"feed": "rss2", "cat": "3,4", "tag_id": "7", "lang": "hy"}
    url = "https://courier.example/feed/"
    assert feed_address(url, Wanted()) == url
    assert feed_address(url, Wanted(tags=(7, 8))) == url
    assert not Wanted(tags=(7, 8)).fits_in_a_feed


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://courier.example/feed/", "https://courier.example/wp-json/"),
        ("https://courier.example/blog/feed/rss2", "https://courier.example/blog/wp-json/"),
        ("https://courier.example/?feed=rss2", "https://courier.example/wp-json/"),
    ],
)
def test_the_interface_is_guessed_from_the_feed(url: str, expected: str) -> None:
    """Where nobody has found it out."""
    assert guessed_api(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://courier.example/2026/11/the-year/", (None, "the-year")),
        ("https://courier.example/%D5%A3%D6%80/", (None, "գր")),
        ("https://courier.example/the-year.html", (None, "the-year")),
        ("https://courier.example/?p=12", (12, "")),
        ("https://courier.example/archives/12", (12, "")),
        ("https://courier.example/", (None, "")),
    ],
)
def test_an_address_says_number_or_slug(url: str, expected: tuple[int | None, str]) -> None:
    """By whatever form of address the site uses."""
    assert number_or_slug(url) == expected


@pytest.mark.parametrize(
    ("guid", "expected"),
    [
        ("https://courier.example/?p=12", 12),
        ("http://www.courier.example/?p=12", 12),
        ("https://other.example/?p=12", None),
        ("https://courier.example/?post_type=event&p=12", None),
        ("https://courier.example/the-year/", None),
        ("https://courier.example/?p=twelve", None),
        ("", None),
    ],
)
def test_a_guid_says_a_post_number_of_its_own_site_only(guid: str, expected: int | None) -> None:
    """Events and posts of other blogs have numbers too."""
    assert number_of_guid(guid, "https://courier.example/feed/") == expected


def test_few_addresses_ask_for_many_posts() -> None:
    """Each post once, no address too long for the client, numbers and slugs apart."""
    slugs = [f"https://courier.example/{'long-name-' * 15}{number}/" for number in range(30)]
    numbers = [f"https://courier.example/?p={number}" for number in range(1, 120)]
    found = list(addresses_of_posts(API, Wanted(language="hy"), slugs + numbers + slugs))
    assert all(len(address) <= 2000 for address in found)
    names = [name for address in found for name in asked(address).get("slug", "").split(",") if name]
    ids = [one for address in found for one in asked(address).get("include", "").split(",") if one]
    assert (len(names), len(set(names))) == (30, 30)
    assert (len(ids), len(set(ids))) == (119, 119)
    assert all(int(asked(address)["per_page"]) <= 100 for address in found)
    assert all(asked(address)["lang"] == "hy" for address in found)


def test_a_query_of_any_shape_is_read() -> None:
    """What is not as it should be is as if it were not there."""
    good = {"categories": [3, 3], "tags": [7], "lang": "hy", "lang_parameter": "l", "keep_out": "off"}
    assert wanted_part(good) == Wanted((3,), (7,), "hy", "l", "off")
    odd = {"categories": "3", "tags": [True, -1, "7"], "lang": "hy&x=1", "lang_parameter": 5, "keep_out": 1}
    assert wanted_part(odd) == Wanted()


@pytest.mark.parametrize("api", [API, PLAIN])
def test_one_record_has_an_address_of_its_own(api: str) -> None:
    """In both forms of the interface."""
    address = address_of_number(api, 12)
    route = asked(address).get("rest_route") or urlsplit(address).path
    assert route.endswith("/wp/v2/posts/12")
    assert asked(address)["_embed"] == "1"


def test_numbers_are_asked_for_together() -> None:
    """Each once, a hundred in one address at most."""
    one, two = addresses_of_numbers(API, Wanted(), [*range(1, 151), 1, 2])
    assert len(asked(one)["include"].split(",")) == 100
    assert len(asked(two)["include"].split(",")) == 50
