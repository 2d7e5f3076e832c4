"""A correction edition: exactly those who had the story get it, below the mail that they have."""

from __future__ import annotations

import email
import email.policy
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.deliveries.handover import go_on
from digest.deliveries.plan import plan
from digest.editions.amend import add_note
from digest.editions.coming import coming
from digest.editions.copies import Imprint, ask_test_mails
from digest.editions.correct import Wrong, correct
from digest.editions.freeze import FreezeSettings, freeze
from digest.editions.one_mail import one_mail
from digest.editions.page_again import Paper
from digest.editions.shape import list_changes, pin, set_words, undo
from digest.errors import InputError, StateError
from digest.lists.segments import edition_audience, segment_of, set_edition_segment
from digest.lists.status import Origin
from digest.lists.suppress import suppress_subscriber
from digest.models import (
    Cadence,
    ChangeKind,
    Delivery,
    DeliveryStatus,
    Digest,
    DigestSource,
    Edition,
    EditionKind,
    EditionState,
    Item,
    Notice,
    Post,
    PostSource,
    Reason,
    Revision,
    SentItem,
    Source,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Variant,
)
from digest.net.http import Fetcher
from digest.rendering.contexts import TextSize
from tests.factories import make_account
from tests.integration.planned import PUBLIC_URL, Desk, let_go, make_desk
from tests.integration.printed import TITLES, Printed, print_edition
from tests.servers.smtp import JudgeServer
from tests.unit.preflight.mails import template_with

S = EditionState
NOTE = "The bridge opens on Monday, not on Sunday."
ACTOR = "cli:ani"
# What no database answers otherwise than the other is asked of one.
ONE = pytest.mark.parametrize("kept", ["sqlite"], indirect=True)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


@dataclass
class Sent:
    """An edition that really went out to `people`, with the mails that the judge took."""

    desk: Desk
    printed: Printed
    people: list[int]
    mails: dict[str, EmailMessage]

    def correct(self, **values: Any) -> int:
        """Ask for a correction, now; its id."""
        wrong = Wrong(**{"story": 2, "note": NOTE, **values})
        now = clock.utc_now()
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.printed.edition_id)
            return correct(session, edition, wrong, due_at=now, actor=ACTOR, now=now).id

    def set(self, person: int, **values: Any) -> None:
        """What the ledger says of the first mail to a person."""
        with self.desk.database.write() as session:
            of_them = (Delivery.edition_id == self.printed.edition_id, Delivery.subscriber_id == person)
            session.execute(sa.update(Delivery).where(*of_them).values(**values))

    def add_variant(self, positions: list[int]) -> int:
        """Another rendering of the first version, for a topic set with these stories alone."""
        with self.desk.database.write() as session:
            first = session.scalars(sa.select(Variant).order_by(Variant.id)).first()
            assert first is not None
            other = Variant(
                revision_id=first.revision_id,
                topics=f"t{positions}",
                text_size="normal",
                positions=positions,
                html=first.html,
                text=first.text,
                mail=first.mail,
                fingerprint=first.fingerprint,
            )
            session.add(other)
            session.flush()
            return other.id


def sent_to(desk: Desk, count: int) -> Sent:
    people = desk.add_people(count)
    now = clock.utc_now()
    printed = print_edition(desk, now, is_planned=True)
    return Sent(desk, printed, people, send(desk, printed.edition_id))


def send(desk: Desk, edition_id: int) -> dict[str, EmailMessage]:
    """Let the slot come and hand it over; what each address was handed."""
    now = clock.utc_now()
    with desk.database.write() as session:
        go_on(session, now=now)
    with JudgeServer() as judge:
        sender = desk.sender(judge.port, now=now)
        try:
            desk.send(edition_id, sender)
        finally:
            let_go(sender)
        with desk.database.write() as session:
            go_on(session, now=clock.utc_now())
        return {message.recipients[0]: parsed(message.raw) for message in judge.messages}


def parsed(raw: bytes) -> EmailMessage:
    return cast("EmailMessage", email.message_from_bytes(raw, policy=email.policy.default))


def lock(desk: Desk, edition_id: int, templates: Path | None = None) -> EditionState | None:
    """Lock it as the freeze does, with nothing there that a site could be read by."""
    nobody = cast("Fetcher", None)
    span = clock.utc_now() - clock.utc_now()
    return freeze(desk.database, edition_id, FreezeSettings(nobody, PUBLIC_URL, templates, span, span))


