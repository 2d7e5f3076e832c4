"""Which pages of the desk are measured: all of the route table, with nothing left unfilled."""

from __future__ import annotations

from bench.desk_fill import Filled
from bench.desk_pages import paths
from digest.web.desk.table import Entry, desk

# The kinds of things that `bench.desk_fill` makes.
_MADE = (
    *("digest", "cadence", "edition", "source", "list", "segment", "subscriber", "import", "transport"),
    "account",
)
_FILES = {"/trail.csv", "/imports/{import}/lines", "/lists/{list}/import/lines"}  # downloaded whole


def test_every_page_is_asked_of_things_that_are_there() -> None:
    """A page of a kind that the bench has none of is an error here, and not in a run of ten minutes."""
    found = paths(Filled(account=1, people=100, things={kind: {"": 7} for kind in (*_MADE, "draft")}))
    assert found["/subscribers?q=reader77"] == "/desk/subscribers?q=reader77"
    assert found["/editions/{edition}"] == "/desk/editions/7"
    assert not [path for path in found.values() if "{" in path]
    pages = {entry.path or "/" for entry in desk.entries if _is_page(entry)}
    assert pages - {name.partition("?")[0] for name in found} == {"/account/codes", *_FILES}


def _is_page(entry: Entry) -> bool:
    return not entry.changes and not entry.is_stream and entry.may.least is not None
