"""Signing up by the public pages, at the level of the steps, on both databases."""

from __future__ import annotations

import datetime as dt
import random
import re
import threading
from email import message_from_bytes
from email.policy import default

import pytest
import sqlalchemy as sa

from digest.addresses import keyed_hash, parse_address
from digest.db import Database
from digest.lists import confirm, confirmations, consent, limits
from digest.lists.erase import erase_subscriber
from digest.lists.sign_up import ListWish, SignUp, Wish, ask, sign_up
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.subscribe import end
from digest.lists.suppress import suppress_address, suppress_domain
from digest.models import (
    AuditEntry,
    Confirmation,
    MailingList,
    Notice,
    OptIn,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
    TokenBucket,
)
from digest.tokens import Claim, Purpose, Signer, TokenError
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
SIGNER = Signer({1: b"s" * 32}, 1)
STATIONERY = Stationery(SIGNER, ADDRESS_KEY, "https://mail.courier.example")
ANI = "ani@example.org"
PENDING, ACTIVE, ENDED = SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED


@pytest.fixture
def list_id(database: Database) -> int:
    with database.write() as session:
        return make_list(session, make_digest(session)).id


def wish(*list_ids: int, address: str = ANI, **values: object) -> Wish:
    lists = tuple(ListWish(list_id, "I want to receive it.") for list_id in list_ids)
    return Wish(parse_address(address), lists, **values)  # type: ignore[arg-type]


def asked(database: Database, *list_ids: int, now: dt.datetime = NOW, address: str = ANI) -> int:
    with database.write() as session:
        return ask(session, wish(*list_ids, address=address), STATIONERY, now=now)


def mails(database: Database) -> list[tuple[str, str, str]]:
    """Kind, subject and text of each mail that was asked for, in their order."""
    found = []
    with database.read() as session:
        for notice in session.scalars(sa.select(Notice).order_by(Notice.id)):
            message = message_from_bytes(notice.message, policy=default)
            body = message.get_body(("plain",))
            assert body is not None
            found.append((notice.kind, str(message["Subject"]), body.get_content()))
    return found


def link_of(text: str) -> str:
    (token,) = re.findall(r"/c/([\w-]+)", text)
    return str(token)


def press(database: Database, token: str, now: dt.datetime = NOW) -> confirm.ConfirmLink | None:
    with database.write() as session:
        return confirm.confirm_by_token(session, token, STATIONERY, now=now)


def statuses(database: Database) -> list[SubscriptionStatus]:
    with database.read() as session:
        assert not [fault for _, faults in consent.verify_all(session) for fault in faults]
        return list(session.scalars(sa.select(Subscription.status).order_by(Subscription.id)))


def suppress(database: Database, cause: SuppressionCause, *, at: dt.datetime = NOW) -> None:
    with database.write() as session:
        row = suppress_address(session, ADDRESS_KEY, ANI, reason=cause.value, source=Origin.FEEDBACK, now=at)
        assert row is not None
        row.cause = cause


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


def test_one_confirmation_a_day_and_three_in_ninety(database: Database, list_id: int) -> None:
    """The periods are half-open: exactly a day later the next, exactly ninety days later the fourth."""
    second = dt.timedelta(seconds=1)
    moments = [
        (NOW, 1),
        (NOW + DAY - second, 0),
        (NOW + DAY, 1),
        (NOW + 2 * DAY, 1),
        (NOW + 3 * DAY, 0),
        (NOW + 90 * DAY - second, 0),
        (NOW + 90 * DAY, 1),
    ]
    for moment, due in moments:
        assert asked(database, list_id, now=moment) == due, moment
    with database.write() as session:
        other = make_list(session, make_digest(session)).id
    assert asked(database, other, now=NOW + 90 * DAY) == 1


def test_two_posts_at_once_make_one_mail(database: Database, list_id: int) -> None:
    """Eight at the same moment: one mail, one person, one event."""
    start = threading.Barrier(8)

    def post() -> None:
        start.wait()
        asked(database, list_id)

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mails(database)) == 1
    assert statuses(database) == [PENDING]


def test_an_address_that_is_typed_in_often_is_answered_alike(database: Database, list_id: int) -> None:
    """Past its limit an address is still "taken"; a network past its own is told to wait."""
    for number in range(8):
        one = wish(list_id, network=f"192.0.{number}.7")
        assert sign_up(database, one, STATIONERY, now=NOW) is SignUp.TAKEN
    assert len(mails(database)) == 1
    answers = [
        sign_up(
            database,
            wish(list_id, address=f"reader{number}@example.org", network=f"198.51.100.{number}"),
            STATIONERY,
            now=NOW,
        )
        for number in range(32)
    ]
    assert answers == [SignUp.TAKEN] * 30 + [SignUp.TOO_MANY] * 2
    assert len(mails(database)) == 31
    other = wish(list_id, address="eva@example.org", network="203.0.113.1")
    assert sign_up(database, other, STATIONERY, now=NOW) is SignUp.TAKEN