def come_out(desk: Desk, edition_id: int) -> dict[str, EmailMessage]:
    assert lock(desk, edition_id) is S.FROZEN
    with desk.database.write() as session:
        plan(session, edition_id, now=clock.utc_now())
    return send(desk, edition_id)


def addresses(desk: Desk, people: list[int]) -> set[str]:
    with desk.database.read() as session:
        rows = session.execute(sa.text("SELECT id, address FROM subscribers"))
        return {row.address for row in rows if row.id in people}


def test_exactly_those_who_had_the_story_get_it_threaded(desk: Desk) -> None:
    """Whoever has it, or may have; not who failed, had it not in theirs, or may not be mailed any more."""
    first = sent_to(desk, 9)
    had, had_in_topic, doubt, failed, other_topic, other_version, left, stopped, skipped = first.people
    first.set(doubt, status=DeliveryStatus.UNCERTAIN)
    first.set(failed, status=DeliveryStatus.FAILED)
    first.set(skipped, status=DeliveryStatus.SKIPPED)
    first.printed.set_state(S.PAUSED)
    second = first.printed.revise(dropped=frozenset({2}))
    with desk.database.write() as session:
        of_second = sa.select(Variant.id).join(Revision, Revision.id == Variant.revision_id)
        without = session.scalars(of_second.where(Revision.number == second)).one()
        ended = sa.update(Subscription).where(Subscription.subscriber_id == left)
        session.execute(ended.values(status=SubscriptionStatus.ENDED))
    first.set(had_in_topic, variant_id=first.add_variant([1, 2]))
    first.set(other_topic, variant_id=first.add_variant([0, 2]))
    first.set(other_version, variant_id=without)
    first.printed.set_state(S.SENT)
    made = first.correct()
    suppress(desk, stopped)

    mails = come_out(desk, made)

    assert set(mails) == addresses(desk, [had, had_in_topic, doubt])
    for address, mail in mails.items():
        before = first.mails[address]["Message-ID"]
        assert mail["In-Reply-To"] == before
        assert mail["References"] == before
        assert mail["Message-ID"] != before
        assert mail["Subject"] == f"Correction: {TITLES[1]}"
        for kind in ("html", "plain"):
            body = mail.get_body((kind,))
            assert body is not None
            words = " ".join(body.get_content().split())
            assert f"Correction: {NOTE}" in words
            assert TITLES[1] in words
            assert TITLES[0] not in words
    assert all(mail["References"] is None for mail in first.mails.values())
    assert desk.edition(made).state is S.SENT


def suppress(desk: Desk, person: int) -> None:
    with desk.database.write() as session:
        reader = session.get_one(Subscriber, person)
        suppress_subscriber(session, reader, reason="test", source=Origin.CLI, now=clock.utc_now())


@ONE
def test_a_version_that_was_right_needs_no_correction(desk: Desk) -> None:
    """With a version named it goes to those who had that one; else to whoever had the story in any."""
    first = sent_to(desk, 2)
    first.printed.set_state(S.PAUSED)
    second = first.printed.revise(titles={2: "Mill Bridge Opens on Monday"})
    with desk.database.write() as session:
        right = session.scalars(
            sa.select(Variant.id)
            .join(Revision, Revision.id == Variant.revision_id)
            .where(Revision.number == second)
        ).one()
    first.set(first.people[1], variant_id=right)
    first.printed.set_state(S.SENT)
    for values, people in (({"revision": 1}, first.people[:1]), ({}, first.people)):
        made = first.correct(**values)
        with desk.database.read() as session:
            rows = session.execute(edition_audience(session, session.get_one(Edition, made))).all()
        assert sorted(row.subscriber_id for row in rows) == people


