"""What is asked of the database to choose an edition's stories, on both databases."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.editions.coming import Fate, coming, explanation_of, fate_sentence
from digest.editions.material import considered
from digest.editions.rules_form import set_rules
from digest.errors import StateError
from digest.i18n import LANGUAGES, translator
from digest.models import (
    Cadence,
    Digest,
    Edition,
    EditionState,
    Fallback,
    Post,
    Reason,
    SentItem,
    Withdrawal,
)
from tests.integration.newsroom import ACTOR, Newsroom, make_newsroom


@pytest.fixture
def room(database: Database) -> Newsroom:
    return make_newsroom(database)


def count_statements(room: Newsroom, edition_id: int) -> int:
    seen: list[str] = []
    with room.database.read() as session:
        engine = session.get_bind()
        listener = lambda *given: seen.append(given[2])  # noqa: E731
        sa.event.listen(engine, "before_cursor_execute", listener)
        try:
            considered(session, edition_id, now=room.now)
        finally:
            sa.event.remove(engine, "before_cursor_execute", listener)
    return len(seen)


def test_it_names_those_that_cannot_get_in_as_well(room: Newsroom) -> None:
    """Sent, withdrawn, known before, under embargo; what another digest's source has is not its business."""
    earlier = room.edition(hours=0.1)
    sent = room.publish("Sent before")
    assert room.freeze(earlier) is None
    assert room.send(earlier) is EditionState.SENDING
    room.publish("Taken back", withdrawn=Withdrawal.GONE)
    room.publish("Known before", is_news=False)
    room.publish("Later", embargo_until=room.now + dt.timedelta(days=2))
    room.publish("Essay", categories=["Commentary"])
    room.publish("News")
    with room.database.write() as session:
        other = Post(
            url="https://other.example/",
            title="Elsewhere",
            published_at=room.now,
            content_fingerprint="0" * 64,
            first_seen_at=room.now,
            changed_at=room.now,
        )
        session.add(other)
    edition_id = room.edition()
    assert room.why(edition_id) == {
        "Essay": "featured",
        "News": "listed",
        "Later": "embargoed",
        "Known before": "known_before",
        "Taken back": "withdrawn",
        "Sent before": "sent",
    }
    row = next(one for one in room.considered(edition_id).explanation if one["post"] == sent)
    assert dt.datetime.fromisoformat(row["facts"]["at"]) == room.now


def test_the_statements_are_as_many_for_one_story_as_for_fifty(room: Newsroom) -> None:
    """And no more for editors' words."""
    edition_id = room.edition()
    room.publish("The first")
    few = count_statements(room, edition_id)
    for number in range(50):
        room.publish(f"Story {number}", hours=number)
    assert count_statements(room, edition_id) == few <= 10


def test_a_cadence_has_rules_of_its_own(room: Newsroom) -> None:
    """Laid over the digest's."""
    room.publish("Sports report", categories=["Sports"])
    room.publish("News report", categories=["News"])
    edition_id = room.edition()
    with room.database.write() as session:
        digest, cadence = session.get_one(Digest, room.digest_id), session.get_one(Cadence, room.cadence_id)
        rules = {"recent": {"exclude": {"categories": ["Sports"]}}}
        set_rules(session, digest, rules, actor=ACTOR, now=room.now)
        assert cadence.rules == {}
    assert room.titles(edition_id) == ["News report"]
    with room.database.write() as session:
        cadence = session.get_one(Cadence, room.cadence_id)
        rules = {"recent": {"exclude": {"categories": ["News"]}, "most": 5}}
        set_rules(session, cadence, rules, actor=ACTOR, now=room.now)
    assert room.titles(edition_id) == ["Sports report"]


def test_a_story_has_until_the_lock_to_settle(room: Newsroom) -> None:
    """What is fresh now is old enough when the lead begins, or it is not."""
    room.publish("Just out", hours=0)
    room.change(Digest, rules={"settle_seconds": 600})
    assert room.why(room.edition(hours=1)) == {"Just out": "listed"}
    assert room.why(room.edition(hours=0.3)) == {"Just out": "too_fresh"}


def test_a_source_is_called_by_its_name(room: Newsroom) -> None:
    """Not by its number."""
    room.publish("Report")
    room.change(Digest, rules={"recent": {"exclude": {"sources": [room.source_id]}}})
    row = room.considered(room.edition()).explanation[0]
    assert (row["why"], row["facts"]) == ("excluded_source", {"name": "The Courier"})


