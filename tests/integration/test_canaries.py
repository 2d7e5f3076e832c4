"""Whoever is mailed gets what is theirs and nothing of anybody else, by the record of the mail service.

Each person has a *canary*, a word that stands in their name and their address and nowhere else. Whole
messages are searched for all canaries and all signed links there are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
import re
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

import dkim as dkimpy
import pytest
import sqlalchemy as sa

from digest import clock
from digest.addresses import keyed_hash
from digest.db import Database
from digest.deliveries.group import Sender
from digest.mail.dkim import Signer
from digest.mail.headers import message_id
from digest.mail.message import build_digest
from digest.mail.signing_key import Algorithm, SigningKey, load_key, make_private
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.mail.verp import parse_verp
from digest.models import (
    Batch,
    CoolDown,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Digest,
    Reply,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Transport,
)
from digest.tokens import Purpose
from tests.factories.moments import NOW
from tests.integration.planned import PUBLIC_URL, Desk, let_go, make_desk
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Received, Script
from tests.servers.waiting import HANG

SENT, FAILED, UNCERTAIN = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.UNCERTAIN
CANARY = re.compile("kx[0-9a-f]{14}xk")
LINK = re.compile(re.escape(PUBLIC_URL) + "/u/([A-Za-z0-9_-]+)")
DOMAINS = 7
CONNECTIONS = 8
BOUNCES = "bounces@courier.example"

# Connections that are lost while a message is on its way: its dot has left, for short messages leave whole.
_DROPS = 11

# Names that try to break out of where they stand; each still holds its person's canary. A row may have come
# from anywhere: these are written past the checks of an import.
HOSTILE = {
    "new lines": "{}\r\nBcc: victim@mail.test\r\n\r\n.\r\nMAIL FROM:<x@mail.test>",
    "bare ones": "{}\nBcc: victim@mail.test\r.\r",
    "quotes": '"{}" <other@mail.test>, "',
    "backslashes": '{}\\" \\',
    "tags": "<b>{}</b><script>alert(1)</script><a href='",
    "entities": "{} &lt;b&gt; &#x3c;",
    "placeholders": "%%name%% {} %%unsubscribe_url%%",
    "right to left": "\u202e\u2067{}\u200f\u202c שלום",
    "encoded words": "=?utf-8?q?{}=0D=0ABcc:_victim=40mail.test?=",
    "soft breaks": "{}=\r\n=3D=0D=0A",
    "a boundary": "--=_{}--\r\n\r\n--=_x",
    "controls": "\x01{}\x1b[31m\x7f\x85\u2028",
    "halves": "\ufffe{} \U0001f469\u200d\U0001f52c",
    "long": "{} " + "Ա" * 1900,
}
ENDLESS = "{} " + "a" * 5_000  # longer than a mail takes: nobody gets a mail, and that is theirs alone


@dataclass(frozen=True, slots=True)
class Canary:
    """One person and all that is theirs alone."""

    subscriber_id: int
    word: str
    address: str
    name: str


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom whose edition has text in quoted-printable and HTML in base64, with VERP."""
    made = make_desk(database, tmp_path)
    with database.write() as session:
        session.execute(sa.update(Digest).values(bounce_address=BOUNCES))
    mail = build_digest(
        from_name="The Courier",
        from_address="news@courier.example",
        subject="A bridge is mended",
        html=f"<p>Բարև, %%name%%։</p><p>{'Կամուրջը բացվեց։ ' * 30}</p>\n"
        "<a href='%%unsubscribe_url%%'>Չստանալ</a>",
        text="Dear %%name%%,\n\na bridge is mended.\n\nSign off: %%unsubscribe_url%%\n",
    )
    return dataclasses.replace(made, mail=mail)


