"""What our reader makes of a WordPress; `make proof ARGS=news` has it read a real one, and compares."""

from __future__ import annotations

from digest import clock
from digest.db import Database
from digest.feeds.oddities import Odd, OddCode
from digest.net.http import Fetcher
from tests.collecting_wordpress import steps
from tests.servers.wordpress_desks import ImitatedDesk
from tests.servers.wordpress_site import WordPressSite

TEXT = "YEREVAN — The river rose in the night, and by the morning it stood at the market."
EXCERPT = "The river stood at the market."
BRACKETS = Odd(OddCode.MALFORMED).as_kept()  # an excerpt ends its own section


def row(path: str, *tags: str, excerpt: str = EXCERPT, text: str = TEXT) -> list[object]:
    """A post as it is stored, and offered."""
    return [path, "Lusine Abelian", ["News"], list(tags), excerpt, f"<p>{text}</p>", None]


# As Debian's WordPress 6.1 is read. A collection: the feed's status, new posts, changed ones, the fault.
EXPECTED: dict[str, object] = {
    "what is found at the front page": ["wordpress", "REST_OPEN", "/feed/", "/wp-json/", {}],
    "the first collection": [
        [200, 7, 0, None],
        {
            "A bridge": row("/bridge/"),
            "A choir": row("/choir/"),
            "A ferry": row("/ferry/"),
            "Brackets": row("/brackets/", excerpt="a ]]> b"),
            "Pinned": row("/pinned/"),
            "Rivers rise": row("/rivers/", "water", "weather"),
            "“Ours” & the town’s": row("/quotes/"),
        },
    ],
    "a story in the bin behind a 304": [[304, 0, 0, None], None],
    "the full check finds it": [[200, 0, 0, None], "gone"],
    "an edited story": [
        [200, 0, 1, None],
        row("/rivers/", "water", "weather", text=f"{TEXT} Then it fell."),
        False,
    ],
    "a story that is marked as not for the digest": [[200, 0, 0, None], "kept_out"],
    "and is for it again": [[200, 0, 0, None], None],
    "a story with another address": [[200, 0, 1, None], "/old-bridge/", 7],
    "stories just before the lock": [200, 9, 0, None],
    "the last look before the lock": [
        {
            "Draft again": "gone",
            "For the desk": "gone",
            "In the bin": "gone",
            "Deleted": "gone",
            "Locked": "protected",
            "kept-draft": "unpublished",
            "kept-bin": "unpublished",
            "kept-deleted": "gone",
        },
        {},
        ["Stays"],
    ],
    "what is offered then": {
        "A bridge": None,
        "A choir": None,
        "A ferry": "gone",
        "Brackets": None,
        "Deleted": "gone",
        "Draft again": "gone",
        "For the desk": "gone",
        "In the bin": "gone",
        "Locked": "protected",
        "Pinned": None,
        "Rivers fall": None,
        "Stays longer": None,
        "kept-bin": "unpublished",
        "kept-deleted": "gone",
        "kept-draft": "unpublished",
        "“Ours” & the town’s": None,
    },
    "a story while the interface is shut": [[200, 1, 0, None], None, True],
    "a story when it is open again": [[200, 1, 0, None], row("/by-both/"), [BRACKETS]],
}


def test_the_tests_wordpress_is_read_as_a_real_one_is(database: Database) -> None:
    """Step by step: found and added, collected, changed by its editors, looked at before the lock."""
    with WordPressSite(clock.utc_now().replace(microsecond=0)) as site, Fetcher([site.host]) as fetcher:
        for name, found in steps(ImitatedDesk(site), database, fetcher):
            assert found == EXPECTED[name], name
