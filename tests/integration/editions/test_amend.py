"""After an edition went out: notes beside its stories, stories taken down, and all of it taken back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.switch import go_on_with
from digest.editions.amend import add_note, take_down, undo_amendment
from digest.editions.page_again import Paper, list_amendments
from digest.editions.revisions import revision_of
from digest.editions.told import is_told_by
from digest.errors import InputError, NotFoundError, StateError
from digest.models import AuditEntry, Edition, EditionState, Revision
from tests.integration.planned import PUBLIC_URL, make_desk
from tests.integration.printed import TITLES, Printed, print_edition

S = EditionState
NOTE = "The bridge opens on <Monday> & not on Sunday."
SAFE_NOTE = "The bridge opens on &lt;Monday&gt; &amp; not on Sunday."
GONE = "This story was taken down."
PAPER = Paper(PUBLIC_URL)
# What no database answers otherwise than the other is asked of one.
ONE = pytest.mark.parametrize("kept", ["sqlite"], indirect=True)


@pytest.fixture
def printed(database: Database, tmp_path: Path) -> Printed:
    """An edition of three stories that went out."""
    made = print_edition(make_desk(database, tmp_path), clock.utc_now())
    made.set_state(S.SENT)
    return made


def note(printed: Printed, story: int, text: str = NOTE) -> int:
    with printed.desk.database.write() as session:
        edition = session.get_one(Edition, printed.edition_id)
        return add_note(session, edition, story, text, PAPER, actor="cli:ani", now=clock.utc_now()).id


def down(printed: Printed, story: int) -> int:
    with printed.desk.database.write() as session:
        edition = session.get_one(Edition, printed.edition_id)
        return take_down(session, edition, story, PAPER, actor="cli:ani", now=clock.utc_now()).id


def undo(printed: Printed, number: int) -> None:
    with printed.desk.database.write() as session:
        edition = session.get_one(Edition, printed.edition_id)
        undo_amendment(session, edition, number, PAPER, actor="cli:ara", now=clock.utc_now())


def page(printed: Printed) -> str | None:
    """The page as it was put right; None: its version's own."""
    with printed.desk.database.read() as session:
        query = sa.select(Edition.web_html).where(Edition.id == printed.edition_id)
        return session.scalars(query).one()


def own_page(printed: Printed) -> str:
    """That of the current version."""
    with printed.desk.database.read() as session:
        query = sa.select(Revision.web_html).join(Edition, Edition.revision_id == Revision.id)
        return session.scalars(query.where(Edition.id == printed.edition_id)).one()


def test_a_note_stands_beside_its_story_and_nothing_else_changes(printed: Printed) -> None:
    """Take the note out of the page, and it is the version's own to the byte; undone, it is that again."""
    before = own_page(printed)
    made = note(printed, 2)
    after = page(printed)
    assert after is not None
    line = f'<p class="correction">Correction: {SAFE_NOTE}</p>\n'
    assert after.count(line) == 1
    assert after.replace(line, "") == before
    assert after.index(TITLES[1]) < after.index(line) < after.index(TITLES[2])
    assert own_page(printed) == before
    undo(printed, made)
    assert page(printed) is None
    with printed.desk.database.read() as session:
        actions = session.execute(sa.select(AuditEntry.action, AuditEntry.actor).order_by(AuditEntry.id))
        assert [tuple(row) for row in actions][-2:] == [
            ("edition.amend", "cli:ani"),
            ("edition.undo_amendment", "cli:ara"),
        ]


@ONE
def test_of_a_story_that_was_taken_down_nothing_stays(printed: Printed) -> None:
    """Not its words, link or picture, nor the subject and description that tell of it; a sentence does."""
    note(printed, 1, "We were asked to.")
    made = down(printed, 1)
    after = page(printed) or ""
    assert TITLES[0] not in after
    assert TITLES[0].lower() not in after.lower()
    assert "The Courier, " in after[after.index("<title>") : after.index("</title>")]
    assert after.count(GONE) == 1
    assert "Correction: We were asked to." in after
    assert TITLES[1] in after
    down(printed, 2)
    assert (page(printed) or "").count(GONE) == 2
    undo(printed, made)
    assert TITLES[0] in (page(printed) or "")
    assert TITLES[1] not in (page(printed) or "")
    with pytest.raises(StateError, match=r"already\. By cli:ara"):
        undo(printed, made)
    with pytest.raises(StateError, match="taken down already"):
        down(printed, 2)


@ONE
def test_what_cannot_be_put_right_is_refused(printed: Printed) -> None:
    """A story that is not there, an empty note, a foreign number, an edition without a public page."""
    for story in (0, 4):
        with pytest.raises(InputError, match="no story"):
            note(printed, story)
    with pytest.raises(InputError, match="what was wrong"):
        note(printed, 1, " \n")
    with pytest.raises(NotFoundError):
        undo(printed, 99)
    for state in (S.FROZEN, S.CANCELLED):
        printed.set_state(state)
        with pytest.raises(StateError, match="no page"):
            note(printed, 1)


def test_it_follows_its_story_into_the_next_version(printed: Printed) -> None:
    """A paused edition goes on with a version that has a story less: the note is where it belongs."""
    printed.set_state(S.PAUSED)
    down(printed, 3)
    note(printed, 2)
    printed.desk.add_people(1)
    now = clock.utc_now()
    number = printed.revise(dropped=frozenset({1}), note="A story less.")
    printed.approve(number, now=now)
    with pytest.raises(StateError, match="has notes on its page"):
        printed.go_on(number, now=now)
    go_on(printed, number, now=now)
    after = page(printed) or ""
    assert after.index(TITLES[1]) < after.index(SAFE_NOTE) < after.index(GONE)
    assert "Correction: A story less." in after
    assert TITLES[2] not in after
    # The story that the note is on is left out: there is nothing to say of it any more.
    printed.set_state(S.PAUSED)
    number = printed.revise(dropped=frozenset({1}))
    printed.approve(number, now=now)
    go_on(printed, number, now=now)
    with printed.desk.database.read() as session:
        found = list_amendments(session, printed.edition_id)
    assert [one.undone_at is None for one in found] == [True, False]
    assert SAFE_NOTE not in (page(printed) or "")


def go_on(printed: Printed, number: int, *, now: dt.datetime) -> None:
    with printed.desk.database.write() as session:
        edition = session.get_one(Edition, printed.edition_id)
        revision = revision_of(session, edition, number)
        go_on_with(session, edition, revision, paper=PAPER, actor="cli:ani", now=now)


def test_a_subject_that_tells_of_a_story_is_known() -> None:
    """It names the title, in any case, or the beginning of it."""
    title = "Mill Bridge Opens"
    for subject in ("Mill Bridge Opens", "Today: mill bridge opens, and more", "Mill Bridge …"):
        assert is_told_by(subject, title)
    assert not is_told_by("The Courier, Monday", title)
    assert not is_told_by("The Courier, Monday", "")
    assert not is_told_by("", title)
