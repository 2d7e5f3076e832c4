"""Editions through a real Postfix: STARTTLS, sign-in, pipelining, its own limits, what comes out."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import default
from functools import cache
from pathlib import Path

import dkim as dkimpy
import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.group import Sender
from digest.deliveries.people import Person
from digest.deliveries.write import Writer
from digest.errors import DigestError
from digest.mail.dkim import Signer
from digest.mail.message import build_digest
from digest.mail.placeholders import PreparedMail
from digest.mail.signing_key import Algorithm, SigningKey, load_key, make_private
from digest.mail.smtp_client import SmtpTransport, check
from digest.mail.smtp_errors import SignInError
from digest.mail.transport import Endpoint, Envelope, Outcome, Reply
from digest.models import Batch, Delivery, DeliveryStatus, Transport
from digest.models import Reply as ReplyRow
from tests.factories import make_subscriber, make_subscription
from tests.integration.planned import Desk, let_go, make_desk
from tests.servers import opendkim
from tests.servers.databases import KeptSqlite
from tests.servers.postfix import DOMAIN, PASSWORD, SIZE_LIMIT, USER, PostfixServer
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import AUTHORITY, Script
from tests.servers.waiting import HANG, wait_until

SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
BOTH = {f"{algorithm}-sha256" for algorithm in Algorithm}
REFUSED = {
    f"refused@{DOMAIN}": "550 5.1.1 There is nobody of this name",
    f"later@{DOMAIN}": "450 4.2.0 Come back later",
    **{f"gone{number:02}@{DOMAIN}": "550 5.1.1 There is nobody of this name" for number in range(30)},
}
# What a relay that writes its own line on top leaves: the rest is the message.
_RECEIVED = re.compile(rb"\AReceived: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")


class KeepingWriter(Writer):
    """The writer, keeping what it has written."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.written: dict[str, bytes] = {}

    def envelopes(
        self, people: Sequence[Person], *, now: dt.datetime, signer: Signer | None = None
    ) -> list[Envelope | DigestError]:
        made = super().envelopes(people, now=now, signer=signer)
        for each in made:
            if isinstance(each, Envelope):
                self.written[each.recipient] = b"".join(each.pieces)
        return made


@dataclasses.dataclass
class Relay:
    """Postfix, and what came out behind it."""

    server: PostfixServer
    judge: JudgeServer

    def endpoint(self, **changes: object) -> Endpoint:
        plain = {
            "host": "localhost",
            "port": self.server.port,
            "username": USER,
            "password": PASSWORD,
            "ca_file": str(AUTHORITY),
            "timeout": HANG,
            "final_timeout": HANG,
        }
        return Endpoint(**(plain | changes))  # type: ignore[arg-type]

    def received(self, count: int) -> dict[str, bytes]:
        """Wait for so many messages; the bytes of each by its recipient, without Postfix's own line."""
        wait_until(lambda: len(self.judge.messages) >= count, what=f"{count} messages behind Postfix")
        found: dict[str, bytes] = {}
        for message in self.judge.messages:
            (recipient,) = message.recipients
            assert recipient not in found
            line = _RECEIVED.match(message.raw)
            assert line is not None
            found[recipient] = message.raw[line.end() :]
        assert len(found) == count
        return found


@pytest.fixture(scope="module")
def judge_behind() -> Iterator[JudgeServer]:
    """Where Postfix hands everything."""
    with JudgeServer(Script(fsync=False)) as judge:
        yield judge


@pytest.fixture(scope="module")
def postfix(postfix_path: Path, judge_behind: JudgeServer) -> Iterator[PostfixServer]:
    """One Postfix for this module."""
    with PostfixServer(postfix_path, judge_behind.port, refused=REFUSED) as server:
        yield server


@pytest.fixture
def relay(postfix: PostfixServer, judge_behind: JudgeServer) -> Iterator[Relay]:
    """Postfix with nothing in its queue and nothing on record."""
    judge_behind.messages.clear()
    before = len(postfix.complaints())
    yield Relay(postfix, judge_behind)
    # A password that is wrong on purpose is logged as well.
    assert [line for line in postfix.complaints()[before:] if "SASL" not in line] == []


