"""Signing up once more: before it is confirmed, for other lists, by who is on the list. On both databases."""

from __future__ import annotations

import datetime as dt
import io
import re
from email import message_from_bytes
from email.policy import default

import pytest
import sqlalchemy as sa

from digest.addresses import parse_address
from digest.db import Database
from digest.lists import confirm, consent
from digest.lists.confirm import ConfirmLink
from digest.lists.consent_proof import people_with, proof_of
from digest.lists.import_order import ImportOrder
from digest.lists.import_run import import_subscribers
from digest.lists.import_undo import undo
from digest.lists.sign_up import ListWish, Wish, ask
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.subscribe import end, pause
from digest.lists.suppress import suppress_address
from digest.models import (
    Confirmation,
    ConsentEvent,
    Notice,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
)
from digest.tokens import Signer
from tests.factories import make_digest, make_list
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
SIGNER = Signer({1: b"s" * 32}, 1)
STATIONERY = Stationery(SIGNER, ADDRESS_KEY, "https://mail.courier.example")
ANI = "ani@example.org"
PENDING, ACTIVE, PAUSED, ENDED = (
    SubscriptionStatus.PENDING,
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.PAUSED,
    SubscriptionStatus.ENDED,
)


@pytest.fixture
def lists(database: Database) -> list[int]:
    """Three lists of a digest."""
    with database.write() as session:
        digest = make_digest(session)
        return [make_list(session, digest, title=title).id for title in ("Daily", "Weekend", "Sport")]


def post(database: Database, *list_ids: int, now: dt.datetime, words: str = "yes", **values: str) -> int:
    wish = Wish(parse_address(ANI), tuple(ListWish(one, words) for one in list_ids), **values)
    with database.write() as session:
        return ask(session, wish, STATIONERY, now=now)


def links(database: Database) -> list[tuple[str, str]]:
    """The token and the post of each confirmation mail, in their order."""
    with database.read() as session:
        raw = session.scalars(sa.select(Notice.message).order_by(Notice.id)).all()
    found = []
    for message in raw:
        body = message_from_bytes(message, policy=default).get_body(("plain",))
        assert body is not None
        found += re.findall(r"/c/([\w-]+)\?p=([\w-]+)", body.get_content())
    return found


def press(database: Database, link: tuple[str, str], now: dt.datetime, **values: str) -> ConfirmLink | None:
    with database.write() as session:
        return confirm.confirm_by_token(session, link[0], STATIONERY, post=link[1], now=now, **values)


def statuses(database: Database) -> list[SubscriptionStatus]:
    with database.read() as session:
        assert not [fault for _, faults in consent.verify_all(session) for fault in faults]
        return list(session.scalars(sa.select(Subscription.status).order_by(Subscription.id)))


def events(database: Database) -> list[tuple[str, SubscriptionStatus]]:
    with database.read() as session:
        rows = session.execute(
            sa.select(ConsentEvent.action, ConsentEvent.status).order_by(ConsentEvent.id)
        ).all()
        return [(row.action, row.status) for row in rows]


def person(database: Database) -> tuple[str, str | None]:
    with database.read() as session:
        found = session.scalars(sa.select(Subscriber)).one()
        return found.name, found.language


def suppress(database: Database, now: dt.datetime, cause: SuppressionCause = SuppressionCause.BOUNCE) -> None:
    with database.write() as session:
        suppress_address(session, ADDRESS_KEY, ANI, reason="x", source=Origin.FEEDBACK, now=now, cause=cause)


def imported(database: Database, list_id: int, now: dt.datetime = NOW) -> int:
    order = ImportOrder(list_id, "moved", "cli:test", ADDRESS_KEY)
    report = import_subscribers(database, io.BytesIO(f"email\n{ANI}\n".encode()), order, now=now)
    assert report.import_id is not None
    return report.import_id


def test_the_sign_up_that_was_confirmed_is_in_the_proof(database: Database, lists: list[int]) -> None:
    """A stranger's post, then the person's own: both are events, and the name is not the stranger's."""
    post(database, lists[0], now=NOW, name="Silly", language="fr", network="203.0.113.7", words="old words")
    post(database, lists[0], now=NOW + DAY, name="Ani", language="hy", network="192.0.2.7", words="new words")
    assert person(database) == ("Ani", "hy")
    press(database, links(database)[1], NOW + 2 * DAY, network="192.0.2.7")
    assert events(database) == [("sign_up", PENDING), ("sign_up", PENDING), ("confirm", ACTIVE)]
    assert statuses(database) == [ACTIVE]
    with database.read() as session:
        proof = proof_of(session, people_with(session, ADDRESS_KEY, ANI), now=NOW).decode()
    assert "192.0.2.0/24" in proof
    assert "new words" in proof


