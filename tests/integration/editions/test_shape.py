"""Editors' changes: laid over the choice however often it is made anew, and gone when they are taken back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries.control import cancel
from digest.deliveries.handover import settle_cancelled
from digest.editions import shape
from digest.editions.own_items import add_own_item, list_own_items, withdraw_own_item
from digest.editions.revise import Correction, revise
from digest.errors import InputError, NotFoundError, StateError
from digest.models import (
    AuditEntry,
    ChangeKind,
    Digest,
    Edition,
    EditionChange,
    EditionState,
    Item,
    OwnItem,
    OwnItemKind,
    OwnItemUse,
    Revision,
    SentItem,
)
from tests.factories import make_cadence
from tests.integration.newsroom import ACTOR, Newsroom, make_newsroom
from tests.integration.planned import PUBLIC_URL


@pytest.fixture
def room(database: Database) -> Newsroom:
    return make_newsroom(database)


def act(room: Newsroom, step: Any, edition_id: int, *given: Any, **more: Any) -> int:
    """Take a step of `shape`; the id of the change."""
    with room.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        change: EditionChange = step(session, edition, *given, actor=ACTOR, now=room.now, **more)
        return change.id


def add_item(room: Newsroom, title: str = "Sona Petrosyan, 1931-2026", **more: Any) -> int:
    today = room.now.date()
    values = {"kind": OwnItemKind.OBITUARY, "from_on": today - dt.timedelta(days=1)} | more
    values.setdefault("until_on", today + dt.timedelta(days=2))
    with room.database.write() as session:
        digest = session.get_one(Digest, room.digest_id)
        return add_own_item(session, digest, title=title, actor=ACTOR, now=room.now, **values).id


def test_changes_survive_what_comes_in_later(room: Newsroom) -> None:
    """A pin, a drop and an include stay as they are while the news around them changes."""
    first, second = room.publish("First", hours=3), room.publish("Second", hours=2)
    old = room.publish("Old", hours=24 * 20)
    edition_id = room.edition()
    act(room, shape.pin, edition_id, first, place=1)
    act(room, shape.drop, edition_id, second)
    act(room, shape.include, edition_id, old)
    assert room.titles(edition_id) == ["First", "Old"]
    room.publish("Third", hours=1)
    assert room.titles(edition_id) == ["First", "Third", "Old"]
    assert room.why(edition_id)["Second"] == "dropped"


def test_a_change_that_is_taken_back_lets_the_one_before_count(room: Newsroom) -> None:
    """Who did what and when stays on record."""
    one, other = room.publish("One", hours=1), room.publish("Other", hours=2)
    edition_id = room.edition()
    act(room, shape.pin, edition_id, other, place=0)
    later = act(room, shape.pin, edition_id, one, place=0)
    assert room.titles(edition_id)[0] == "One"
    act(room, shape.undo, edition_id, later)
    assert room.titles(edition_id)[0] == "Other"
    with room.database.read() as session:
        rows = shape.list_changes(session, session.get_one(Edition, edition_id))
        assert [(row.made_by, row.undone_by) for row in rows] == [(ACTOR, None), (ACTOR, ACTOR)]
        noted = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert noted[-3:] == ["edition.pin", "edition.pin", "edition.undo"]
    with pytest.raises(StateError, match=r"already\. It was change \d+, by cli:nare"):
        act(room, shape.undo, edition_id, later)
    with pytest.raises(NotFoundError, match="has no change 999"):
        act(room, shape.undo, edition_id, 999)


def test_words_and_rewrites_are_in_the_mail_and_the_web(room: Newsroom) -> None:
    """Title, excerpt, section and picture of a story, intro and sign-off (Markdown), subject, preheader."""
    lead = room.publish("On patience", categories=["Commentary"])
    post = room.publish("Bridge", picture={"url": "https://courier.example/a.jpg", "alt": "", "width": None})
    edition_id = room.edition()
    words = {"title": "The bridge & the mill", "excerpt": "At last.", "section": "Roads", "picture": ""}
    act(room, shape.rewrite, edition_id, words, post_id=post)
    act(room, shape.rewrite, edition_id, {"title": "On haste"}, post_id=lead)
    intro = "Good **morning**, [read on](https://courier.example/) <script>alert(1)</script>"
    act(room, shape.set_words, edition_id, ChangeKind.INTRO, intro)
    room.change(Digest, sign_off="The digest's *own*.")
    last = "Until **tomorrow**, %%name%%, [write](https://courier.example/us/) <script>alert(1)</script>"
    act(room, shape.set_words, edition_id, ChangeKind.SIGN_OFF, last)
    act(room, shape.set_words, edition_id, ChangeKind.SUBJECT, "{featured.title} and {count} more")
    act(room, shape.set_words, edition_id, ChangeKind.PREHEADER, "The bridge is open, and the choir sings.")
    assert room.freeze(edition_id) is None
    with room.database.read() as session:
        revision, variant, items = room.printed(session, edition_id)
    assert revision.subject == "On haste and 2 more"
    assert revision.preheader == "The bridge is open, and the choir sings."
    assert [item.story["title"] for item in items] == ["On haste", "The bridge & the mill"]
    assert (items[1].story["section"], items[1].story["picture"]) == ("Roads", None)
    for part in (variant.html, revision.web_html):
        assert "Good <strong" in part
        assert part.rindex("The bridge &amp; the mill") < part.index("Until <strong")
        assert "The digest" not in part
        assert "<script>alert" not in part
    assert "tomorrow</strong>, Dear reader," in revision.web_html
    assert "Until tomorrow, %%name%%, write [1]" in variant.text
    assert "[1] https://courier.example/" in variant.text
    assert "The bridge & the mill" in variant.text


def test_a_later_version_keeps_an_editors_words(room: Newsroom) -> None:
    """A correction is not the moment at which subject, intro or sign-off fall back to the digest's."""
    room.publish("Bridge")
    item = add_item(room)
    edition_id = room.edition()
    act(room, shape.set_words, edition_id, ChangeKind.INTRO, "Good *morning*.")
    act(room, shape.set_words, edition_id, ChangeKind.SIGN_OFF, "Until *tomorrow*.")
    act(room, shape.set_words, edition_id, ChangeKind.SUBJECT, "A day in {count} stories")
    room.freeze(edition_id)
    correction = Correction(titles={1: "The bridge"})
    revise(room.database, edition_id, correction, public_url=PUBLIC_URL, templates=None, actor=ACTOR)
    with room.database.read() as session:
        newest = session.scalars(sa.select(Revision).order_by(Revision.number.desc())).first()
        assert newest is not None
        own = session.scalars(sa.select(Item.own_item_id).where(Item.revision_id == newest.id)).all()
    assert newest.number == 2
    assert newest.subject == "A day in 2 stories"
    assert "Good <em>morning</em>." in newest.web_html
    assert "Until <em>tomorrow</em>." in newest.web_html
    assert own == [None, item]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (EditionState.FROZEN, "digest edition revise"),
        (EditionState.PAUSED, "digest edition revise"),
        (EditionState.SENDING, "digest edition pause"),
        (EditionState.SENT, "Nothing of this edition is changed any more"),
    ],
)
def test_what_is_fixed_is_not_changed_and_says_what_to_do(
    room: Newsroom, state: EditionState, words: str
) -> None:
    """No row is written, neither for a change nor for taking one back."""
    post = room.publish("Bridge")
    edition_id = room.edition()
    change = act(room, shape.pin, edition_id, post)
    room.change(Edition, state=state)
    with pytest.raises(StateError, match=words):
        act(room, shape.drop, edition_id, post)
    with pytest.raises(StateError, match=words):
        act(room, shape.undo, edition_id, change)
    with room.database.read() as session:
        rows = session.scalars(sa.select(EditionChange)).all()
    assert [(row.kind, row.undone_at) for row in rows] == [(ChangeKind.PIN, None)]


