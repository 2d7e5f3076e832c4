"""Signing up by the public pages, at the level of the steps, on both databases."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from digest.addresses import parse_address
from digest.db import Database
from digest.lists import confirm
from digest.lists.erase import erase_subscriber
from digest.lists.sign_up import ListWish, Wish, ask
from digest.lists.status import Origin
from digest.lists.subscribe import end
from digest.lists.suppress import suppress_address, suppress_domain
from digest.models import (
    AuditEntry,
    MailingList,
    Notice,
    OptIn,
    Subscriber,
    Subscription,
    Suppression,
    SuppressionCause,
)
from digest.tokens import Claim, Purpose, TokenError
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.integration.lists.sign_up_hands import (
    ACTIVE,
    ANI,
    DAY,
    ENDED,
    HOUR,
    PENDING,
    SIGNER,
    STATIONERY,
    asked,
    link_of,
    mails,
    press,
    statuses,
    suppress,
    wish,
)


@pytest.fixture
def list_id(database: Database) -> int:
    with database.write() as session:
        return make_list(session, make_digest(session)).id


def test_a_new_address_is_asked_and_pressing_makes_it_active(database: Database, list_id: int) -> None:
    """Pending until the button is pressed; then active and welcomed, once, however often it is pressed."""
    assert asked(database, list_id) == 1
    assert statuses(database) == [PENDING]
    ((kind, subject, text),) = mails(database)
    assert (kind, subject) == ("confirm", "Please confirm: The Courier by mail")
    token = link_of(text)
    with database.read() as session:
        shown = confirm.describe(session, SIGNER, token)
    assert shown == confirm.ConfirmLink(("The Courier by mail",), "en", is_done=False)
    assert statuses(database) == [PENDING]
    for minutes in (1, 2):
        link = press(database, token, NOW + dt.timedelta(minutes=minutes))
        assert link is not None
        assert link.is_done
        assert statuses(database) == [ACTIVE]
    assert [kind for kind, _, _ in mails(database)] == ["confirm", "welcome"]


def test_no_word_of_the_form_is_in_the_mail(database: Database, list_id: int) -> None:
    """Otherwise anybody could send anybody their own words under the paper's name."""
    words = wish(list_id, name="Buy at http://evil.test", language="fr", actor="form of https://evil.test")
    with database.write() as session:
        ask(session, words, STATIONERY, now=NOW)
    with database.read() as session:
        raw = session.scalars(sa.select(Notice.message)).one()
        person = session.scalars(sa.select(Subscriber)).one()
    assert b"evil" not in raw
    assert b"Buy" not in raw
    assert (person.name, person.language) == ("Buy at http://evil.test", "fr")


def test_lists_of_one_post_are_confirmed_by_one_press(database: Database) -> None:
    """Two lists, one mail that names both, one button; a list asked for at another time waits."""
    with database.write() as session:
        digest = make_digest(session)
        ids = [make_list(session, digest, title=title).id for title in ("Daily", "Weekend", "Sport")]
    asked(database, ids[2])
    asked(database, ids[0], ids[1], now=NOW + HOUR)
    (_, _, (text)), (_, subject, both) = mails(database)
    assert subject == "Please confirm: Daily, Weekend"
    press(database, link_of(both), NOW + 2 * HOUR)
    assert statuses(database) == [PENDING, ACTIVE, ACTIVE]
    press(database, link_of(text), NOW + 3 * HOUR)
    assert statuses(database) == [ACTIVE, ACTIVE, ACTIVE]


def test_choices_count_with_the_mail_they_caused(database: Database) -> None:
    """Those of a post that causes no mail, or comes for somebody who is on the list, do not."""
    with database.write() as session:
        digest = make_digest(session)
        first, second = (make_cadence(session, digest, name).id for name in ("morning", "sunday"))
        list_id = make_list(session, digest).id

    def post(cadence_id: int, topic: str, now: dt.datetime) -> tuple[int | None, list[str]]:
        chosen = Wish(parse_address(ANI), (ListWish(list_id, "yes", cadence_id, (topic,)),))
        with database.write() as session:
            ask(session, chosen, STATIONERY, now=now)
        with database.read() as session:
            row = session.scalars(sa.select(Subscription)).one()
            return row.cadence_id, row.topics

    assert post(first, "culture", NOW) == (first, ["culture"])
    assert post(second, "sport", NOW + HOUR) == (first, ["culture"])
    assert post(second, "sport", NOW + DAY) == (second, ["sport"])
    press(database, link_of(mails(database)[0][2]), NOW + DAY)
    assert post(first, "culture", NOW + 2 * DAY) == (second, ["sport"])


