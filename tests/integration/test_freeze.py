"""What the freeze fixes, how it goes on from there, and whom a digest's own words may name."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from digest import clock
from digest.editions.progress import enqueue_freezes, enqueue_plans
from digest.lists.attributes import add_attribute
from digest.mail.prepared import PreparedMail
from digest.models import (
    AttributeKind,
    Batch,
    Delivery,
    EditionState,
    Item,
    Post,
    Reason,
    Revision,
    Role,
    SentItem,
    TextSize,
    Variant,
)
from digest.queueing.names import TaskName
from tests.integration import hints
from tests.integration.freezing import LEAD, Room, post, room

__all__ = ["room"]

UPCOMING, FROZEN, HELD = EditionState.UPCOMING, EditionState.FROZEN, EditionState.HELD
SKIPPED, SENDING, SENT = EditionState.SKIPPED, EditionState.SENDING, EditionState.SENT


# --- what the freeze fixes


def test_it_fixes_stories_and_variants(room: Room) -> None:
    """One revision with its items in order, one rendering for each text size that somebody reads."""
    room.publish(post(1, "A commentary", category="Commentary"), post(2, hours=1), post(3, hours=3))
    room.add_reader()
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    assert room.why(edition_id) == (FROZEN, None)
    assert room.titles(edition_id) == ["A commentary", "Story 2", "Story 3"]
    with room.database.read() as session:
        assert session.scalars(sa.select(Item.role).order_by(Item.position)).all() == [
            Role.FEATURED,
            Role.RECENT,
            Role.RECENT,
        ]
        assert session.scalars(sa.select(Variant.text_size)).all() == [TextSize.NORMAL]


def test_it_freezes_once(room: Room) -> None:
    """A second hint at it, or a late one, changes nothing; an unknown id neither."""
    room.publish(post(1))
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    room.publish(post(2), post(1))
    assert room.freeze(edition_id) is None
    assert room.freeze(99_999) is None
    assert room.count(Revision) == 1
    assert room.titles(edition_id) == ["Story 1"]


def test_what_is_frozen_does_not_move(room: Room) -> None:
    """The site corrects a story and the digest changes its title: the revision stays, byte for byte."""
    room.publish(post(1, "As it was"))
    edition_id = room.edition()
    room.freeze(edition_id)

    def fixed() -> list[tuple[object, ...]]:
        with room.database.read() as session:
            of_edition = (
                sa.select(
                    Variant.mail, Variant.html, Variant.fingerprint, Revision.web_html, Revision.fingerprint
                )
                .join(Revision, Revision.id == Variant.revision_id)
                .where(Revision.edition_id == edition_id)
            )
            return [tuple(row) for row in session.execute(of_edition)]

    before = fixed()
    room.publish(post(1, "As it is now"))
    room.change(title="Another name")
    other = room.edition()
    room.freeze(other)
    assert room.titles(other) == ["As it is now"]
    assert fixed() == before
    assert len(before) == 1


def test_a_worker_is_told_to_plan_when_the_slot_is_near(room: Room) -> None:
    """Within the plan's lead at once; else the tick does it when it has come."""
    room.publish(post(1))
    near, far = room.edition(), room.edition(due=clock.utc_now() + dt.timedelta(minutes=5))
    hints.taken()
    room.freeze(near)
    room.freeze(far)
    assert hints.taken() == [(TaskName.PLAN, [near])]
    with room.database.write() as session:
        assert enqueue_plans(session, plan_lead=LEAD, now=clock.utc_now() + dt.timedelta(minutes=4)) == [
            near,
            far,
        ]
    with room.database.write() as session:
        # Told a moment ago, and it may be at it.
        assert enqueue_plans(session, plan_lead=LEAD, now=clock.utc_now() + dt.timedelta(minutes=4)) == []


def test_an_upcoming_edition_is_told_when_its_lead_begins(room: Room) -> None:
    """Ten minutes before its slot, once, and again only when nothing has come of it for a minute."""
    now = clock.utc_now()
    edition_id = room.edition(due=now + dt.timedelta(minutes=30))

    def told(minutes: float) -> list[int]:
        with room.database.write() as session:
            return enqueue_freezes(session, now=now + dt.timedelta(minutes=minutes))

    assert told(19) == []
    assert told(20.1) == [edition_id]
    assert told(20.2) == []
    assert told(21.2) == [edition_id]


# --- from frozen to sent