def test_wrong_words_are_refused(room: Newsroom) -> None:
    """Each with what is wrong."""
    post = room.publish("Bridge")
    edition_id = room.edition()
    for step, given, more, words in (
        (shape.pin, [post], {"place": 101}, "from 1 to 100"),
        (shape.pin, [9_999], {}, "No source of this digest"),
        (shape.rewrite, [{}], {"post_id": post}, "what is to be otherwise"),
        (shape.rewrite, [{"title": " "}], {"post_id": post}, "cannot be empty"),
        (shape.rewrite, [{"picture": {"url": "javascript:1"}}], {"post_id": post}, "no picture's address"),
        (shape.rewrite, [{"title": "x"}], {}, "which story"),
        (shape.set_words, [ChangeKind.SUBJECT, "{title}"], {}, "There is no {title}"),
        (shape.set_words, [ChangeKind.SUBJECT, ""], {}, "cannot be empty"),
        (shape.set_words, [ChangeKind.INTRO, "x" * 4001], {}, "longer than 4000"),
        (shape.set_words, [ChangeKind.SIGN_OFF, "x" * 4001], {}, "The sign-off is longer than 4000"),
        (shape.set_words, [ChangeKind.PIN, "x"], {}, "holds no words"),
        (shape.place_own, [77], {}, "There is no item 77"),
    ):
        with pytest.raises(InputError, match=words):
            act(room, step, edition_id, *given, **more)
    with room.database.read() as session:
        assert session.scalars(sa.select(EditionChange)).all() == []