def test_who_is_on_the_list_is_told_so_and_nothing_changes(database: Database, list_id: int) -> None:
    """A mail that leads to their own page; neither a name nor a status is touched."""
    with database.write() as session:
        person = make_subscriber(session, ANI, name="Ani")
        make_subscription(session, session.get_one(MailingList, list_id), person)
    with database.write() as session:
        ask(session, wish(list_id, name="Other", language="hy"), STATIONERY, now=NOW)
    ((kind, subject, text),) = mails(database)
    assert (kind, subject) == ("confirm", "You receive this already: The Courier by mail")
    assert "/c/" not in text
    assert re.search(r"https://mail\.courier\.example/u/[\w-]{40,}/page", text)
    assert statuses(database) == [ACTIVE]
    with database.read() as session:
        found = session.scalars(sa.select(Subscriber)).one()
        assert (found.name, found.language) == ("Ani", None)


def test_who_left_is_asked_like_anybody(database: Database, list_id: int) -> None:
    """A stranger's post makes nobody active; the person's press does. After leaving, the old link is over."""
    asked(database, list_id)
    token = link_of(mails(database)[0][2])
    press(database, token)
    with database.write() as session:
        end(
            session,
            session.scalars(sa.select(Subscription)).one(),
            source=Origin.ONE_CLICK,
            now=NOW + HOUR,
            reason="unsubscribed",
        )
    assert press(database, token) is None
    asked(database, list_id, now=NOW + 2 * DAY)
    assert statuses(database) == [PENDING]
    assert press(database, token, NOW + 2 * DAY) is not None
    assert statuses(database) == [ACTIVE]
    assert [kind for kind, _, _ in mails(database)] == ["confirm", "welcome", "confirm", "welcome"]


def test_the_erased_come_back_as_somebody_new(database: Database, list_id: int) -> None:
    """An erased address can sign up again; the old link does nothing."""
    asked(database, list_id)
    old = link_of(mails(database)[0][2])
    with database.write() as session:
        erase_subscriber(session, session.scalars(sa.select(Subscriber)).one(), source=Origin.CLI, now=NOW)
    assert press(database, old) is None
    asked(database, list_id, now=NOW + DAY)
    press(database, link_of(mails(database)[-1][2]), NOW + DAY)
    assert statuses(database) == [ENDED, ACTIVE]


@pytest.mark.parametrize("cause", [SuppressionCause.BOUNCE, SuppressionCause.COMPLAINT])
def test_a_new_double_opt_in_lifts_a_bounce_or_complaint(
    database: Database, list_id: int, cause: SuppressionCause
) -> None:
    """The form alone lifts nothing, the press does; it is in the proof of consent and in the audit."""
    suppress(database, cause)
    asked(database, list_id, now=NOW + HOUR)
    with database.read() as session:
        assert session.scalars(sa.select(Suppression)).one().cause is cause
    press(database, link_of(mails(database)[0][2]), NOW + 2 * HOUR)
    with database.read() as session:
        assert session.scalars(sa.select(Suppression)).all() == []
        entry = session.scalars(sa.select(AuditEntry)).one()
    assert (entry.action, entry.details["cause"]) == ("suppression.lift", cause.value)
    assert statuses(database) == [ACTIVE]
    assert [kind for kind, _, _ in mails(database)] == ["confirm", "welcome"]


def test_an_old_link_lifts_nothing_that_came_later(database: Database, list_id: int) -> None:
    """A complaint after the last sign-up stays, though the old button is pressed; a new sign-up lifts it."""
    asked(database, list_id)
    token = link_of(mails(database)[0][2])
    press(database, token)
    suppress(database, SuppressionCause.COMPLAINT, at=NOW + HOUR)
    press(database, token, NOW + 2 * HOUR)
    with database.read() as session:
        assert session.scalars(sa.select(Suppression)).one()
    asked(database, list_id, now=NOW + DAY)
    assert mails(database)[-1][1].startswith("Please confirm")
    press(database, token, NOW + DAY)
    with database.read() as session:
        assert session.scalars(sa.select(Suppression)).all() == []


