"""Who is who after a change of address: to imports, to the old address, to whoever has it next."""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import dataclass
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address
from digest.db import Database
from digest.db.tuning import prefer_indexes
from digest.lists import consent, of_person
from digest.lists.change_address import Moved, ask_new_address, change_address, foresee
from digest.lists.erase import erase_subscriber
from digest.lists.fresh_links import Fresh, FreshKind, fresh_path, make_fresh_link, open_fresh_link
from digest.lists.import_order import ImportOrder, ImportReport
from digest.lists.import_run import import_subscribers
from digest.lists.my_data import my_data
from digest.lists.sign_up import ListWish, Wish, ask
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.subscribe import LeftError, add_subscriber, confirm, end, pause
from digest.lists.suppress import suppress_address
from digest.models import (
    FormerAddress,
    FreshLink,
    MailingList,
    Notice,
    NoticeState,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.tokens import Signer
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

SIGNER = Signer({1: b"a" * 32}, 1)
STATIONERY = Stationery(SIGNER, ADDRESS_KEY, "https://mail.example.org")
MINUTE = dt.timedelta(minutes=1)
PENDING, ACTIVE, ENDED = SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED
OLD, NEW = "old@mail.test", "new@mail.test"


def hash_of(address: str) -> str:
    return keyed_hash(ADDRESS_KEY, parse_address(address).key)


@dataclass(frozen=True, slots=True)
class Paper:
    """A list with one reader, who reads mail at OLD."""

    database: Database
    list_id: int
    reader_id: int

    def move(self, address: str = NEW, *, now: dt.datetime = NOW + MINUTE, who: int | None = None) -> Moved:
        """Both links are pressed, a minute apart."""
        with self.database.write() as session:
            fresh = self.asked(session, address, now=now - MINUTE, who=who)
            return change_address(session, fresh, STATIONERY, now=now)

    def asked(
        self, session: Session, address: str, *, now: dt.datetime = NOW, who: int | None = None
    ) -> Fresh:
        """The link that goes to a new address."""
        link = make_fresh_link(session, who or self.reader_id, FreshKind.ADDRESS, now=now)
        ask_new_address(session, Fresh(link, self.list_id), address, STATIONERY, now=now)
        newest = sa.select(FreshLink).where(FreshLink.purpose == "new-address").order_by(FreshLink.id.desc())
        return Fresh(session.scalars(newest.limit(1)).one(), self.list_id)

    def bring(self, *addresses: str, list_id: int | None = None, header: str = "email") -> ImportReport:
        """Import these addresses as people who get mail."""
        order = ImportOrder(list_id or self.list_id, "moved from our old list", "cli:test", ADDRESS_KEY)
        content = "\n".join((header, *addresses)) + "\n"
        return import_subscribers(self.database, io.BytesIO(content.encode()), order, now=NOW + 9 * MINUTE)

    def sign_up(
        self, session: Session, address: str, *, now: dt.datetime, status: SubscriptionStatus = ACTIVE
    ) -> int:
        """A sign-up of somebody's own; the subscriber's number."""
        return add_subscriber(
            session,
            session.get_one(MailingList, self.list_id),
            address,
            address_key=ADDRESS_KEY,
            consent_text="Yes",
            source=Origin.FORM,
            actor="",
            now=now,
            status=status,
        ).subscriber_id

    def people(self) -> list[tuple[str | None, str]]:
        """Everybody's address and status on the list; the chains are checked on the way."""
        with self.database.read() as session:
            assert [bad for _, found in consent.verify_all(session) for bad in found] == []
            rows = session.execute(
                sa.select(Subscriber.address, Subscription.status)
                .join(Subscription, Subscription.subscriber_id == Subscriber.id)
                .where(Subscription.list_id == self.list_id)
                .order_by(Subscriber.id)
            )
            return [(row.address, row.status.value) for row in rows]


@pytest.fixture
def paper(database: Database) -> Paper:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        mailing_list = make_list(session, digest)
        reader = make_subscriber(session, OLD)
        make_subscription(session, mailing_list, reader)
        return Paper(database, mailing_list.id, reader.id)


def mail(session: Session, key: str, to: str, at: dt.datetime) -> Notice:
    """A single mail that waits."""
    notice = Notice(
        key=key,
        kind="welcome",
        address=to,
        sender_address="news@courier.example",
        message=f"Subject: {key}\r\n\r\nhello\r\n".encode(),
        not_before=at,
        created_at=at,
    )
    session.add(notice)
    session.flush()
    return notice


def subjects(session: Session, subscriber_id: int) -> set[str]:
    """Of the single mails in the file of a person's data."""
    found = json.loads(my_data(session, subscriber_id, now=NOW))
    return {notice["subject"] for notice in found["notices"]}


# Imports


def test_an_import_knows_people_by_an_address_of_before(paper: Paper) -> None:
    """Who moved is known on the list, never added; however the old address is written."""
    assert paper.move() is Moved.DONE
    report = paper.bring("OLD@Mail.test", NEW, "other@mail.test")
    assert (report.added, report.known) == (1, 2)
    assert paper.people() == [(NEW, "active"), ("other@mail.test", "active")]


def test_an_import_to_another_list_brings_no_mail_to_a_new_address(paper: Paper) -> None:
    """What was agreed to for the old address is not carried over to one that nobody named."""
    paper.move()
    with paper.database.write() as session:
        other = make_list(session, make_digest(session)).id
    report = paper.bring(OLD, list_id=other)
    assert (report.added, report.known) == (0, 1)
    with paper.database.read() as session:
        assert session.scalars(sa.select(Subscription.list_id)).all() == [paper.list_id]


def test_whoever_left_stays_so_by_any_address(paper: Paper) -> None:
    """Left after the move, or erased after it: an import of the old address brings nobody back."""
    paper.move()
    with paper.database.write() as session:
        reader = session.get_one(Subscriber, paper.reader_id)
        subscription = session.scalars(sa.select(Subscription)).one()
        end(session, subscription, source=Origin.PREFERENCES, now=NOW + 2 * MINUTE, reason="left")
    assert paper.bring(OLD).left == 1
    with paper.database.write() as session:
        reader = session.get_one(Subscriber, paper.reader_id)
        erase_subscriber(session, reader, source=Origin.PREFERENCES, now=NOW + 3 * MINUTE)
    report = paper.bring(OLD, NEW)
    assert (report.added, report.left) == (0, 2)
    assert paper.people() == [(None, "ended")]
    with paper.database.write() as session, pytest.raises(LeftError):
        add_subscriber(
            session,
            session.get_one(MailingList, paper.list_id),
            OLD,
            address_key=ADDRESS_KEY,
            consent_text="card",
            source=Origin.CLI,
            actor="cli:test",
            now=NOW,
        )


def test_a_leaver_of_another_tool_has_left_by_an_address_of_before(paper: Paper) -> None:
    """The file says that the old address left there: the person has."""
    paper.move()
    report = paper.bring(f"{OLD},unsubscribed", header="email,status")
    assert (report.added, report.ended) == (0, 1)
    assert paper.people() == [(NEW, "ended")]


def test_whoever_reads_mail_at_a_former_address_may_sign_up(paper: Paper) -> None:
    """It may be another person's by now: a new subscriber, who is the one that imports find."""
    paper.move()
    with paper.database.write() as session:
        newcomer = paper.sign_up(session, OLD, now=NOW + 2 * MINUTE, status=PENDING)
        subscription = session.scalars(
            sa.select(Subscription).where(Subscription.subscriber_id == newcomer)
        ).one()
        confirm(session, subscription, source=Origin.CONFIRM_LINK, now=NOW + 3 * MINUTE)
    assert paper.people() == [(NEW, "active"), (OLD, "active")]
    assert paper.bring(f"{OLD},unsubscribed", header="email,status").ended == 1
    assert paper.people() == [(NEW, "active"), (OLD, "ended")]


def test_who_moves_back_has_no_former_address_of_that_name(paper: Paper) -> None:
    """There and back: one former address, the other one; again and again, no two of one."""
    for number, address in enumerate((NEW, OLD, NEW, OLD)):
        assert paper.move(address, now=NOW + (2 * number + 2) * MINUTE) is Moved.DONE
    with paper.database.read() as session:
        assert session.scalars(sa.select(FormerAddress.address_hash)).all() == [hash_of(NEW)]
        assert session.get_one(Subscriber, paper.reader_id).address_hash == hash_of(OLD)


def test_another_spelling_is_no_change(paper: Paper) -> None:
    """The same address in other letters: written as wanted, no former address, nobody is told of anything."""
    assert paper.move("Old@mail.test") is Moved.DONE
    with paper.database.read() as session:
        assert session.scalars(sa.select(FormerAddress)).all() == []
        assert session.get_one(Subscriber, paper.reader_id).address == "Old@mail.test"
        assert set(session.scalars(sa.select(Notice.kind))) == {"fresh_link"}


# Links, and the old address


@pytest.mark.parametrize(("new", "lives"), [(NEW, False), ("Old@mail.test", True)])
def test_an_older_link_does_not_outlive_the_change(paper: Paper, new: str, *, lives: bool) -> None:
    """A mistyped address was asked first, then the right one: once that is done, the other links are dead.

    So are those to the person's data and to the erasure, unless the mailbox is the same as before.
    """
    with paper.database.write() as session:
        mistyped = paper.asked(session, "stranger@mail.test")
        waiting = make_fresh_link(session, paper.reader_id, FreshKind.ADDRESS, now=NOW)
        own = [
            make_fresh_link(session, paper.reader_id, kind, now=NOW)
            for kind in (FreshKind.DATA, FreshKind.ERASE)
        ]
        right = paper.asked(session, new)
        assert change_address(session, right, STATIONERY, now=NOW + MINUTE) is Moved.DONE
        opened = [
            open_fresh_link(
                session,
                SIGNER,
                fresh_path(SIGNER, link, list_id=paper.list_id).rpartition("/")[2],
                FreshKind(link.purpose),
                now=NOW + 2 * MINUTE,
                to_act=True,
            )
            for link in (mistyped.link, waiting, right.link, *own)
        ]
        assert [found is not None for found in opened] == [False, False, False, lives, lives]


def test_the_mail_to_a_stranger_is_still_known_as_asked_for(paper: Paper) -> None:
    """The link to the mistyped address is dead; what went there is in the file, and goes with the person."""
    with paper.database.write() as session:
        paper.asked(session, "stranger@mail.test")
        change_address(session, paper.asked(session, NEW), STATIONERY, now=NOW + MINUTE)
        found = json.loads(my_data(session, paper.reader_id, now=NOW))
        assert sorted(notice["to"] for notice in found["notices"]) == [NEW, OLD, "stranger@mail.test"]
        reader = session.get_one(Subscriber, paper.reader_id)
        erase_subscriber(session, reader, source=Origin.PREFERENCES, now=NOW + 2 * MINUTE)
        assert session.scalars(sa.select(Notice)).all() == []


@pytest.mark.parametrize("language", ["en", "hy"])
def test_the_old_address_is_told_and_not_where_to(database: Database, language: str) -> None:
    """One mail in the digest's language, without the new address; none to a suppressed one."""
    words = {"en": "If that was not you", "hy": "Եթե դա դուք չեք արել"}
    with database.write() as session:
        mailing_list = make_list(session, make_digest(session, language=language))
        readers = [make_subscriber(session, address) for address in (OLD, "never@mail.test")]
        for reader in readers:
            make_subscription(session, mailing_list, reader)
        suppress_address(session, ADDRESS_KEY, "never@mail.test", reason="never", source=Origin.CLI, now=NOW)
        paper = Paper(database, mailing_list.id, readers[0].id)
        for reader, address in zip(readers, (NEW, "newer@mail.test"), strict=True):
            fresh = paper.asked(session, address, who=reader.id)
            assert change_address(session, fresh, STATIONERY, now=NOW + MINUTE) is Moved.DONE
        (told,) = session.scalars(sa.select(Notice).where(Notice.kind == "moved"))
    assert (told.address, told.state, told.created_at) == (OLD, NoticeState.PENDING, NOW + MINUTE)
    text = message_from_bytes(told.message, policy=policy.default).get_body(("plain",))
    assert text is not None
    assert words[language] in text.get_content()
    assert NEW not in told.message.decode()
    assert NEW.partition("@")[0] not in text.get_content()


# Taken addresses


def test_an_address_that_was_only_signed_up_is_free(paper: Paper) -> None:
    """Nobody has confirmed it, and its reader presses now: the person moves there, the sign-up is erased."""
    with paper.database.write() as session:
        waiting = paper.sign_up(session, NEW, now=NOW, status=PENDING)
        mail(session, "confirm", NEW, NOW)
        fresh = paper.asked(session, NEW)
        assert foresee(session, fresh, address_key=ADDRESS_KEY) is Moved.DONE
        assert session.get_one(Subscriber, waiting).address == NEW
        assert change_address(session, fresh, STATIONERY, now=NOW + MINUTE) is Moved.DONE
        assert session.get_one(Subscriber, waiting).erased_at == NOW + MINUTE
        assert set(session.scalars(sa.select(Notice.kind))) == {"moved"}
    assert paper.people() == [(NEW, "active"), (None, "ended")]
    assert paper.bring(NEW, OLD).known == 2


@pytest.mark.parametrize("how", ["left", "left_unconfirmed", "pending_again", "left_elsewhere"])
def test_an_address_that_has_left_is_not_taken_over(paper: Paper, how: str) -> None:
    """It keeps its history, without which an import would bring it back; its reader is told what to do."""
    with paper.database.write() as session:
        status = PENDING if how == "left_unconfirmed" else ACTIVE
        owner = paper.sign_up(session, NEW, now=NOW, status=status)
        mine = sa.select(Subscription).where(Subscription.subscriber_id == owner)
        end(session, session.scalars(mine).one(), source=Origin.ONE_CLICK, now=NOW, reason="left")
        if how == "pending_again":
            paper.sign_up(session, NEW, now=NOW, status=PENDING)
        if how == "left_elsewhere":
            other = make_list(session, make_digest(session))
            make_subscription(session, other, session.get_one(Subscriber, owner), status=PENDING)
        fresh = paper.asked(session, NEW)
        assert foresee(session, fresh, address_key=ADDRESS_KEY) is Moved.LEFT
        assert change_address(session, fresh, STATIONERY, now=NOW + MINUTE) is Moved.LEFT
        assert session.get_one(Subscriber, owner).address == NEW
        assert session.get_one(Subscriber, paper.reader_id).address == OLD
        assert fresh.link.used_at is None


def test_one_who_pauses_has_the_address(paper: Paper) -> None:
    """A pause is no leaving."""
    with paper.database.write() as session:
        owner = paper.sign_up(session, NEW, now=NOW)
        mine = sa.select(Subscription).where(Subscription.subscriber_id == owner)
        pause(session, session.scalars(mine).one(), source=Origin.PREFERENCES, actor="", now=NOW)
        fresh = paper.asked(session, NEW)
        assert foresee(session, fresh, address_key=ADDRESS_KEY) is Moved.TAKEN
        assert change_address(session, fresh, STATIONERY, now=NOW + MINUTE) is Moved.TAKEN


@pytest.mark.parametrize("status", [PENDING, ENDED])
def test_the_do_not_mail_list_comes_first(paper: Paper, status: SubscriptionStatus) -> None:
    """Whoever has the address: what must not be mailed is not moved to, and nobody makes way for it."""
    with paper.database.write() as session:
        owner = make_subscriber(session, NEW)
        make_subscription(session, session.get_one(MailingList, paper.list_id), owner, status=status)
        fresh = paper.asked(session, NEW)
        suppress_address(session, ADDRESS_KEY, NEW, reason="never", source=Origin.CLI, now=NOW)
        assert foresee(session, fresh, address_key=ADDRESS_KEY) is Moved.REFUSED
        assert change_address(session, fresh, STATIONERY, now=NOW + MINUTE) is Moved.REFUSED
        assert owner.erased_at is None


# Whose mails they are


def test_mails_are_whose_the_address_was_then(paper: Paper) -> None:
    """P moved from A to B, then Q signed up with A: each file has its own mails, and erasing P leaves Q's."""
    with paper.database.write() as session:
        mail(session, "before", OLD, NOW)
    paper.move()
    with paper.database.write() as session:
        newcomer = paper.sign_up(session, OLD, now=NOW + 2 * MINUTE, status=PENDING)
        waiting = mail(session, "please confirm", OLD, NOW + 2 * MINUTE)
        mail(session, "at the new one", NEW, NOW + 2 * MINUTE)
        asked, told = "Shall The Courier by mail come to this address?", "goes to another address now"
        mine = subjects(session, paper.reader_id)
        assert {"before", "at the new one", asked} <= mine
        assert any(told in subject for subject in mine)
        assert "please confirm" not in mine
        assert subjects(session, newcomer) == {"please confirm"}
        reader = session.get_one(Subscriber, paper.reader_id)
        erase_subscriber(session, reader, source=Origin.PREFERENCES, now=NOW + 3 * MINUTE)
        assert session.scalars(sa.select(Notice)).all() == [waiting]


def test_mails_of_before_a_move_are_not_the_movers(paper: Paper) -> None:
    """Q had B and moved on, then P moved to B: what Q was sent there stays Q's, what P had sent is P's."""
    with paper.database.write() as session:
        first = paper.sign_up(session, NEW, now=NOW)
        mail(session, "of the first", NEW, NOW)
    assert paper.move("third@mail.test", who=first, now=NOW + 2 * MINUTE) is Moved.DONE
    assert paper.move(NEW, now=NOW + 5 * MINUTE) is Moved.DONE
    with paper.database.write() as session:
        mail(session, "of the second", NEW, NOW + 6 * MINUTE)
        mine = subjects(session, paper.reader_id)
        assert "of the first" not in mine
        assert {"of the second", "Shall The Courier by mail come to this address?"} <= mine
        assert {"of the first"} <= subjects(session, first)
        assert "of the second" not in subjects(session, first)
        reader = session.get_one(Subscriber, paper.reader_id)
        erase_subscriber(session, reader, source=Origin.PREFERENCES, now=NOW + 7 * MINUTE)
        left = set(session.scalars(sa.select(Notice.address)))
        assert left == {NEW, "third@mail.test"}
        assert subjects(session, first) >= {"of the first"}


def test_mails_of_there_and_back_are_all_found(paper: Paper) -> None:
    """Away and back again: the mails of both times, not those of somebody who had it in between."""
    with paper.database.write() as session:
        mail(session, "first time", OLD, NOW)
    paper.move(NEW, now=NOW + 2 * MINUTE)
    with paper.database.write() as session:
        guest = paper.sign_up(session, OLD, now=NOW + 3 * MINUTE)
        mail(session, "of the guest", OLD, NOW + 3 * MINUTE)
    paper.move("third@mail.test", who=guest, now=NOW + 5 * MINUTE)
    paper.move(OLD, now=NOW + 7 * MINUTE)
    with paper.database.write() as session:
        mail(session, "second time", OLD, NOW + 8 * MINUTE)
        mine = subjects(session, paper.reader_id)
        assert {"first time", "second time"} <= mine
        assert "of the guest" not in mine
        assert "of the guest" in subjects(session, guest)
        assert not {"first time", "second time"} & subjects(session, guest)


@pytest.mark.parametrize("status", [ACTIVE, PENDING])
def test_the_form_mails_the_address_as_it_is_on_file(paper: Paper, status: SubscriptionStatus) -> None:
    """However it was typed: so the mail is found again in the person's data, and goes with them."""
    with paper.database.write() as session:
        person = paper.sign_up(session, "Ani@mail.test", now=NOW, status=status)
        text = "You agreed to get it."
        wish = Wish(parse_address("ANI@Mail.test"), (ListWish(paper.list_id, text),))
        assert ask(session, wish, STATIONERY, now=NOW + MINUTE) == 1
        (notice,) = session.scalars(sa.select(Notice))
        assert notice.address == "Ani@mail.test"
        assert b"ANI@mail.test" not in notice.message
        assert len(subjects(session, person)) == 1
        erase_subscriber(session, session.get_one(Subscriber, person), source=Origin.CLI, now=NOW + MINUTE)
        assert session.scalars(sa.select(Notice)).all() == []


def test_single_mails_are_found_by_the_index(paper: Paper) -> None:
    """However many there are: the statement reads the index on the address, on both databases."""
    paper.move()
    with paper.database.read() as session:
        prefer_indexes(session)  # of a few rows PostgreSQL would read them all
        reader = session.get_one(Subscriber, paper.reader_id)
        own = of_person.notices_of(
            of_person.addresses_of(session, reader), of_person.asked_of(session, reader)
        )
        query = sa.select(Notice.id).where(own)
        literal = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        is_sqlite = paper.database.is_sqlite
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        plan = [str(row[-1]) for row in session.execute(sa.text(f"{explain} {literal}"))]
    assert any("ix_notices_address" in line for line in plan), plan
    assert not any(line.startswith("SCAN notices") or "Seq Scan" in line for line in plan), plan