def test_a_sent_story_goes_out_again_only_on_purpose(room: Newsroom) -> None:
    """A pin that another edition overtook does not send it twice; `again` does, and it is on record."""
    post = room.publish("Bridge")
    first, second = room.edition(hours=0.1), room.edition()
    act(room, shape.pin, second, post)
    room.freeze(first)
    room.send(first)
    assert room.why(second)["Bridge"] == "sent"
    act(room, shape.pin, second, post, again=True)
    assert room.titles(second) == ["Bridge"]
    room.freeze(second)
    assert room.send(second) is EditionState.SENDING
    with room.database.read() as session:
        assert session.scalars(sa.select(SentItem.rerun).order_by(SentItem.rerun)).all() == [0, 1]


# --- the desk's own items


def test_an_own_item_goes_out_on_its_days_once(room: Newsroom) -> None:
    """Its use is written when the edition begins to go out; then the next edition has it no more."""
    room.publish("Bridge")
    item = add_item(room, text="She taught *three* generations.\n\nNo flowers.", position=1)
    first = room.edition(hours=0.1)
    assert room.titles(first) == ["Sona Petrosyan, 1931-2026", "Bridge"]
    room.freeze(first)
    with room.database.read() as session:
        _, variant, items = room.printed(session, first)
        assert (items[0].own_item_id, items[0].post_id) == (item, None)
        assert session.scalars(sa.select(OwnItemUse)).all() == []
    assert "She taught three generations. No flowers." in variant.text
    room.send(first)
    with room.database.read() as session:
        assert session.scalars(sa.select(OwnItemUse.edition_id)).all() == [first]
        assert [one.uses for one in list_own_items(session, session.get_one(Digest, room.digest_id))] == [1]
    room.publish("Choir")
    assert room.why(room.edition())["Sona Petrosyan, 1931-2026"] == "sent"