def test_links_that_are_not_ours_are_refused(database: Database, list_id: int) -> None:
    """A sign-off link confirms nothing; a link of somebody who is not there is over."""
    asked(database, list_id)
    with database.read() as session:
        subscriber_id = session.scalars(sa.select(Subscriber.id)).one()
    with pytest.raises(TokenError):
        press(database, SIGNER.sign(Claim(Purpose.UNSUBSCRIBE, list_id, subscriber_id)))
    assert press(database, SIGNER.sign(Claim(Purpose.CONFIRM, list_id, 999))) is None
    assert statuses(database) == [PENDING]


def test_what_no_longer_counts_is_deleted(database: Database, list_id: int) -> None:
    """Confirmations after ninety days, buckets after a day without use; nothing sooner."""
    sign_up(database, wish(list_id, network="192.0.2.1"), STATIONERY, now=NOW)
    with database.write() as session:
        assert limits.purge(session, now=NOW + DAY) == 0
        assert limits.purge(session, now=NOW + DAY + HOUR) == 3
        assert confirmations.purge(session, now=NOW + 90 * DAY - HOUR) == 0
        assert confirmations.purge(session, now=NOW + 90 * DAY) == 1
        assert session.scalars(sa.select(TokenBucket)).all() == []
        assert session.scalars(sa.select(Confirmation)).all() == []


def test_no_address_stands_in_the_tables_of_limits(database: Database, list_id: int) -> None:
    """Only keyed hashes do, of addresses and of networks."""
    sign_up(database, wish(list_id, network="192.0.2.77"), STATIONERY, now=NOW)
    with database.read() as session:
        keys = " ".join(session.scalars(sa.select(TokenBucket.key)))
        hashes = session.scalars(sa.select(Confirmation.address_hash)).all()
    assert hashes == [keyed_hash(ADDRESS_KEY, ANI)]
    assert "192.0" not in keys
    assert "ani" not in keys


def many_posts(database: Database, list_id: int, posts: int) -> list[tuple[str, dt.datetime]]:
    """Posts over nine addresses and ninety days, each from a network of its own; which mails they caused."""
    chance = random.Random(20261123)
    addresses = [f"reader{number}@example.org" for number in range(9)]
    # Each address has its post at the very beginning; the clock runs on from there.
    moments = sorted(NOW + 90 * DAY * chance.random() for _ in range(posts - 9))
    plan = [(address, NOW) for address in addresses]
    plan += [(chance.choice(addresses), moment) for moment in moments]
    wishes = {address: wish(list_id, address=address) for address in addresses}
    caused = []
    for start in range(0, posts, 500):
        with database.write() as session:
            for address, moment in plan[start : start + 500]:
                if ask(session, wishes[address], STATIONERY, now=moment):
                    caused.append((address, moment))
    return caused


def test_posts_over_nine_addresses_cause_twenty_seven_mails(database: Database, list_id: int) -> None:
    """50,000 over ninety days, 2,500 on PostgreSQL: exactly 27 confirmations, 9 in the first 24 hours."""
    _cause_twenty_seven(database, list_id, posts=50_000 if database.is_sqlite else 2_500)


@pytest.mark.slow  # the run has a twentieth of them on PostgreSQL
def test_fifty_thousand_posts_cause_no_more_on_either_database(database: Database, list_id: int) -> None:
    """As many on PostgreSQL as on SQLite."""
    _cause_twenty_seven(database, list_id, posts=50_000)


def _cause_twenty_seven(database: Database, list_id: int, *, posts: int) -> None:
    caused = many_posts(database, list_id, posts)
    assert len(caused) == 27
    assert len([moment for _, moment in caused if moment < NOW + DAY]) == 9
    assert len(mails(database)) == 27


def test_known_and_unknown_addresses_take_about_the_same_work(database: Database, list_id: int) -> None:
    """Counted in statements, whoever it is: no clock tells a stranger much. The second post is the same."""
    with database.write() as session:
        mailing_list = session.get_one(MailingList, list_id)
        for status in SubscriptionStatus:
            make_subscription(
                session, mailing_list, make_subscriber(session, f"{status}@example.org"), status=status
            )
        for cause in SuppressionCause:
            row = suppress_address(
                session, ADDRESS_KEY, f"{cause}@example.org", reason="x", source=Origin.CLI, now=NOW
            )
            assert row is not None
            row.cause = cause
    names = ["unknown", *SubscriptionStatus, *SuppressionCause]
    first = {name: statements(database, wish(list_id, address=f"{name}@example.org")) for name in names}
    again = {name: statements(database, wish(list_id, address=f"{name}@example.org")) for name in names}
    assert len(set(again.values())) == 1
    assert max(first.values()) <= 1.25 * min(first.values()), first
    with database.read() as session:
        assert not session.scalars(sa.select(Subscriber).where(Subscriber.domain != "example.org")).all()


def statements(database: Database, one: Wish) -> int:
    """How many statements a sign-up sends to the database."""
    found = []

    def count(*_: object) -> None:
        found.append(1)

    sa.event.listen(database.engine, "after_cursor_execute", count)
    try:
        sign_up(database, one, STATIONERY, now=NOW + HOUR)  # later than what there was before
    finally:
        sa.event.remove(database.engine, "after_cursor_execute", count)
    return len(found)
