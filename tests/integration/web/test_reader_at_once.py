"""A person's links that are pressed at the same moment, and who must not wait for whom."""

from __future__ import annotations

import concurrent.futures

import pytest
import sqlalchemy as sa

from digest.lists.fresh_links import FreshKind
from digest.lists.goodbye import undo_path
from digest.models import Subscription
from tests.integration.web.reader_hands import Reader

pytestmark = pytest.mark.both_databases


def test_presses_at_the_same_moment_are_one(reader: Reader) -> None:
    """Of twelve that come at once, one acts: a fresh link gives one file, a leaving is taken back once."""

    def at_once(path: str, **fields: str) -> list[int]:
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            posts = [pool.submit(reader.client.post, path, data=fields) for _ in range(12)]
            return sorted(post.result().status_code for post in posts)

    assert at_once(reader.fresh(FreshKind.DATA)) == [200] + [410] * 11
    moved = reader.fresh(FreshKind.NEW_ADDRESS, address="new@other.test")
    assert at_once(moved) == [303] + [410] * 11
    assert at_once(reader.page, do="stop_all") == [303] * 12
    with reader.database.read() as session:
        back = undo_path(reader.signer, session.get_one(Subscription, reader.scene.subscription_id))
    assert at_once(back) == [303] * 12
    assert at_once(reader.page, do="ask", value="data") == [303] * 12
    assert reader.actions() == ["sign_up", "address", "end", "revive"]
    # Three requests a day, of which the one above, which was never mailed, is the first.
    kinds = ["moved", "goodbye", *["fresh_link"] * 2]
    assert [notice.kind for notice in reader.mails()] == kinds


_PRESSES = ("pause", "resume")


def test_different_links_of_one_person_at_once_wait_for_each_other(reader: Reader) -> None:
    """Pressed at the same moment, none fails: each is done, or finds that another was."""
    for number in range(6):
        moves = [
            reader.fresh(FreshKind.NEW_ADDRESS, address=f"new{number}-{each}@mail.test") for each in range(3)
        ]
        paths = [*moves, reader.fresh(FreshKind.DATA), reader.fresh(FreshKind.DATA)]
        with concurrent.futures.ThreadPoolExecutor(len(paths) + 2) as pool:
            posts = [pool.submit(reader.client.post, path) for path in paths]
            presses = [pool.submit(reader.client.post, reader.page, data={"do": do}) for do in _PRESSES]
            codes = [post.result().status_code for post in posts]
            assert {press.result().status_code for press in presses} == {303}
        assert sorted(codes[:3]) == [303, 410, 410]
        assert set(codes[3:]) <= {200, 410}  # after the move no link of before works


def test_the_file_of_ones_data_holds_up_nobody(reader: Reader) -> None:
    """It is made in a transaction that only reads: on SQLite one that writes keeps out all others."""
    scopes: dict[str, set[bool]] = {}

    def _note(connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        writes = bool(connection.get_execution_options().get("digest_write"))
        for table in ("consent_events", "notices", "deliveries", "fresh_links"):
            if table in statement:
                scopes.setdefault(table, set()).add(writes)

    path = reader.fresh(FreshKind.DATA)
    sa.event.listen(sa.Engine, "before_cursor_execute", _note)
    try:
        assert reader.client.post(path).status_code == 200
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", _note)
    assert scopes.pop("fresh_links") == {False, True}  # used up by a short one
    assert scopes == {"consent_events": {False}, "notices": {False}, "deliveries": {False}}