def _add(desk: Desk, count: int) -> dict[str, Canary]:
    """So many people, by their address; the first of them have hostile names."""
    shapes = [*HOSTILE.values(), ENDLESS]
    people = []
    for number in range(1, count + 1):
        word = f"kx{hashlib.sha256(b'%d' % number).hexdigest()[:14]}xk"
        name = shapes[number - 1].format(word) if number <= len(shapes) else f"Ani {word} Petrosyan"
        people.append(Canary(number, word, f"ani.{word}@mail{number % DOMAINS}.test", name))
    plain = {"attributes": {}, "text_size": "normal", "created_at": NOW}
    with desk.database.write() as session:
        session.execute(
            sa.insert(Subscriber),
            [
                {
                    **plain,
                    "id": one.subscriber_id,
                    "address": one.address,
                    "address_key": one.address,
                    "address_hash": keyed_hash(desk.made.address_key, one.address),
                    "domain": one.address.partition("@")[2],
                    "name": one.name,
                }
                for one in people
            ],
        )
        session.execute(
            sa.insert(Subscription),
            [
                {
                    "list_id": desk.mailing_list.id,
                    "subscriber_id": one.subscriber_id,
                    "status": SubscriptionStatus.ACTIVE,
                    "topics": [],
                    "created_at": NOW,
                    "changed_at": NOW,
                }
                for one in people
            ],
        )
    return {one.address: one for one in people}