@pytest.fixture
def kept(kept_sqlite: KeptSqlite) -> Iterator[KeptSqlite]:
    """One kind of database: this is about what happens outside of it."""
    yield kept_sqlite
    kept_sqlite.empty()


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet, and an edition with everything that could be changed."""
    return dataclasses.replace(make_desk(database, tmp_path), mail=_edition())


@cache
def _key(algorithm: Algorithm) -> SigningKey:
    return load_key("courier.example", f"d2026-{algorithm.value}", algorithm, make_private(algorithm))


def _edition() -> PreparedMail:
    return build_digest(
        from_name="Սուրհանդակ",
        from_address="news@courier.example",
        subject="Կամուրջը բացվեց, and other stories of a day that was long enough to fold this line",
        html="<p>«Կամուրջը բացվեց» %%name%%</p>\n" * 40
        + f"<p>{'long ' * 400}</p>\n.\n..\n<a href='%%unsubscribe_url%%'>Sign off</a>",
        text=f".\n..\n.dot\nFrom here\n{'x' * 1200}\n  %%name%%  \nSign off: %%unsubscribe_url%%\n",
    )


@contextmanager
def _sending(desk: Desk, relay: Relay, **changes: object) -> Iterator[tuple[Sender, KeepingWriter]]:
    """A worker that signs with both kinds of key and sends through Postfix."""
    writer = KeepingWriter(desk.database, desk.made, "https://digest.courier.example")
    plain = desk.sender(relay.server.port, now=clock.utc_now())
    transport = SmtpTransport(relay.endpoint(**({"max_connections": 4} | changes)))
    signer = Signer([_key(algorithm) for algorithm in Algorithm])
    sender = dataclasses.replace(
        plain, transport=transport, writer=writer, signer_for=lambda _session, _domain: signer
    )
    try:
        yield sender, writer
    finally:
        let_go(sender)


def _add(desk: Desk, *addresses: str, name: str = "Անահիտ «Ani» Petrosyan <b>") -> None:
    with desk.database.write() as session:
        for address in addresses:
            person = make_subscriber(session, address, address_key=desk.made.address_key, name=name)
            make_subscription(session, desk.mailing_list, person)


def _reader(number: int) -> str:
    return f"reader{number:03}@{DOMAIN}"


def _replies(desk: Desk, edition_id: int) -> dict[DeliveryStatus, set[str]]:
    """What the ledger keeps of the replies, by status."""
    found: dict[DeliveryStatus, set[str]] = {}
    with desk.database.read() as session:
        rows = session.execute(
            sa.select(Delivery.status, ReplyRow.code, ReplyRow.enhanced, ReplyRow.text)
            .outerjoin(ReplyRow, ReplyRow.id == Delivery.reply_id)
            .where(Delivery.edition_id == edition_id)
        )
        for status, *words in rows:
            found.setdefault(status, set()).add(" ".join(str(word) for word in words))
    return found


def test_an_edition_arrives_once_and_as_it_was_signed(
    desk: Desk, relay: Relay, opendkim_path: Path, tmp_path: Path
) -> None:
    """200 people over STARTTLS and sign-in; each byte comes out as it was, and both signatures hold."""
    _add(desk, *(_reader(number) for number in range(199)), f"անահիտ@{DOMAIN}")
    edition_id = desk.sending(clock.utc_now())
    with _sending(desk, relay) as (sender, writer):
        assert desk.send(edition_id, sender) == [True]
        received = relay.received(200)
    assert received == writer.written
    assert set(desk.statuses(edition_id).values()) == {SENT}
    records = {_key(algorithm).record_name: _key(algorithm).record for algorithm in Algorithm}
    whole = {one.recipients[0]: one.raw for one in relay.judge.messages}
    for address in (_reader(0), _reader(198), f"անահիտ@{DOMAIN}"):
        judged = opendkim.verdicts(opendkim_path, tmp_path, whole[address], records)
        assert judged == dict.fromkeys(BOTH, "pass"), address
    for raw in whole.values():
        for index in range(len(BOTH)):
            assert dkimpy.DKIM(raw).verify(index, dnsfunc=lambda name, **_: _record(records, name))


def _record(records: dict[str, str], name: bytes) -> bytes:
    return records[name.decode().rstrip(".")].encode()


def test_what_is_read_is_what_was_written(desk: Desk, relay: Relay) -> None:
    """Lines of one dot, long lines, Armenian and an awkward name are read as they were given."""
    _add(desk, _reader(1))
    with _sending(desk, relay) as (sender, _):
        desk.send(desk.sending(clock.utc_now()), sender)
        (raw,) = relay.received(1).values()
    message = BytesParser(policy=default).parsebytes(raw)
    text, html = (
        part.get_content().replace("\r\n", "\n")
        for part in (message.get_body(("plain",)), message.get_body(("html",)))
    )
    awkward = [".", "..", ".dot", "From here", "x" * 1200, "  Անահիտ «Ani» Petrosyan <b>  "]
    assert text.split("\n")[:6] == awkward
    assert f"<p>{'long ' * 400}</p>\n.\n..\n<a href=" in html
    assert message["To"].addresses[0].display_name == "Անահիտ «Ani» Petrosyan <b>"
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_a_refused_person_in_the_middle_fails_alone(desk: Desk, relay: Relay) -> None:
    """With MAIL, RCPT and DATA in one packet: one refused, one deferred, all others have it, once."""
    _add(desk, *(_reader(number) for number in range(5)), f"refused@{DOMAIN}", f"later@{DOMAIN}")
    _add(desk, *(_reader(number) for number in range(5, 10)))
    edition_id = desk.sending(clock.utc_now())
    with _sending(desk, relay, max_connections=1) as (sender, _):
        desk.send(edition_id, sender)
        assert set(relay.received(10)) == {_reader(number) for number in range(10)}
    statuses = desk.statuses(edition_id)
    assert statuses.pop(f"refused@{DOMAIN}") is FAILED
    assert statuses.pop(f"later@{DOMAIN}") is PENDING
    assert set(statuses.values()) == {SENT}
    replies = _replies(desk, edition_id)
    start = "<address>: Recipient address rejected: "
    assert replies[FAILED] == {f"550 5.1.1 {start}There is nobody of this name"}
    assert replies[PENDING] == {f"450 4.2.0 {start}Come back later"}


def test_many_refused_in_a_row_are_outlived(desk: Desk, relay: Relay) -> None:
    """Postfix hangs up after twenty errors without a mail: everybody is judged all the same, and once."""
    gone = [address for address in REFUSED if address.startswith("gone")]
    _add(desk, *gone, *(_reader(number) for number in range(5)))
    edition_id = desk.sending(clock.utc_now())
    with _sending(desk, relay, max_connections=1) as (sender, _):
        for _ in range(5):
            desk.send(edition_id, sender)
            with desk.database.write() as session:
                session.execute(sa.update(Batch).values(not_before=clock.utc_now()))
                session.execute(sa.update(Transport).values(rests_until=None))
        assert set(relay.received(5)) == {_reader(number) for number in range(5)}
    statuses = desk.statuses(edition_id)
    assert {address for address, status in statuses.items() if status is FAILED} == set(gone)
    assert [status for address, status in statuses.items() if address not in gone] == [SENT] * 5


def test_a_message_beyond_the_limit_is_refused_with_the_reason(desk: Desk, relay: Relay) -> None:
    """Larger than Postfix takes: nobody gets a part of it, nobody is uncertain, and the words are kept."""
    big = "<p>" + "The bridge. " * (SIZE_LIMIT // 12) + "</p>"
    desk.mail = build_digest(
        from_name="The Courier",
        from_address="news@courier.example",
        subject="A long day",
        html=big,
        text="%%unsubscribe_url%%",
    )
    _add(desk, *(_reader(number) for number in range(3)))
    edition_id = desk.sending(clock.utc_now())
    with _sending(desk, relay) as (sender, _):
        desk.send(edition_id, sender)
    assert relay.judge.messages == []
    assert set(desk.statuses(edition_id).values()) == {FAILED}
    assert _replies(desk, edition_id)[FAILED] == {
        "552 5.3.4 The message is larger than the mail service takes."
    }


def test_a_wrong_password_is_one_sentence(relay: Relay) -> None:
    """It is said when the service is tried, by both ways of signing in, and never in the open."""
    with pytest.raises(SignInError) as told:
        check(relay.endpoint(password="another"))
    assert str(told.value) == "The mail service does not take the login and password (535)."
    offer = check(relay.endpoint())
    assert offer.tls.startswith("TLS")
    assert offer.is_signed_in
    assert offer.size_limit == SIZE_LIMIT
    assert {"PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN"} <= set(offer.extensions)


def test_a_wrong_password_touches_no_person(desk: Desk, relay: Relay) -> None:
    """The edition waits, the reason is on batch and mail service; with the right one it goes out."""
    _add(desk, *(_reader(number) for number in range(3)))
    edition_id = desk.sending(clock.utc_now())
    with _sending(desk, relay, password="another") as (sender, _):
        assert desk.send(edition_id, sender) == [False]
    (batch,) = desk.batches(edition_id)
    sentence = "The mail service does not take the login and password (535)."
    assert batch.fault == sentence
    with desk.database.write() as session:
        row = session.get_one(Transport, desk.transport_id)
        assert row.fault == sentence
        assert {(one.status, one.attempt) for one in session.scalars(sa.select(Delivery))} == {(PENDING, 0)}
        session.execute(sa.update(Batch).values(not_before=clock.utc_now()))
        row.rests_until = None
    with _sending(desk, relay) as (sender, _):
        assert desk.send(edition_id, sender) == [True]
        relay.received(3)
    assert set(desk.statuses(edition_id).values()) == {SENT}


def test_an_open_connection_is_not_signed_in_to(relay: Relay) -> None:
    """Without TLS Postfix offers no sign-in, and takes no recipient of a stranger."""
    told: list[tuple[Outcome, Reply | None]] = []
    one = Envelope(sender="a@courier.example", recipient=_reader(1), message=b"Subject: x\r\n\r\nx\r\n")
    with SmtpTransport(relay.endpoint(host="127.0.0.1", security="none", username="", password="")) as plain:
        plain.send(
            [one], before_dot=lambda _: True, after_reply=lambda _one, what, words: told.append((what, words))
        )
    ((outcome, reply),) = told
    assert outcome is not Outcome.ACCEPTED
    assert reply is not None
    assert (reply.code, reply.enhanced) == (554, "5.7.1")
    assert relay.judge.messages == []