def test_all_served(room: Room) -> None:
    """The slot begins it, the last final delivery ends it."""
    room.publish(post(1))
    room.add_reader()
    edition_id = room.edition(due=clock.utc_now() + dt.timedelta(minutes=1))
    room.freeze(edition_id)
    assert room.plan(edition_id) == 1
    assert room.plan(edition_id) == 0
    room.go_on()
    assert room.why(edition_id) == (FROZEN, None)
    room.go_on(later=dt.timedelta(minutes=1))
    assert room.why(edition_id) == (SENDING, None)
    with room.database.write() as session:
        session.execute(sa.update(Batch).values(closed_at=clock.utc_now()))
    room.go_on()
    assert room.why(edition_id) == (SENT, Reason.ALL_SERVED)
    assert room.count(SentItem) == 1


def test_a_parallel_edition_takes_no_story_twice(room: Room) -> None:
    """Two editions of a cadence were frozen with the same story: the second is thawed and made anew."""
    room.publish(post(1, "In both"))
    room.add_reader()
    first, second = room.edition(), room.edition(due=clock.utc_now() + dt.timedelta(minutes=1))
    room.freeze(first)
    room.publish(post(2, "Only in the second", hours=0.1), post(1, "In both"))
    room.freeze(second)
    assert "In both" in room.titles(first)
    assert "In both" in room.titles(second)
    for edition_id in (first, second):
        assert room.plan(edition_id) == 1
    room.go_on()
    hints.taken()
    room.go_on(later=dt.timedelta(minutes=2))
    assert room.why(first)[0] is SENDING
    assert room.why(second) == (UPCOMING, None)
    assert (TaskName.FREEZE, [second]) in hints.taken()
    with room.database.read() as session:
        of_second = sa.select(sa.func.count()).select_from(Delivery).where(Delivery.edition_id == second)
        assert session.scalar(of_second) == 0

    assert room.freeze(second) is FROZEN
    assert room.titles(second) == ["Only in the second"]
    assert room.plan(second) == 1
    room.go_on(later=dt.timedelta(minutes=2))
    assert room.why(second)[0] is SENDING
    with room.database.read() as session:
        sent = session.execute(
            sa.select(Post.title, SentItem.edition_id).join(SentItem, SentItem.post_id == Post.id)
        ).all()
    assert sorted(tuple(row) for row in sent) == [("In both", first), ("Only in the second", second)]


def test_a_parallel_edition_without_anything_else_is_skipped(room: Room) -> None:
    """Nothing is left of it but what another has sent."""
    room.publish(post(1))
    room.add_reader()
    first, second = room.edition(), room.edition(due=clock.utc_now() + dt.timedelta(seconds=30))
    for edition_id in (first, second):
        room.freeze(edition_id)
        room.plan(edition_id)
    room.go_on()
    room.go_on(later=dt.timedelta(minutes=1))
    assert room.freeze(second) is SKIPPED
    assert room.why(second) == (SKIPPED, Reason.NOTHING_NEW)


# --- the digest's own words may name a reader


def test_its_words_name_a_reader_in_the_mail_alone(room: Room) -> None:
    """The mail keeps the places with their fallbacks; the web edition and the preheader show those."""
    with room.database.write() as session:
        add_attribute(
            session, "city", kind=AttributeKind.TEXT, fallback="your city", actor="test", now=clock.utc_now()
        )
    room.change(intro="%%name%%, the news of %%attribute_city%% & more.", sign_off="Until then, %%name%%.")
    room.publish(post(1, category="Commentary"))
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    with room.database.read() as session:
        revision = session.scalars(sa.select(Revision)).one()
        variant = session.scalars(sa.select(Variant)).one()
    for part in (variant.html, variant.text):
        assert part.count("%%name%%") == 2
        assert "%%attribute_city%%" in part
    mail = PreparedMail.from_bytes(variant.mail)
    assert [tuple(one) for one in mail.fallbacks] == [
        ("name", "text", "Dear reader"),
        ("attribute_city", "text", "your city"),
    ]
    assert revision.preheader.startswith("Dear reader, the news of your city & more.")
    assert "Dear reader, the news of your city &amp; more." in revision.web_html
    assert "Until then, Dear reader." in revision.web_html
    assert "%%" not in revision.web_html


def test_words_that_name_an_unknown_attribute_hold_it(room: Room) -> None:
    """With the placeholder that nobody could fill."""
    room.change(intro="Good morning, %%attribute_shoe%%!")
    room.publish(post(1))
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    assert "attribute_shoe" in room.get(edition_id).reason_detail


def test_no_other_words_of_a_digest_are_a_place(room: Room) -> None:
    """A sign-off link in an intro would be each reader's own: it is words."""
    room.change(intro="See %%unsubscribe_url%% and 100%%%name")
    room.publish(post(1))
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    with room.database.read() as session:
        variant = session.scalars(sa.select(Variant)).one()
    assert variant.text.count("%%unsubscribe_url%%") == 2  # the link to leave, and to the reader's page
    assert PreparedMail.from_bytes(variant.mail).fallbacks == ()