def test_a_post_that_causes_no_mail_is_no_event(database: Database, lists: list[int]) -> None:
    """It changes nothing: neither the chain nor the name."""
    post(database, lists[0], now=NOW, name="Ani")
    assert post(database, lists[0], now=NOW + HOUR, name="Silly") == 0
    assert events(database) == [("sign_up", PENDING)]
    assert person(database) == ("Ani", None)


def test_a_name_that_was_confirmed_once_stays(database: Database, lists: list[int]) -> None:
    """Whatever is posted later, for this list or another, and also after they have left everything."""
    post(database, lists[0], now=NOW, name="Ani", language="hy")
    press(database, links(database)[0], NOW)
    post(database, lists[1], now=NOW + DAY, name="Silly", language="fr")
    assert person(database) == ("Ani", "hy")
    with database.write() as session:
        for each in session.scalars(sa.select(Subscription)):
            end(session, each, source=Origin.ONE_CLICK, now=NOW + DAY, reason="unsubscribed")
    for days in (2, 3):
        post(database, *lists[:2], now=NOW + days * DAY, name="Silly", language="fr")
    assert statuses(database) == [PENDING, PENDING]
    assert person(database) == ("Ani", "hy")


def test_an_empty_name_takes_a_strangers_away(database: Database, lists: list[int]) -> None:
    """Also by a post for another list."""
    post(database, lists[0], now=NOW, name="Silly", language="fr")
    post(database, lists[1], now=NOW + HOUR)
    assert person(database) == ("", None)


def test_a_mail_confirms_what_it_asked_about(database: Database, lists: list[int]) -> None:
    """Though one of its lists was asked about again since: the first mail names both, the second one."""
    post(database, lists[0], lists[1], now=NOW)
    post(database, lists[0], now=NOW + DAY)
    first, second = links(database)
    assert first[0] == second[0]
    with database.read() as session:
        shown = [confirm.describe(session, SIGNER, token, post=mail) for token, mail in (first, second)]
    assert [link.titles for link in shown if link] == [("Daily", "Weekend"), ("Daily",)]
    press(database, second, NOW + DAY)
    assert statuses(database) == [ACTIVE, PENDING]
    with database.read() as session:
        link = confirm.describe(session, SIGNER, first[0], post=first[1])
    assert link is not None
    assert not link.is_done
    press(database, first, NOW + 2 * DAY)
    assert statuses(database) == [ACTIVE, ACTIVE]
    with database.read() as session:
        kinds = list(session.scalars(sa.select(Notice.kind).order_by(Notice.id)))
    assert kinds == ["confirm", "confirm", "welcome", "welcome"]


def test_a_link_without_its_mail_is_of_the_last_one(database: Database, lists: list[int]) -> None:
    """Cut by a mail program, or of before there was such a mark; what is made up confirms no more."""
    post(database, lists[0], lists[1], now=NOW)
    token = links(database)[0][0]
    post(database, lists[2], now=NOW + HOUR)
    other = links(database)[1]
    assert other[0] != token
    press(database, (token, other[1]), NOW + HOUR)  # a mail about another list
    assert statuses(database) == [ACTIVE, ACTIVE, PENDING]
    post(database, lists[2], now=NOW + 2 * DAY)
    with database.write() as session:
        session.execute(sa.update(Confirmation).values(post=None))
    press(database, (other[0], ""), NOW + 2 * DAY)
    assert statuses(database) == [ACTIVE, ACTIVE, ACTIVE]


def test_a_mail_of_long_ago_still_confirms_its_lists(database: Database, lists: list[int]) -> None:
    """Once its rows are deleted, those that have waited since that moment."""
    post(database, lists[0], lists[1], now=NOW)
    post(database, lists[2], now=NOW + HOUR)
    with database.write() as session:
        session.execute(sa.delete(Confirmation))
    press(database, links(database)[0], NOW + 100 * DAY)
    assert statuses(database) == [ACTIVE, ACTIVE, PENDING]


