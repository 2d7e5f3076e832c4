"""A version that is corrected in the middle: who has one keeps it, all others get the next."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries import overlap, turn
from digest.deliveries.handover import start_due
from digest.deliveries.journals import open_journal
from digest.deliveries.ledger import Result, record
from digest.deliveries.send import send_batch
from digest.deliveries.switch import go_on_with
from digest.editions.revisions import list_revisions, revision_of
from digest.editions.states import move
from digest.errors import InputError, NotFoundError, StateError
from digest.models import (
    AuditEntry,
    Batch,
    Delivery,
    DeliveryStatus,
    Digest,
    Edition,
    EditionState,
    Item,
    Revision,
    Role,
    Subscriber,
    Variant,
)
from digest.models import TextSize as ChosenSize
from digest.rendering.contexts import TextSize
from tests.integration.planned import Desk, let_go, make_desk
from tests.integration.printed import TITLES, Printed, print_edition
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Script

S = EditionState
SENT, PENDING, UNCERTAIN = DeliveryStatus.SENT, DeliveryStatus.PENDING, DeliveryStatus.UNCERTAIN
NOTE = "The bridge opens on Monday, not on Sunday."


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


def stored(desk: Desk, printed: Printed, number: int) -> tuple[Revision, list[Item], list[Variant]]:
    with desk.database.read() as session:
        revision = revision_of(session, session.get_one(Edition, printed.edition_id), number)
        items = session.scalars(
            sa.select(Item).where(Item.revision_id == revision.id).order_by(Item.position)
        )
        variants = session.scalars(
            sa.select(Variant).where(Variant.revision_id == revision.id).order_by(Variant.id)
        )
        return revision, list(items), list(variants)


def variants_of(desk: Desk, printed: Printed) -> dict[int, int]:
    """Which variant each person is to get or has got."""
    with desk.database.read() as session:
        rows = sa.select(Delivery.subscriber_id, Delivery.variant_id)
        return dict(session.execute(rows.where(Delivery.edition_id == printed.edition_id)).all())


def paused_after(
    desk: Desk, people: int, done: int, *, sizes: tuple[TextSize, ...] = (TextSize.NORMAL,)
) -> Printed:
    """An edition to so many people, paused once the first ones of them were handed it."""
    now = clock.utc_now()
    ids = desk.add_people(people)
    printed = print_edition(desk, now, sizes=sizes, is_planned=True)
    with desk.database.write() as session:
        assert start_due(session, now=now) == 1
        record(session, printed.edition_id, [Result(person, 0, SENT, now) for person in ids[:done]])
    printed.set_state(S.PAUSED)
    return printed


def test_everything_that_can_be_corrected_is(desk: Desk) -> None:
    """Subject, title, excerpt, the featured text, a story less, a note: in mail, text, page and stories."""
    printed = print_edition(desk, clock.utc_now(), sizes=(TextSize.NORMAL, TextSize.LARGE))
    number = printed.revise(
        subject="The bridge, once more",
        titles={2: "Mill Bridge Opens  on\nMonday"},
        excerpts={2: "SPRINGDALE -- On <Monday> & not sooner."},
        bodies={1: "<p>Patience, <b>anew</b>.<script>alert(1)</script></p>"},
        dropped=frozenset({3}),
        note=NOTE,
    )
    assert number == 2
    revision, items, variants = stored(desk, printed, 2)
    assert (revision.subject, revision.approved_at) == ("The bridge, once more", None)
    assert [(item.role, item.story["title"]) for item in items] == [
        (Role.FEATURED, "On Patience"),
        (Role.RECENT, "Mill Bridge Opens on Monday"),
    ]
    assert [variant.text_size for variant in variants] == ["normal", "large"]
    for words in (revision.web_html, *(variant.html for variant in variants)):
        assert "Mill Bridge Opens on Monday" in words
        assert "On &lt;Monday&gt; &amp; not sooner." in words
        assert f"Correction: {NOTE}" in words
        assert "anew" in words
        assert "alert(1)" not in words
        assert "Choir Seeks Tenors" not in words
    for variant in variants:
        assert f"Correction: {NOTE}" in " ".join(variant.text.split())
    first, before, _ = stored(desk, printed, 1)
    assert first.fingerprint != revision.fingerprint
    assert [item.post_id for item in before[:2]] == [item.post_id for item in items]


def test_what_is_not_corrected_comes_out_as_it_was(desk: Desk) -> None:
    """The same pipeline: with one word changed, everything else is the same to the byte."""
    printed = print_edition(desk, clock.utc_now())
    printed.revise(titles={2: "Mill Bridge Opened"})
    (first, _, (old,)), (second, _, (new,)) = stored(desk, printed, 1), stored(desk, printed, 2)
    assert new.html == old.html.replace(TITLES[1], "Mill Bridge Opened")
    assert second.web_html == first.web_html.replace(TITLES[1], "Mill Bridge Opened")
    assert second.subject == first.subject == "On Patience"


def test_nothing_new_gets_in(desk: Desk) -> None:
    """The stories are the stored ones: what their posts became since is not looked at."""
    printed = print_edition(desk, clock.utc_now())
    with desk.database.write() as session:
        session.execute(sa.text("UPDATE posts SET title = 'Changed on the site', excerpt = ''"))
    printed.revise(note=NOTE)
    _, items, _ = stored(desk, printed, 2)
    assert [item.story["title"] for item in items] == list(TITLES)


def test_a_subject_follows_its_story_unless_a_person_gave_it(desk: Desk) -> None:
    """A corrected title is the subject too; a subject of one's own stays for the versions after it."""
    now = clock.utc_now()
    printed = print_edition(desk, now, is_planned=False)
    printed.revise(titles={1: "On Haste"})
    assert stored(desk, printed, 2)[0].subject == "On Haste"
    number = printed.revise(subject="Read this instead")
    printed.approve(number, now=now)
    printed.go_on(number, now=now)
    printed.revise(note=NOTE)
    assert stored(desk, printed, number + 1)[0].subject == "Read this instead"