@ONE
def test_it_holds_the_story_put_right_and_counts_as_a_rerun(desk: Desk) -> None:
    """New words, own subject; the post's row goes up by one; its text is the one that was stored."""
    first = sent_to(desk, 1)
    made = first.correct(
        story=1, title="On Haste", body="<p>Made <b>anew</b>.</p>", subject="We were wrong: {featured.title}"
    )
    with desk.database.write() as session:
        session.execute(sa.text("UPDATE posts SET title = 'Changed on the site'"))
    (mail,) = come_out(desk, made).values()
    assert mail["Subject"] == "We were wrong: On Haste"
    body = mail.get_body(("html",))
    assert body is not None
    assert "Made" in body.get_content()
    assert "The whole of it" not in body.get_content()
    with desk.database.read() as session:
        edition = session.get_one(Edition, made)
        items = session.scalars(sa.select(Item).where(Item.revision_id == edition.revision_id)).all()
        reruns = session.execute(sa.select(SentItem.post_id, SentItem.rerun, SentItem.edition_id))
        rows = [tuple(row) for row in reruns if row.post_id == items[0].post_id]
        own_page = session.get_one(Revision, edition.revision_id).web_html
    assert [item.story["title"] for item in items] == ["On Haste"]
    with desk.database.write() as session:
        edition = session.get_one(Edition, made)
        add_note(session, edition, 1, "Once more.", Paper(PUBLIC_URL), actor=ACTOR, now=clock.utc_now())
        line = '<p class="correction">Correction: Once more.</p>\n'
        assert (edition.web_html or "").replace(line, "") == own_page
    assert sorted(row[1:] for row in rows) == [(0, first.printed.edition_id), (1, made)]


@ONE
def test_a_correction_of_a_correction_follows_on_both(desk: Desk) -> None:
    """References names all that came before, the oldest first (RFC 5322 3.6.4)."""
    first = sent_to(desk, 1)
    second = come_out(desk, first.correct())
    with desk.database.read() as session:
        made = session.scalars(sa.select(Edition.id).where(Edition.kind == EditionKind.CORRECTION)).one()
    third = come_out(desk, Sent(desk, Printed(desk, made), first.people, second).correct(story=1))
    ((address, mail),) = third.items()
    ids = [one[address]["Message-ID"] for one in (first.mails, second)]
    assert mail["References"].split() == ids
    assert mail["In-Reply-To"] == ids[1]


@ONE
def test_its_next_version_keeps_the_note_and_the_thread(desk: Desk) -> None:
    """A locked correction is revised like any other edition."""
    first = sent_to(desk, 1)
    made = first.correct()
    assert lock(desk, made) is S.FROZEN
    (copy,) = copies(desk, made)
    assert copy["References"] is copy["In-Reply-To"] is None
    assert copy["Subject"] == f"[Test] Correction: {TITLES[1]}"
    printed = Printed(desk, made)
    number = printed.revise(titles={1: "Mill Bridge Opens on Monday"})
    now = clock.utc_now()
    printed.approve(number, now=now)
    printed.go_on(number, now=now)
    with desk.database.write() as session:
        plan(session, made, now=now)
    ((address, mail),) = send(desk, made).items()
    assert mail["Subject"] == "Correction: Mill Bridge Opens on Monday"
    assert mail["In-Reply-To"] == first.mails[address]["Message-ID"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert NOTE in " ".join(body.get_content().split())


def copies(desk: Desk, edition_id: int) -> list[EmailMessage]:
    """What one of the staff, who need not have had the first mail, would look at."""
    with desk.database.write() as session:
        account = make_account(session)
    imprint = Imprint(PUBLIC_URL, desk.made)
    assert ask_test_mails(desk.database, edition_id, [account.address], imprint, actor=ACTOR) == 1
    with desk.database.read() as session:
        return [parsed(one.message) for one in session.scalars(sa.select(Notice)) if one.message]


@ONE
def test_it_waits_for_approval_where_that_is_asked(desk: Desk) -> None:
    """Nothing of it goes out before, and no segment of its cadence can leave anybody out."""
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(wants_approval=True))
    first = sent_to(desk, 1)
    made = first.correct()
    assert lock(desk, made) is S.FROZEN
    with desk.database.write() as session:
        plan(session, made, now=clock.utc_now())
    assert send(desk, made) == {}
    with desk.database.write() as session:
        edition = session.get_one(Edition, made)
        assert segment_of(session, edition) is None
        with pytest.raises(StateError, match="is a correction"):
            set_edition_segment(session, edition, None, actor=ACTOR, now=clock.utc_now())


@ONE
def test_it_is_checked_as_any_other_edition(desk: Desk, tmp_path: Path) -> None:
    """What must not go out holds it: no version of it is stored, and nobody gets it."""
    first = sent_to(desk, 1)
    made = first.correct()
    form = template_with(tmp_path, '<form action="https://news.example.org/"></form>', "{{ edition.reason")
    assert lock(desk, made, form) is S.HELD
    edition = desk.edition(made)
    assert (edition.reason, edition.revision_id) == (Reason.BLOCKED, None)
    with desk.database.write() as session:
        assert plan(session, made, now=clock.utc_now()) == 0
    assert send(desk, made) == {}
    assert come_out(desk, made).keys() == first.mails.keys()


