"""An edition on its way out to thousands, the mail server that judges it, and the worker's way there."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from digest import clock
from digest.addresses import keyed_hash
from digest.db import Database
from digest.deliveries.group import Sender
from digest.deliveries.handover import start_due
from digest.deliveries.journals import open_journal
from digest.deliveries.plan import plan
from digest.deliveries.write import Writer
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import Subscriber, Subscription, SubscriptionStatus, Transport, Variant
from tests.factories.moments import NOW
from tests.integration.planned import PUBLIC_URL, Desk, make_desk, named_words
from tests.servers.smtp_script import Script
from tests.servers.waiting import HANG, wait_until

ROOT = Path(__file__).resolve().parents[3]
RECORD = "judge.jsonl"
_HOUSEMATES = 4  # people of a domain that is so small that it may be barred as a whole


def address_of(number: int) -> str:
    """Of reader so-and-so; the first four of each sixteen share a small domain."""
    house, place = divmod(number, 16)
    return f"p{number:05}@" + (f"small{house}.test" if place < _HOUSEMATES else "mail.test")


def housemates(number: int) -> tuple[str, ...]:
    """All of the small domain that is nearest below a reader."""
    first = number // 16 * 16
    return tuple(address_of(each) for each in range(first, first + _HOUSEMATES))


def make_edition(
    database: Database, folder: Path, *, people: int, per_second: float | None = None
) -> tuple[Desk, int]:
    """An edition on its way out to so many, each with a name in it, by one mail service; its id."""
    now = clock.utc_now()
    desk = make_desk(database, folder)
    edition_id = desk.frozen(now)
    mail = named_words()
    with database.write() as session:
        _add_people(session, desk, range(people))
        session.execute(sa.update(Variant).values(mail=mail.to_bytes()))
        session.execute(sa.update(Transport).values(per_second=per_second))
    with database.write() as session:
        assert plan(session, edition_id, now=now) == people
    with database.write() as session:
        assert start_due(session, now=now) == 1
    return desk, edition_id


def _add_people(session: sa.orm.Session, desk: Desk, numbers: range) -> None:
    key = desk.made.address_key
    people = [
        {
            "address": address,
            "address_key": address,
            "address_hash": keyed_hash(key, address),
            "domain": address.rpartition("@")[2],
            "name": f"Anna Mill{number:05}",
            "created_at": NOW,
        }
        for number in numbers
        for address in [address_of(number)]
    ]
    ids = session.scalars(
        sa.insert(Subscriber).returning(Subscriber.id, sort_by_parameter_order=True), people
    )
    active = {"status": SubscriptionStatus.ACTIVE, "created_at": NOW, "changed_at": NOW}
    same = {"list_id": desk.mailing_list.id, **active}
    session.execute(sa.insert(Subscription), [{"subscriber_id": each, **same} for each in ids])


@contextlib.contextmanager
def judge_process(folder: Path, script: Script) -> Iterator[int]:
    """A mail server in a process of its own, its record in the folder; the port."""
    port_file = folder / "judge.port"
    script = dataclasses.replace(script, keep=False, fsync=True, in_groups=True)
    judge = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.servers.smtp", "--port-file", str(port_file)),
            *("--record", str(folder / RECORD), "--script", json.dumps(script.to_plain())),
        ],
        cwd=ROOT,
    )
    try:
        wait_until(port_file.exists, what="the judge's port")
        yield int(port_file.read_text())
    finally:
        judge.kill()
        judge.wait()


def make_sender(desk: Desk, port: int, *, connections: int = 8, is_paced: bool = False) -> Sender:
    """What one worker sends with."""
    now = clock.utc_now()
    journal, journal_id = open_journal(desk.database, desk.folder / "journals", worker="test", now=now)
    endpoint = Endpoint(
        host="127.0.0.1", port=port, security=Security.NONE, timeout=HANG, max_connections=connections
    )
    writer = Writer(desk.database, desk.made, PUBLIC_URL)
    return Sender(journal, journal_id, SmtpTransport(endpoint), desk.transport_id, writer, is_paced=is_paced)