def test_without_the_featured_story_the_rest_goes_out(desk: Desk) -> None:
    """A commentary that must not appear can be taken out."""
    printed = print_edition(desk, clock.utc_now())
    printed.revise(dropped=frozenset({1}))
    revision, items, _ = stored(desk, printed, 2)
    assert {item.role for item in items} == {Role.RECENT}
    assert "On Patience" not in revision.web_html
    assert "On Patience" not in revision.subject


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Nothing to correct"),
        ({"titles": {4: "x"}}, "no story 4"),
        ({"titles": {0: "x"}}, "no story 0"),
        ({"titles": {1: "  \n"}}, "cannot be empty"),
        ({"titles": {1: "x" * 301}}, "longer than 300"),
        ({"excerpts": {2: "x" * 2001}}, "longer than 2000"),
        ({"bodies": {2: "<p>x</p>"}}, "no text of its own"),
        ({"dropped": frozenset({1, 2, 3})}, "No story would be left"),
        ({"subject": "y" * 301}, "longer than 300"),
        ({"note": "z" * 2001}, "longer than 2000"),
    ],
)
def test_what_cannot_be_corrected_is_a_sentence(desk: Desk, values: dict[str, object], words: str) -> None:
    """And no version is made."""
    printed = print_edition(desk, clock.utc_now())
    with pytest.raises(InputError, match=words):
        printed.revise(**values)
    with pytest.raises(NotFoundError, match="no version 2"):
        stored(desk, printed, 2)


def test_a_version_that_could_not_be_sent_is_not_made(desk: Desk) -> None:
    """The checks of the freeze are those of every version."""
    printed = print_edition(desk, clock.utc_now())
    with desk.database.write() as session:
        session.execute(sa.update(Digest).values(postal_address=" "))
    with pytest.raises(StateError, match="no postal address"):
        printed.revise(note=NOTE)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (S.SENDING, "pause it first"),
        (S.SENT, "only a locked or paused"),
        (S.CANCELLED, "only a locked or paused"),
        (S.UPCOMING, "only a locked or paused"),
    ],
)
def test_only_what_rests_is_revised(desk: Desk, state: EditionState, words: str) -> None:
    """While it is handed over nothing changes, and what is over stays as it was."""
    now = clock.utc_now()
    printed = print_edition(desk, now)
    printed.revise(note=NOTE)
    printed.approve(2, now=now)
    printed.set_state(state)
    with pytest.raises(StateError, match=words):
        printed.revise(note=NOTE)
    with pytest.raises(StateError, match=words):
        printed.go_on(2, now=now)


