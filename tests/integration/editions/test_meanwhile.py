"""Two editors at once: whoever comes second is told, and nobody's change is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from digest.db import Database
from digest.editions.meanwhile import ChangedMeanwhileError, Target, check_seen, version_of
from digest.editions.shape import drop, list_changes, pin, set_words, undo
from digest.errors import InputError
from digest.models import ChangeKind, Edition
from tests.factories.moments import NOW
from tests.integration.newsroom import Newsroom, make_newsroom

INTRO = Target(ChangeKind.INTRO)
Act = Callable[[Session, Edition], object]


@pytest.fixture
def room(database: Database) -> Newsroom:
    return make_newsroom(database)


def seen(room: Newsroom, edition_id: int) -> str:
    with room.database.read() as session:
        return version_of(session, session.get_one(Edition, edition_id))


def change(
    room: Newsroom, edition_id: int, act: Act, *, after: str | None, about: Target | None = None
) -> None:
    """As the desk does: ask, then change, in one transaction."""
    with room.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        check_seen(session, edition, after, about)
        act(session, edition)


def intro(words: str, actor: str = "nare") -> Act:
    return lambda session, edition: set_words(session, edition, ChangeKind.INTRO, words, actor=actor, now=NOW)


def test_the_second_of_two_is_told_what_the_first_has_done(room: Newsroom) -> None:
    """The same thing is refused, with theirs, and has left no trace. Looked at anew, it counts."""
    edition_id = room.edition()
    both = seen(room, edition_id)
    change(room, edition_id, intro("Good morning."), after=both, about=INTRO)
    with pytest.raises(ChangedMeanwhileError, match=r"nare made change \d+ \(intro\) meanwhile") as error:
        change(room, edition_id, intro("Good evening.", "ara"), after=both, about=INTRO)
    (theirs,) = error.value.theirs
    assert (theirs.by, theirs.details["text"], theirs.is_undone) == ("nare", "Good morning.", False)
    with room.database.read() as session:
        assert len(list_changes(session, session.get_one(Edition, edition_id))) == 1
    change(room, edition_id, intro("Good evening.", "ara"), after=seen(room, edition_id), about=INTRO)


def test_what_others_do_elsewhere_does_not_matter(room: Newsroom) -> None:
    """Unless the whole edition is meant; where one story stands is one thing, by pin or by drop."""
    first, second, edition_id = room.publish("On Patience"), room.publish("The Bridge"), room.edition()
    both = seen(room, edition_id)

    def pinned(post_id: int) -> Act:
        return lambda session, edition: pin(session, edition, post_id, actor="nare", now=NOW)

    change(room, edition_id, pinned(first), after=both, about=Target(ChangeKind.PIN, first))
    change(room, edition_id, pinned(second), after=both, about=Target(ChangeKind.PIN, second))
    dropped: Act = lambda session, edition: drop(session, edition, first, actor="ara", now=NOW)  # noqa: E731
    with pytest.raises(ChangedMeanwhileError) as error:
        change(room, edition_id, dropped, after=both, about=Target(ChangeKind.DROP, first))
    assert [one.post_id for one in error.value.theirs] == [first]
    with pytest.raises(ChangedMeanwhileError):
        change(room, edition_id, intro("Good morning."), after=both)


def test_what_was_taken_back_or_locked_meanwhile_is_told_too(room: Newsroom) -> None:
    """An undo is a change; a lock makes the whole another. A command looks at nothing, and is not asked."""
    room.publish("On Patience")
    edition_id = room.edition()
    change(room, edition_id, intro("Good morning."), after=None)
    both = seen(room, edition_id)
    with room.database.read() as session:
        (made,) = list_changes(session, session.get_one(Edition, edition_id))
    undone: Act = lambda session, edition: undo(session, edition, made.id, actor="ara", now=NOW)  # noqa: E731
    change(room, edition_id, undone, after=both, about=INTRO)
    with pytest.raises(ChangedMeanwhileError, match="ara took back change") as error:
        change(room, edition_id, intro("Good evening."), after=both, about=INTRO)
    assert error.value.theirs[0].is_undone
    both = seen(room, edition_id)
    assert room.freeze(edition_id) is None
    with pytest.raises(ChangedMeanwhileError, match="locked anew meanwhile"):
        change(room, edition_id, intro("Good evening."), after=both, about=INTRO)


@pytest.mark.parametrize("mark", ["", "1", "1.2", "a.b.c", "1.2.-3", "9" * 30 + ".0.0"])
def test_a_mark_that_is_none_is_refused(room: Newsroom, mark: str) -> None:
    """With a sentence, whatever a form brings."""
    with pytest.raises(InputError, match="open it once more"):
        change(room, room.edition(), intro("Good morning."), after=mark)