def test_an_own_item_may_be_repeated_moved_rewritten_and_dropped(room: Newsroom) -> None:
    """By the item's own word, and by changes of one edition."""
    room.publish("Bridge", hours=1)
    room.publish("Choir", hours=2)
    item = add_item(room, "Help the library", may_repeat=True)
    first = room.edition(hours=0.1)
    room.freeze(first)
    room.send(first)
    room.publish("Mill")
    second = room.edition()
    assert room.titles(second) == ["Mill", "Help the library"]
    act(room, shape.place_own, second, item, place=1)
    act(room, shape.rewrite, second, {"title": "Help our library"}, own_item_id=item)
    assert room.titles(second)[0] == "Help the library"
    room.freeze(second)
    with room.database.read() as session:
        assert [one.story["title"] for one in room.printed(session, second)[2]] == [
            "Help our library",
            "Mill",
        ]
    third = room.edition(hours=3)
    act(room, shape.place_own, third, item, is_dropped=True)
    assert room.why(third)["Help the library"] == "dropped"


def test_an_own_item_goes_out_in_each_cadence_of_its_digest(room: Newsroom) -> None:
    """The morning in Yerevan has had it; the morning in Los Angeles has not."""
    room.publish("Bridge")
    add_item(room, "Open day")
    first = room.edition(hours=0.1)
    room.freeze(first)
    room.send(first)
    room.publish("Choir")
    with room.database.write() as session:
        digest = session.get_one(Digest, room.digest_id)
        room.cadence_id = make_cadence(session, digest, "evening", is_running=False).id
    assert room.why(room.edition())["Open day"] == "own"


def test_an_own_item_of_an_edition_that_nobody_got_is_free_again(room: Newsroom) -> None:
    """As its stories are: it was cancelled before anybody was handed it."""
    room.publish("Bridge")
    add_item(room, "Open day")
    first = room.edition(hours=0.1)
    room.freeze(first)
    assert room.send(first) is EditionState.SENDING
    assert room.why(room.edition()) == {"Bridge": "sent", "Open day": "sent"}
    with room.database.write() as session:
        cancel(session, session.get_one(Edition, first), actor=ACTOR, now=room.now)
        settle_cancelled(session, now=room.now)
    assert room.why(room.edition(hours=2)) == {"Bridge": "listed", "Open day": "own"}


def test_own_items_keep_to_their_days_and_to_their_digest(room: Newsroom) -> None:
    """Before, after, withdrawn; an item of another digest is not to be had."""
    day = dt.timedelta(days=1)
    today = room.now.date()
    room.publish("Bridge")
    add_item(room, "Before", from_on=today + 3 * day, until_on=today + 4 * day)
    add_item(room, "After", from_on=today - 4 * day, until_on=today - 3 * day)
    gone = add_item(room, "Gone")
    with room.database.write() as session:
        assert withdraw_own_item(session, session.get_one(OwnItem, gone), actor=ACTOR, now=room.now)
        assert not withdraw_own_item(session, session.get_one(OwnItem, gone), actor=ACTOR, now=room.now)
    edition_id = room.edition()
    assert room.why(edition_id) == {
        "Bridge": "listed",
        "Before": "not_yet",
        "After": "over",
        "Gone": "withdrawn",
    }
    with pytest.raises(InputError, match="is before the first"):
        add_item(room, from_on=today, until_on=today - day)
    with pytest.raises(InputError, match="cannot be empty"):
        add_item(room, " ")
    with pytest.raises(InputError, match="not a web address"):
        add_item(room, url="ftp://x")
    with pytest.raises(InputError, match="from 1 to 100"):
        add_item(room, position=0)


# --- patterns


def test_a_digests_patterns_make_subject_and_preheader(room: Newsroom) -> None:
    """A pattern that asks for what the edition has not leaves the line as the template makes it."""
    room.publish("Bridge")
    room.change(
        Digest,
        subject_pattern="{digest.title}: {featured.title}",
        preheader_pattern="{count} stories of {date}, and not one too many",
    )
    without = room.edition(hours=0.5)
    room.freeze(without)
    room.publish("On patience", categories=["Commentary"])
    with_one = room.edition()
    room.freeze(with_one)
    with room.database.read() as session:
        first, _, _ = room.printed(session, without)
        second, _, _ = room.printed(session, with_one)
    assert first.subject.startswith("The Courier, ")
    assert first.preheader.startswith("1 stories of ")
    assert second.subject == "The Courier: On patience"