def test_a_held_edition_without_content_is_locked_first(desk: Desk) -> None:
    """There is nothing to correct yet."""
    printed = print_edition(desk, clock.utc_now())
    with desk.database.write() as session:
        session.execute(sa.update(Edition).values(revision_id=None, state=S.HELD))
    with pytest.raises(StateError, match="lock it first"):
        printed.revise(note=NOTE)


def test_an_approval_is_given_once(desk: Desk) -> None:
    """By whom and when is on record; the freeze's own version has it from the freeze."""
    now = clock.utc_now()
    printed = print_edition(desk, now)
    printed.revise(note=NOTE)
    assert printed.approve(2, now=now)
    assert not printed.approve(2, now=now + dt.timedelta(minutes=1))
    assert not printed.approve(1, now=now)
    revision, _, _ = stored(desk, printed, 2)
    assert (revision.approved_at, revision.approved_by) == (now, "cli:ara")
    assert stored(desk, printed, 1)[0].approved_by == "freeze"
    with desk.database.read() as session:
        entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.details["revision"]) for entry in entries] == [
        ("edition.revise", 2),
        ("edition.approve", 2),
    ]
    assert {entry.details["fingerprint"] for entry in entries} == {revision.fingerprint}
    printed.set_state(S.SENT)
    with pytest.raises(StateError, match="nothing of it is approved"):
        printed.approve(2, now=now)


def test_those_who_have_nothing_yet_get_the_next_version(desk: Desk) -> None:
    """Handed over and uncertain people keep theirs; the pending ones change by one statement; it goes on."""
    now = clock.utc_now()
    printed = paused_after(desk, 10, 4)
    with desk.database.write() as session:
        doubtful = session.scalars(sa.select(Delivery).where(Delivery.status == PENDING).limit(1)).one()
        record(session, printed.edition_id, [Result(doubtful.subscriber_id, 0, UNCERTAIN, now)])
    before = variants_of(desk, printed)
    (old,) = set(before.values())
    printed.revise(note=NOTE)
    printed.approve(2, now=now)
    assert variants_of(desk, printed) == before  # nothing moves by an approval
    assert printed.go_on(2, now=now) == 5
    assert desk.edition(printed.edition_id).state is S.SENDING
    (new,) = set(variants_of(desk, printed).values()) - {old}
    assert Counter(variants_of(desk, printed).values()) == {old: 5, new: 5}
    with desk.database.read() as session:
        lines = list_revisions(session, session.get_one(Edition, printed.edition_id))
    assert [(line.number, line.is_current, line.handed_over) for line in lines] == [
        (1, False, 5),
        (2, True, 0),
    ]
    assert lines[0].deliveries[UNCERTAIN] == 1
    assert lines[1].deliveries[PENDING] == 5


def test_each_text_size_gets_its_own(desk: Desk) -> None:
    """Whoever reads the large text reads the large text of the next version."""
    now = clock.utc_now()
    large = desk.add_people(2)
    with desk.database.write() as session:
        session.execute(
            sa.update(Subscriber).where(Subscriber.id.in_(large)).values(text_size=ChosenSize.LARGE)
        )
    printed = paused_after(desk, 3, 0, sizes=(TextSize.NORMAL, TextSize.LARGE))
    printed.revise(note=NOTE)
    printed.approve(2, now=now)
    assert printed.go_on(2, now=now) == 5
    _, _, (normal, large_one) = stored(desk, printed, 2)
    found = variants_of(desk, printed)
    assert {found[person] for person in large} == {large_one.id}
    assert Counter(found.values()) == {normal.id: 3, large_one.id: 2}


def test_a_locked_edition_takes_the_next_version_and_stays_locked(desk: Desk) -> None:
    """Before its slot, planned or not; its slot is as it was."""
    now = clock.utc_now()
    desk.add_people(3)
    printed = print_edition(desk, now + dt.timedelta(hours=1), is_planned=True)
    printed.revise(note=NOTE)
    printed.approve(2, now=now)
    assert printed.go_on(2, now=now) == 3
    edition = desk.edition(printed.edition_id)
    assert (edition.state, edition.send_at) == (S.FROZEN, now + dt.timedelta(hours=1))
    assert edition.revision_id == stored(desk, printed, 2)[0].id


def test_a_held_edition_with_content_is_locked_by_it(desk: Desk) -> None:
    """Somebody stopped it for a fault; the fault is mended."""
    now = clock.utc_now()
    printed = print_edition(desk, now)
    printed.set_state(S.HELD)
    printed.revise(note=NOTE)
    printed.approve(2, now=now)
    assert printed.go_on(2, now=now) == 0
    assert desk.edition(printed.edition_id).state is S.FROZEN