def test_who_left_one_list_since_is_left_alone(database: Database, lists: list[int]) -> None:
    """The rest of the mail's lists are confirmed."""
    post(database, lists[0], lists[1], now=NOW)
    with database.write() as session:
        left = session.scalars(sa.select(Subscription).where(Subscription.list_id == lists[1])).one()
        end(session, left, source=Origin.CLI, now=NOW, reason="asked by phone")
    link = press(database, links(database)[0], NOW + HOUR)
    assert link is not None
    assert link.titles == ("Daily",)
    assert statuses(database) == [ACTIVE, ENDED]


@pytest.mark.parametrize("paused", [False, True])
def test_what_is_lifted_for_a_reader_is_in_their_proof(
    database: Database, lists: list[int], *, paused: bool
) -> None:
    """A confirmation of who is on the list, whose status stays, as does the date of a pause. Once."""
    imported(database, lists[0])
    until = NOW + 9 * DAY if paused else None
    if paused:
        with database.write() as session:
            pause(
                session,
                session.scalars(sa.select(Subscription)).one(),
                source=Origin.CLI,
                actor="",
                now=NOW,
                until=until,
            )
    suppress(database, NOW + HOUR, SuppressionCause.COMPLAINT)
    post(database, lists[0], now=NOW + DAY)
    for hours in (1, 2):
        press(database, links(database)[0], NOW + DAY + hours * HOUR)
    status = PAUSED if paused else ACTIVE
    assert statuses(database) == [status]
    assert events(database)[-1] == ("confirm", status)
    assert [action for action, _ in events(database)].count("confirm") == 1
    with database.read() as session:
        assert not session.scalars(sa.select(Suppression)).all()
        assert session.scalars(sa.select(Subscription.paused_until)).one() == until
        details = session.scalars(sa.select(ConsentEvent.details).order_by(ConsentEvent.id)).all()[-1]
        alive = session.scalars(sa.select(Subscriber.last_sign_of_life_at)).one()
        kinds = set(session.scalars(sa.select(Notice.kind)))
    assert details == {"lifted": "complaint"}
    assert alive == NOW + DAY + 2 * HOUR
    assert kinds == {"confirm"}  # somebody who is on the list is not welcomed


@pytest.mark.parametrize("released", [False, True])
def test_an_own_consent_outlives_the_undoing_of_an_import(
    database: Database, lists: list[int], *, released: bool
) -> None:
    """Who has confirmed a sign-up of their own is a reader by that, whatever was left to lift."""
    import_id = imported(database, lists[0])
    suppress(database, NOW + HOUR)
    post(database, lists[0], now=NOW + DAY)
    if released:
        with database.write() as session:
            session.execute(sa.delete(Suppression))
    press(database, links(database)[0], NOW + DAY)
    undone = undo(database, import_id, actor="cli:test", now=NOW + 2 * DAY)
    assert (undone.ended, undone.changed_since) == (0, 1)
    assert statuses(database) == [ACTIVE]


def test_a_strangers_post_proves_nothing(database: Database, lists: list[int]) -> None:
    """Of a reader who does not press anything: no event, and the import that brought them can be undone."""
    import_id = imported(database, lists[0])
    post(database, lists[0], now=NOW + HOUR)
    suppress(database, NOW + 2 * HOUR)
    post(database, lists[0], now=NOW + 2 * DAY)
    assert events(database) == [("import", ACTIVE)]
    assert undo(database, import_id, actor="cli:test", now=NOW + 3 * DAY).ended == 1


def test_an_old_mail_lifts_nothing_that_came_after_it(database: Database, lists: list[int]) -> None:
    """Though somebody has posted the form since: only the mail of that post lifts it."""
    post(database, lists[0], now=NOW)
    press(database, links(database)[0], NOW)
    suppress(database, NOW + HOUR, SuppressionCause.COMPLAINT)
    post(database, lists[0], now=NOW + DAY)
    first, second = links(database)
    press(database, first, NOW + DAY)
    with database.read() as session:
        assert session.scalars(sa.select(Suppression)).one()
    assert events(database) == [("sign_up", PENDING), ("confirm", ACTIVE)]
    press(database, second, NOW + DAY)
    with database.read() as session:
        assert not session.scalars(sa.select(Suppression)).all()
    assert events(database)[2:] == [("confirm", ACTIVE)]
