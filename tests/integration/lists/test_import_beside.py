"""Two at one import: both worked on it, or a button was pressed twice. What one has ended stays ended."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.errors import StateError
from digest.lists import assets
from digest.lists.import_kept import FILE_KIND
from digest.lists.import_order import ImportOrder, check_basis, fingerprint
from digest.lists.import_run import TakenError, begin_row, import_by_id, import_subscribers, resume
from digest.lists.import_turns import ask_undo, go_on
from digest.lists.import_undo import undo
from digest.models import Import, ImportState, Subscription, SubscriptionStatus
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

LATER = NOW + dt.timedelta(hours=1)
PEOPLE = b"email\nani@example.org\nnare@example.org\n"


@pytest.fixture
def order(database: Database) -> ImportOrder:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        list_id = make_list(session, digest).id
    return ImportOrder(list_id, "moved", "cli:test", ADDRESS_KEY, file_name="people.csv")


def state_of(database: Database, number: int) -> ImportState:
    with database.read() as session:
        return import_by_id(session, number).state


class Overtaken(io.BytesIO):
    """A file during whose first reading somebody else brings its import to the end."""

    def __init__(self, database: Database, number: int) -> None:
        super().__init__(PEOPLE)
        self.database, self.numbers = database, [number]

    def read(self, size: int | None = -1, /) -> bytes:
        if self.numbers:
            resume(self.database, self.numbers.pop(), address_key=ADDRESS_KEY, now=NOW)
        return super().read(size)


def test_who_comes_late_to_an_import_leaves_it_done(database: Database, order: ImportOrder) -> None:
    """A worker that has read its row before another one ended it does not have it run again."""
    with database.write() as session:
        about: dict[str, Any] = {"kind": FILE_KIND, "name": "people.csv", "media_type": "text/csv"}
        assets.store(session, io.BytesIO(PEOPLE), **about, now=NOW)
        basis, print_ = check_basis(session, order), fingerprint(io.BytesIO(PEOPLE))
        number = begin_row(session, order, basis, print_, now=NOW).id
    with pytest.raises(TakenError):
        resume(database, number, address_key=ADDRESS_KEY, now=LATER, stream=Overtaken(database, number))
    assert state_of(database, number) is ImportState.DONE


def test_an_import_that_two_take_back_is_told_of_by_one(database: Database, order: ImportOrder) -> None:
    """The one who comes second says so, and does not report once more that nothing was left to do."""
    number = import_subscribers(database, io.BytesIO(PEOPLE), order, now=NOW).import_id
    assert number is not None

    def beside(_: int) -> None:
        undo(database, number, actor="cli:other", now=LATER)

    with pytest.raises(StateError, match="undone before"):
        undo(database, number, actor="cli:test", now=LATER, progress=beside)
    assert state_of(database, number) is ImportState.UNDONE
    with database.read() as session:
        ended = sa.select(sa.func.count()).where(Subscription.status == SubscriptionStatus.ENDED)
        assert session.scalar(ended) == 2


@pytest.mark.parametrize("ended", [ImportState.DONE, ImportState.UNDONE])
def test_a_press_on_what_has_ended_meanwhile_changes_nothing(
    database: Database, order: ImportOrder, ended: ImportState
) -> None:
    """The row is read anew before it is judged, whatever the page knew of it."""
    number = import_subscribers(database, io.BytesIO(PEOPLE), order, now=NOW).import_id
    assert number is not None
    with database.write() as session:
        import_by_id(session, number).state = ImportState.FAILED
    with database.read() as session:
        as_seen = import_by_id(session, number)
    with database.write() as session:
        session.execute(sa.update(Import).values(state=ended))
    act = go_on if ended is ImportState.DONE else lambda *a, **k: ask_undo(*a, **k, actor="cli:test")
    with database.write() as session:
        session.add(as_seen)
        with pytest.raises(StateError):
            act(session, as_seen, now=LATER)
    assert state_of(database, number) is ended