@ONE
def test_its_story_is_not_exchanged_while_it_comes(desk: Desk) -> None:
    """A pin or a rewrite would say nothing to it, so it is refused; its subject may be set."""
    first = sent_to(desk, 1)
    made = first.correct()
    now = clock.utc_now()
    with desk.database.write() as session:
        edition = session.get_one(Edition, made)
        post = carried(session, desk)
        with pytest.raises(StateError, match="is a correction"):
            pin(session, edition, post, actor=ACTOR, now=now)
        found = coming(session, made, templates=None, now=now)
        assert (found.subject, found.people, found.stories) == (f"Correction: {TITLES[1]}", 1, 1)
        set_words(session, edition, ChangeKind.SUBJECT, "The bridge", actor=ACTOR, now=now)
        assert coming(session, made, templates=None, now=now).subject == "The bridge"
        with pytest.raises(StateError, match="is made of it"):
            undo(session, edition, list_changes(session, edition)[0].id, actor=ACTOR, now=now)


@ONE
def test_it_has_no_words_of_welcome_but_those_of_its_own(desk: Desk) -> None:
    """The digest's intro is of every day; sign-off and intro that an editor wrote for it stand."""
    first = sent_to(desk, 1)
    made, now = first.correct(), clock.utc_now()
    with desk.database.write() as session:
        session.execute(sa.update(Digest).values(intro="Good **morning**."))
        edition = session.get_one(Edition, made)
        set_words(session, edition, ChangeKind.SIGN_OFF, "We are *sorry*.", actor=ACTOR, now=now)
    shown = functools.partial(
        one_mail, desk.database, made, size=TextSize.NORMAL, public_url=PUBLIC_URL, templates=None, now=now
    )
    assert "Good morning." not in shown().text
    assert "We are sorry." in shown().text
    with desk.database.write() as session:
        set_words(
            session, session.get_one(Edition, made), ChangeKind.INTRO, "Dear all.", actor=ACTOR, now=now
        )
    assert "Dear all." in shown().text


def carried(session: Session, desk: Desk) -> int:
    """One of the posts, now of a source of the digest."""
    post = session.scalars(sa.select(Post.id)).first()
    now = clock.utc_now()
    source = Source(url="https://courier.example/feed/", news_since=now, next_fetch_at=now, created_at=now)
    session.add(source)
    session.flush()
    session.add(DigestSource(digest_id=desk.cadence.digest_id, source_id=source.id))
    session.add(PostSource(source_id=source.id, post_id=post, is_news=True, seen_at=clock.utc_now()))
    session.flush()
    return post or 0


@ONE
def test_what_cannot_be_corrected_is_refused(desk: Desk) -> None:
    """With a sentence that says what to do."""
    desk.add_people(1)
    printed = print_edition(desk, clock.utc_now(), is_planned=True)
    refused: list[tuple[EditionState, dict[str, Any], type[Exception], str]] = [
        (S.SENDING, {}, StateError, "pause it first"),
        (S.FROZEN, {}, StateError, "nobody has had it"),
        (S.SENT, {}, StateError, "Nobody who may still be mailed"),
        (S.SENT, {"story": 4}, InputError, "no story 4"),
        (S.SENT, {"story": 0}, InputError, "no story 0"),
        (S.SENT, {"note": " "}, InputError, "what was wrong"),
        (S.SENT, {"body": "<p>x</p>"}, InputError, "no text of its own"),
    ]
    for state, values, error, words in refused:
        printed.set_state(state)
        with pytest.raises(error, match=words):
            Sent(desk, printed, [], {}).correct(**values)
    with desk.database.read() as session:
        assert session.scalars(sa.select(Edition.id)).all() == [printed.edition_id]


@contextmanager
def counting(database: Database) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(str(args[2]))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(database.engine, "before_cursor_execute", note)


@ONE
def test_its_plan_takes_as_many_statements_for_any_audience(desk: Desk) -> None:
    """One pass over the first edition's deliveries, however many there are."""
    counts = []
    for people in (1, 9):
        first = sent_to(desk, people - len(counts))  # who reads already gets it too
        made = first.correct()
        assert lock(desk, made) is S.FROZEN
        with counting(desk.database) as seen, desk.database.write() as session:
            assert plan(session, made, now=clock.utc_now()) == people
        counts.append(len(seen))
    assert counts[0] == counts[1]