def test_what_is_worth_reading_again_goes_out_as_a_rerun(room: Newsroom) -> None:
    """Thin news is filled with an old story, which is written down as its second time."""
    old = room.publish("An old favourite", hours=24 * 60)
    room.change(Digest, recent_days=90)
    first = room.edition(hours=0.1)
    room.freeze(first)
    room.send(first)
    room.change(Edition, send_at=room.now - dt.timedelta(days=50))
    room.publish("New")
    room.change(Digest, recent_days=7, recent_least=2, rules={"thin": {"then": "rerun"}})
    second = room.edition()
    assert room.titles(second) == ["New", "An old favourite"]
    assert room.freeze(second) is None
    assert room.send(second) is EditionState.SENDING
    with room.database.read() as session:
        rows = session.execute(
            sa.select(SentItem.edition_id, SentItem.rerun)
            .where(SentItem.post_id == old)
            .order_by(SentItem.rerun)
        )
        assert [tuple(row) for row in rows] == [(first, 0), (second, 1)]


def test_an_edition_keeps_why_it_has_its_stories(room: Newsroom) -> None:
    """Once its content is fixed: whatever comes in later, it is told as it was."""
    room.publish("News")
    room.publish("Old", hours=24 * 9)
    edition_id = room.edition()
    with room.database.read() as session:
        assert explanation_of(session, edition_id, now=room.now)[0] is True
    room.freeze(edition_id)
    room.publish("Too late")
    with room.database.read() as session:
        is_live, rows = explanation_of(session, edition_id, now=room.now)
    assert not is_live
    assert [(row["title"], row["why"]) for row in rows] == [("News", "listed"), ("Old", "too_old")]


def test_an_edition_that_comes_to_nothing_says_why(room: Newsroom) -> None:
    """Its outcome has the reasons with it, for whoever writes the state."""
    room.publish("Old", hours=24 * 9)
    found = room.freeze(room.edition())
    assert found is not None
    assert (found.state, found.reason) == (EditionState.SKIPPED, Reason.NOTHING_NEW)
    assert [row["why"] for row in found.explanation] == ["too_old"]


# --- how it stands, and what will be of it


def test_a_coming_edition_is_shown_whole(room: Newsroom) -> None:
    """Stories with reasons, subject and preheader, people, how long it still takes."""
    room.publish("On patience", categories=["Commentary"])
    room.publish("The mill bridge opens")
    edition_id = room.edition()
    with room.database.read() as session:
        found = coming(session, edition_id, templates=None, now=room.now)
    assert found.subject == "On patience"
    assert found.preheader.startswith("SPRINGDALE -- Of On patience.")
    assert (found.people, found.stories, found.changes) == (1, 2, 0)
    assert (found.locks_in, found.goes_out_in) == (3000, 3600)
    told = fate_sentence(found, translator("en"))
    assert told == "If nobody touches it, it goes out with 2 stories to 1 people."


@pytest.mark.parametrize(
    ("digest", "cadence", "fate"),
    [
        ({}, {}, Fate.GOES_OUT),
        ({}, {"wants_approval": True}, Fate.APPROVAL_THEN_SKIPPED),
        ({}, {"wants_approval": True, "hold_outcome": Fallback.SEND}, Fate.APPROVAL_THEN_SENT),
        ({"recent_least": 9}, {}, Fate.SKIPPED),
        ({"rules": {"featured": {"fallback": "hold"}}}, {}, Fate.HELD),
    ],
)
def test_it_says_what_will_be_of_it(
    room: Newsroom, digest: dict[str, object], cadence: dict[str, object], fate: Fate
) -> None:
    """In a sentence of each language, without a place left open."""
    room.publish("The mill bridge opens")
    edition_id = room.edition()
    room.change(Digest, **(digest or {"intro": ""}))
    room.change(Cadence, **(cadence or {"wants_approval": False}))
    with room.database.read() as session:
        found = coming(session, edition_id, templates=None, now=room.now)
    assert found.fate is fate
    for language in LANGUAGES:
        assert "%" not in fate_sentence(found, translator(language))


def test_a_held_one_says_until_when_and_one_for_nobody_is_skipped(room: Newsroom) -> None:
    """By its deadline; an edition that is on its way is looked at otherwise."""
    room.publish("The mill bridge opens")
    edition_id = room.edition()
    room.change(Edition, state=EditionState.HELD, reason=Reason.NO_FEATURED, deadline_at=room.now)
    with room.database.read() as session:
        found = coming(session, edition_id, templates=None, now=room.now)
    assert (found.fate, found.fate_until) == (Fate.DEADLINE_THEN_SKIPPED, room.now)
    room.change(Cadence, hold_outcome=Fallback.SEND)
    with room.database.read() as session:
        assert coming(session, edition_id, templates=None, now=room.now).fate is Fate.DEADLINE_THEN_SENT
    room.change(Edition, state=EditionState.SENT)
    with room.database.read() as session, pytest.raises(StateError, match="digest edition show"):
        coming(session, edition_id, templates=None, now=room.now)
