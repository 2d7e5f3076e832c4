"""How many statements a page of the desk takes: made from the route table, so that a new page is held too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.db import Database
from digest.models import AccountRole
from digest.web.desk.table import ROOT, Entry, desk
from digest.web.desk.wiring import load_pages
from tests.factories import make_account
from tests.integration.web.desk.grown import Grown, begin
from tests.integration.web.desk.hands import Hands, signed_in

load_pages()
FEW, MANY = 3, 14
# Some readers are shown, taken at random: each by one statement, or by two.
SAMPLED = 6
assert SAMPLED < MANY - FEW
# Steps that lead on, or back, for whoever does not stand at them.
_LEADS_ON = {
    "/account/codes",
    "/imports/{import}/lines",
    *(f"/lists/{{list}}/import/{step}" for step in ("columns", "trial", "lines")),
}
# Parts of an address that name no row of the database.
_NAMES = {"tag": "hy"}
# Pages that are asked something by which they show more.
_ASKED = {"/subscribers": "?q=reader", "/calendar": "?view=month"}


def test_no_page_takes_more_statements_for_more_rows(client: TestClient, database: Database) -> None:
    """Three of everything or fourteen: no page asks more of the database for them, or once for each.

    It may ask less: what it remembers, and the samples that are found at the first try where many are.
    """
    with database.write() as session:
        me = make_account(session, role=AccountRole.ADMIN)
        grown = begin(session, me)
    hands = signed_in(client, database, me)
    counts: list[dict[str, int]] = []
    for count in (FEW, MANY):
        with database.write() as session:
            grown.grow(session, count)
        counts.append({})
        for entry, paths in _pages(grown):
            found = {path: _counted(hands, database, path) for path in paths}
            # Of an edition in another state than it is for, a page says so; of one at least it must be shown.
            assert entry.path in _LEADS_ON or 200 in {status for status, _ in found.values()}, entry.path
            counts[-1] |= {path: count for path, (_, count) in found.items()}
    few, many = counts
    assert {path: (few[path], many[path]) for path in few if few[path] + SAMPLED < many[path]} == {}
    assert len(few) > 30


def _pages(grown: Grown) -> Iterator[tuple[Entry, list[str]]]:
    """Each page that needs somebody who is signed in, of every thing that it may be of."""
    for entry in desk.entries:
        if not entry.changes and not entry.is_stream and entry.may.least is not None:
            asked = _ASKED.get(entry.path, "")
            things = _things(entry, grown)
            yield entry, [_path(entry, thing) + asked for thing in things]


def _path(entry: Entry, thing: int) -> str:
    return ROOT + re.sub(r"{(\w+)}", lambda part: _NAMES.get(part[1], str(thing)), entry.path)


def _things(entry: Entry, grown: Grown) -> list[int]:
    """A page of a kind of thing that `grown` has none of fails here: have it grow some."""
    return [0] if entry.may.of is None else grown.things()[entry.may.of]


def _counted(hands: Hands, database: Database, path: str) -> tuple[int, int]:
    """How a path is answered, and by how many statements."""
    with statements(database) as seen:
        answer = hands.get(path)
    # 422: a step of an import, without the file that it is about.
    assert answer.status_code in (200, 303, 409, 422), (path, answer.status_code)
    return answer.status_code, len(seen)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    seen: list[str] = []
    with database.read() as session:
        engine = session.get_bind().engine

    def note(*given: object) -> None:
        seen.append(str(given[2]))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