def _faults(count: int) -> tuple[Fault, ...]:
    """What goes wrong, at chance: persons refused and put off, the service closing, lost connections."""
    chance = random.Random(20)

    def some(most: int) -> list[int]:
        return chance.sample(range(count // 20, count * 9 // 10), most)

    return (
        *(Fault("rcpt", reply="550 5.1.1 no such user", match=f"{end}xk@", times=0) for end in ("00", "01")),
        *(Fault("rcpt", reply="451 4.3.0 later", match=f"{end}xk@", times=12) for end in ("02", "03")),
        *(Fault("rcpt", reply="421 4.3.2 closing", skip=skip) for skip in some(4)),
        *(Fault("mail", reply="421 4.3.2 closing", skip=skip) for skip in some(2)),
        *(Fault("rcpt", action="drop", skip=skip) for skip in some(2)),
        *(Fault("body", action="drop", skip=skip) for skip in some(3)),
        *(Fault("dot", action="drop", skip=skip) for skip in some(4)),
        *(Fault("accepted", action="drop", skip=skip) for skip in some(4)),
    )


def _send_all(desk: Desk, edition_id: int, sender: Sender) -> None:
    """Task after task, whatever the mail service does meanwhile, until nobody is pending."""
    for _ in range(60):
        desk.send(edition_id, sender)
        if all(batch.closed_at for batch in desk.batches(edition_id)):
            return
        with desk.database.write() as session:
            # As if the time had passed that a batch, the mail service or a domain waits for.
            session.execute(sa.update(Batch).values(not_before=clock.utc_now()))
            session.execute(sa.update(Transport).values(rests_until=None))
            session.execute(sa.delete(CoolDown))
    raise AssertionError("the edition does not come to its end")


def _read(one: Received) -> tuple[list[str], str, list[str]]:
    """Of a whole message: the names of its fields, what its To says, and its parts as they are read."""
    message = message_from_bytes(one.raw)
    to = str(message["To"])
    if "=?" in to:
        to = str(make_header(decode_header(to)))
    parts = [part.get_payload(decode=True).decode() for part in message.get_payload()]
    return message.keys(), to, parts


def _assert_is_of(desk: Desk, one: Received, canary: Canary, edition_id: int, fields: list[str]) -> None:
    """Everything in a message is its own person's, each thing in its place."""
    of_person = (edition_id, canary.subscriber_id)
    found, to, parts = _read(one)
    head, _, _ = one.raw.partition(b"\r\n\r\n")
    assert found == fields
    assert parse_verp(one.mail_from, desk.made.signer) == of_person
    text, html = parts
    # In the name and in the address; in the greeting of either part.
    assert CANARY.findall(to) == [canary.word] * 2
    assert to.endswith(f"<{canary.address}>")
    assert CANARY.findall(text.partition("\r\n\r\n")[0]) == CANARY.findall(text) == [canary.word]
    assert CANARY.findall(html.partition("</p>")[0]) == CANARY.findall(html) == [canary.word]
    links = [LINK.findall(part) for part in (head.decode(), text, html)]
    assert links[0] == links[1] == links[2]
    (token,) = links[0]
    claim = desk.made.signer.check(token, Purpose.UNSUBSCRIBE)
    assert (claim.list_id, claim.subscriber_id) == (desk.mailing_list.id, canary.subscriber_id)
    mark = message_id(*of_person, "courier.example", desk.made.address_key)
    assert head.count(f"\r\nMessage-ID: {mark}\r\n".encode()) == 1
    # And nothing in what was not decoded, in a field of another name or between the parts.
    assert set(CANARY.findall(one.raw.decode("latin-1"))) <= {canary.word}


def _key() -> SigningKey:
    return load_key("courier.example", "d2026", Algorithm.ED25519, make_private(Algorithm.ED25519))


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_nobody_gets_anything_of_somebody_else(desk: Desk, count: int) -> None:
    """Over 8 connections, with refusals, 421s, drops before and after the dot, and hostile names."""
    people = _add(desk, count)
    edition_id = desk.sending(clock.utc_now())
    key = _key()
    with JudgeServer(Script(faults=_faults(count), fsync=False)) as judge:
        endpoint = Endpoint(
            host="127.0.0.1",
            port=judge.port,
            security=Security.NONE,
            timeout=HANG,
            max_connections=CONNECTIONS,
        )
        sender = dataclasses.replace(
            desk.sender(judge.port, now=clock.utc_now()),
            transport=SmtpTransport(endpoint),
            signer_for=lambda _session, _domain: Signer([key]),
        )
        _send_all(desk, edition_id, sender)
        let_go(sender)
        record = judge.messages
        assert judge.connections > CONNECTIONS
    fields, _, _ = _read(record[-1])
    assert all(coding in record[-1].raw for coding in (b": base64\r\n", b": quoted-printable\r\n"))
    for one in record:
        (address,) = one.recipients
        _assert_is_of(desk, one, people[address], edition_id, fields)
    _assert_signed(record, key)
    _assert_told(desk, edition_id, people, record)


def _assert_signed(record: list[Received], key: SigningKey) -> None:
    """Those with hostile names and some of the others are signed as they are."""
    for one in record[:: max(1, len(record) // 50)]:
        assert dkimpy.DKIM(one.raw).verify(dnsfunc=lambda _name, **_: key.record.encode())


def _assert_told(desk: Desk, edition_id: int, people: dict[str, Canary], record: list[Received]) -> None:
    """The ledger says of each person what the record says, and nobody is on record twice."""
    taken = Counter(one.recipients[0] for one in record)
    assert set(taken.values()) == {1}
    statuses = desk.statuses(edition_id)
    assert set(statuses) == set(people)
    by_status = {
        status: {who for who, what in statuses.items() if what is status} for status in statuses.values()
    }
    assert set(by_status) == {SENT, FAILED, UNCERTAIN}
    endless = {who for who, one in people.items() if len(one.name) > 5_000}
    refused = {who for who in people if re.search("0[01]xk@", who)}
    assert by_status[FAILED] == endless | refused
    assert by_status[SENT] <= set(taken)
    assert set(taken) <= by_status[SENT] | by_status[UNCERTAIN]
    assert len(by_status[UNCERTAIN]) <= _DROPS
    with desk.database.read() as session:
        reason, words = session.execute(
            sa.select(Delivery.reason, Reply.text)
            .join(Reply, Reply.id == Delivery.reply_id)
            .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
            .where(Subscriber.address.in_(endless))
        ).one()
    assert (reason, words) == (
        DeliveryReason.UNMAILABLE,
        "A value for a mail is longer than 2000 characters.",
    )