@pytest.mark.parametrize("cause", [SuppressionCause.NEVER, SuppressionCause.LEGAL])
def test_who_must_never_be_mailed_gets_nothing(
    database: Database, list_id: int, cause: SuppressionCause
) -> None:
    """No row of the person, no mail; only the count that limits everybody."""
    suppress(database, cause)
    assert asked(database, list_id) == 1
    assert asked(database, list_id, now=NOW + HOUR) == 0
    assert (mails(database), statuses(database)) == ([], [])
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber)).all() == []


def test_a_domain_is_not_lifted_by_one_person(database: Database, list_id: int) -> None:
    """Even for a bounce: the domain is not theirs alone. And `never` beside a bounce counts."""
    with database.write() as session:
        row = suppress_domain(session, "example.org", reason="x", source=Origin.CLI, now=NOW)
        assert row is not None
        row.cause = SuppressionCause.BOUNCE
    suppress(database, SuppressionCause.BOUNCE)
    asked(database, list_id)
    assert mails(database) == []


def test_never_that_comes_before_the_press_stays(database: Database, list_id: int) -> None:
    """The press confirms, but nothing is lifted and no welcome is sent."""
    asked(database, list_id)
    suppress(database, SuppressionCause.NEVER)
    press(database, link_of(mails(database)[0][2]), NOW + HOUR)
    assert statuses(database) == [ACTIVE]
    with database.read() as session:
        assert session.scalars(sa.select(Suppression)).one()
    assert [kind for kind, _, _ in mails(database)] == ["confirm"]


def test_on_a_single_opt_in_list_the_welcome_is_written_for_whomever(
    database: Database, list_id: int
) -> None:
    """For the new, the known, who left and who must not be mailed; handed over to the new alone."""
    written: list[str] = []

    def note(*args: object) -> None:
        values = args[3]
        if str(args[2]).startswith("INSERT INTO notices"):
            written.extend(
                value
                for value in (values.values() if isinstance(values, dict) else values)  # type: ignore[attr-defined]
                if value in ("welcome", "confirm")
            )

    people = {name: f"{name}@example.org" for name in ("new", "known", "left", "barred")}
    with database.write() as session:
        readers = session.get_one(MailingList, list_id)
        readers.opt_in = OptIn.SINGLE
        for name in ("known", "left"):
            made = make_subscription(session, readers, make_subscriber(session, people[name]))
            if name == "left":
                end(session, made, source=Origin.PREFERENCES, now=NOW, reason="enough")
        suppress_address(session, ADDRESS_KEY, people["barred"], reason="x", source=Origin.CLI, now=NOW)
    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        for address in people.values():
            written.clear()
            assert asked(database, list_id, address=address) == 1
            assert "welcome" in written
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    assert [kind for kind, _, _ in mails(database)] == ["welcome", "confirm", "confirm"]
    assert statuses(database) == [ACTIVE, PENDING, ACTIVE]


def test_single_opt_in_is_for_the_new_alone(database: Database, list_id: int) -> None:
    """At once and with a welcome for a new address; whoever left, was erased or bounced must confirm."""
    with database.write() as session:
        session.get_one(MailingList, list_id).opt_in = OptIn.SINGLE
    asked(database, list_id)
    assert statuses(database) == [ACTIVE]
    assert [kind for kind, _, _ in mails(database)] == ["welcome"]
    with database.write() as session:
        end(
            session,
            session.scalars(sa.select(Subscription)).one(),
            source=Origin.ONE_CLICK,
            now=NOW,
            reason="unsubscribed",
        )
    asked(database, list_id, now=NOW + DAY)
    assert statuses(database) == [PENDING]
    with database.write() as session:
        erase_subscriber(
            session, session.scalars(sa.select(Subscriber)).one(), source=Origin.CLI, now=NOW + DAY
        )
    asked(database, list_id, now=NOW + 2 * DAY)
    assert statuses(database) == [ENDED, PENDING]
    assert [kind for kind, _, _ in mails(database)] == ["confirm"]  # those before went with the person


def test_links_that_are_not_ours_are_refused(database: Database, list_id: int) -> None:
    """A sign-off link confirms nothing; a link of somebody who is not there is over."""
    asked(database, list_id)
    with database.read() as session:
        subscriber_id = session.scalars(sa.select(Subscriber.id)).one()
    with pytest.raises(TokenError):
        press(database, SIGNER.sign(Claim(Purpose.UNSUBSCRIBE, list_id, subscriber_id)))
    assert press(database, SIGNER.sign(Claim(Purpose.CONFIRM, list_id, 999))) is None
    assert statuses(database) == [PENDING]
