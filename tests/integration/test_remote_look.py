"""A look at links and pictures where they lie: what is seen, and that it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from digest.editions.remote_look import look_at
from digest.net.http import Fetcher
from digest.preflight.looked import MOST_PICTURE_BYTES, Kind, Seen, Wanted
from tests.servers.news_site import NewsSite, Page
from tests.servers.waiting import HANG

# A GIF of one pixel.
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")


@pytest.fixture
def site() -> Iterator[NewsSite]:
    with NewsSite() as made:
        yield made


@pytest.fixture
def fetcher(site: NewsSite) -> Iterator[Fetcher]:
    with Fetcher([site.host]) as made:
        yield made


@pytest.mark.parametrize(
    ("kind", "page", "seen"),
    [
        (Kind.LINK, Page(b"x" * 200_000, content_type="text/html"), Seen.FINE),
        (Kind.LINK, Page(status=404), Seen.GONE),
        (Kind.LINK, Page(status=410), Seen.GONE),
        (Kind.LINK, Page(status=403), Seen.FINE),
        (Kind.LINK, Page(status=405), Seen.FINE),
        (Kind.LINK, Page(status=500), Seen.UNREACHABLE),
        (Kind.PICTURE, Page(GIF, content_type="image/gif"), Seen.FINE),
        (Kind.PICTURE, Page(GIF, content_type="application/octet-stream"), Seen.FINE),
        (Kind.PICTURE, Page(GIF + b"x" * MOST_PICTURE_BYTES, content_type="image/gif"), Seen.HEAVY),
        (Kind.PICTURE, Page(b"<svg/>", content_type="image/svg+xml"), Seen.NO_PICTURE),
        (Kind.PICTURE, Page(b"<html>", content_type="image/png"), Seen.NO_PICTURE),
        (Kind.PICTURE, Page(status=404), Seen.GONE),
        (Kind.PICTURE, Page(status=403), Seen.UNREACHABLE),
    ],
)
def test_what_is_seen_of_an_address(
    site: NewsSite, fetcher: Fetcher, kind: Kind, page: Page, seen: Seen
) -> None:
    """A door that is shut to robots says nothing of a page; of a picture only the file itself does."""
    wanted = Wanted(kind, site.put("/it", page), "A story")
    assert [(one.wanted, one.seen) for one in look_at([wanted, wanted], fetcher, seconds=HANG)] == [
        (wanted, seen)
    ]
    assert len(site.asked("/it")) == 1


def test_a_look_ends_in_time_whatever_sites_do(site: NewsSite, fetcher: Fetcher) -> None:
    """A site that says nothing is asked once; what there is no time for is not asked at all."""
    wanted = [Wanted(Kind.LINK, site.put(f"/{number}", Page(delay=60)), "") for number in range(3)]
    found = look_at(wanted, fetcher, seconds=0.3)
    assert {one.seen for one in found} <= {Seen.NOT_ASKED, Seen.UNREACHABLE}
    assert len(found) == 3
    assert len(site.requests) <= 1
    assert look_at([], fetcher) == ()
    many = [Wanted(Kind.LINK, site.url(f"/many/{number}"), "") for number in range(70)]
    assert sum(one.seen is Seen.NOT_ASKED for one in look_at(many, fetcher, seconds=HANG)) == 10