def test_going_on_is_refused_with_what_to_do(desk: Desk) -> None:
    """Not approved, foreign, older, or while a worker is at it: nothing changes."""
    now = clock.utc_now()
    printed, other = paused_after(desk, 4, 1), print_edition(desk, now + dt.timedelta(days=1))
    printed.revise(note=NOTE)
    with pytest.raises(StateError, match=r"is not approved yet\. `digest edition approve"):
        printed.go_on(2, now=now)
    printed.approve(2, now=now)
    busy = _journal(desk)
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(journal_id=busy))
    with pytest.raises(StateError, match="still hold 1 of the batches"):
        printed.go_on(2, now=now)
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(journal_id=None))
    foreign = Printed(desk, other.edition_id)
    foreign.revise(note=NOTE)
    with desk.database.write() as session:
        theirs = revision_of(session, session.get_one(Edition, other.edition_id), 2)
        edition = session.get_one(Edition, printed.edition_id)
        with pytest.raises(StateError, match="another edition"):
            go_on_with(session, edition, theirs, actor="test", now=now)
    assert printed.go_on(2, now=now) == 3
    printed.set_state(S.PAUSED)
    with pytest.raises(StateError, match="older than the current one, version 2"):
        printed.go_on(1, now=now)


def _journal(desk: Desk) -> int:
    journal, journal_id = open_journal(
        desk.database, desk.folder / "journals", worker="busy", now=clock.utc_now()
    )
    journal.close()
    return journal_id


@pytest.mark.both_databases
def test_two_at_once_do_not_overwrite_one_another(desk: Desk) -> None:
    """A version that was made from one that is current no more is refused."""
    now = clock.utc_now()
    printed = print_edition(desk, now)
    assert [printed.revise(note=NOTE), printed.revise(note="Once more.")] == [2, 3]
    printed.approve(3, now=now)
    printed.go_on(3, now=now)
    printed.approve(2, now=now)
    with pytest.raises(StateError, match="older"):
        printed.go_on(2, now=now)


@pytest.mark.parametrize(
    ("people", "group", "groups"), [(60, 10, 2), pytest.param(5000, 100, 20, marks=pytest.mark.slow)]
)
def test_version_2_reaches_exactly_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, people: int, group: int, groups: int
) -> None:
    """Paused in mid-send by a person, with real mails: each reader has one version, once.

    A worker keeps its prepared mails and its batch's people; who was claimed but not sent gets the new one.
    """
    monkeypatch.setattr(turn, "GROUP_PEOPLE", group)
    monkeypatch.setattr(overlap, "_USUAL", 1)
    monkeypatch.setattr(turn, "_LOOK_SECONDS", 0.0)
    now = clock.utc_now()
    desk.add_people(people)
    printed = print_edition(desk, now, is_planned=True)
    with desk.database.write() as session:
        start_due(session, now=now)
    with JudgeServer(Script(fsync=False)) as judge:

        def pause_in_time() -> None:
            with desk.database.write() as session:
                edition = session.get_one(Edition, printed.edition_id)
                if len(judge.messages) >= group * groups and edition.state is S.SENDING:
                    move(session, edition, S.PAUSED, now=now)

        sender = desk.sender(judge.port, now=now)
        for batch in desk.batches(printed.edition_id):
            send_batch(
                desk.database,
                batch.id,
                sender,
                lease_seconds=60,
                stop=lambda: False,
                between=pause_in_time,
            )
        first = [message.recipients[0] for message in judge.messages]
        printed.revise(titles={1: "On Haste"}, note=NOTE)
        printed.approve(2, now=now)
        assert printed.go_on(2, now=now) == people - len(first)
        desk.send(printed.edition_id, sender)
        let_go(sender)
        messages = list(judge.messages)
    assert group * groups <= len(first) < people
    versions = {
        message.recipients[0]: "2" if b"Subject: On Haste" in message.raw else "1" for message in messages
    }
    assert len(messages) == len(versions) == people
    assert {address for address, version in versions.items() if version == "1"} == set(first)
    with desk.database.read() as session:
        lines = list_revisions(session, session.get_one(Edition, printed.edition_id))
    assert [line.handed_over for line in lines] == [len(first), people - len(first)]
    assert set(desk.statuses(printed.edition_id).values()) == {SENT}
