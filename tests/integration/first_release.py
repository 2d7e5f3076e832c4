"""An edition that the first release had half sent when it was stopped: tables, rows, a journal.

Written out by hand and not by the code of today, for that is what an upgrade finds.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import socket
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command

from digest import clock, keys
from digest.addresses import keyed_hash
from digest.db import Database, schema
from digest.mail.boot import boot_id

REVISION = "0001"
IN_BATCH = 20

# What was known of each person of the middle batch, in their order: by the ledger; by the journal alone, as
# taken, as asked to come later, and as begun without an answer; the rest had not been begun.
_IN_LEDGER, _TAKEN, _LATER, _BEGUN = 8, 4, 1, 1

_MAIL: list[list[object]] = [
    ["bytes", 'From: "The Courier" <news@courier.example>\r\n'],
    ["header", "to"],
    ["bytes", "Subject: A bridge is mended\r\n"],
    ["header", "date"],
    ["header", "message_id"],
    ["header", "list_id"],
    ["header", "list_unsubscribe"],
    [
        "bytes",
        (
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nAuto-Submitted: auto-generated\r\n"
            "Precedence: bulk\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; "
            'boundary="=_df7cbabd9f93a31c6ad35ba3"\r\n\r\n--=_df7cbabd9f93a31c6ad35ba3\r\n'
            'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
            "A bridge is mended.\r\n\r\nSign off:=20=\r\n"
        ),
    ],
    ["slot", "unsubscribe_url", False],
    [
        "bytes",
        (
            "=\r\n\r\n\r\n--=_df7cbabd9f93a31c6ad35ba3\r\n"
            'Content-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
            "<p>A bridge is mended.</p><p><a href=3D'=\r\n"
        ),
    ],
    ["slot", "unsubscribe_url", True],
    ["bytes", "=\r\n'>Sign off</a></p>\r\n--=_df7cbabd9f93a31c6ad35ba3--\r\n"],
]


@dataclass(frozen=True, slots=True)
class HalfSent:
    """Who had been handed the edition, who may have, whose turn comes later, and who had not been begun."""

    edition_id: int
    sent: frozenset[str]
    uncertain: frozenset[str]
    later: frozenset[str]
    pending: frozenset[str]

    @property
    def people(self) -> frozenset[str]:
        return self.sent | self.uncertain | self.later | self.pending


def lay_half_sent(database: Database, folder: Path, *, port: int, now: dt.datetime | None = None) -> HalfSent:
    """Make the first release's tables in an empty database, and fill them; `folder` is its data folder.

    Three batches: one that is done, but for a person in doubt; one that was in the hands of a worker that was
    killed, with its journal; one that nobody had taken. The mail service is a loopback port.
    """
    now = now or clock.utc_now()
    keys.make_missing(folder / "secrets")
    address_key = keys.load(folder / "secrets").address_key
    with database.engine.execution_options(digest_write=True).begin() as connection:
        command.upgrade(schema.configuration(connection), REVISION)
        tables = sa.MetaData()
        tables.reflect(connection)
        writer = _Writer(connection, tables, now - dt.timedelta(minutes=5))
        path = folder / "journals" / "20261123T1200000000-4711-0badcafe.journal"
        made = writer.edition(port)
        journal_id = writer.row("journals", {**_journal_row(path), "opened_at": writer.then})
        batches = writer.batches(made, journal_id)
        addresses = [f"reader{number:03}@mail.test" for number in range(3 * IN_BATCH)]
        people = [writer.person(made, address, address_key) for address in addresses]
        known = _known()
        for place, person in enumerate(people):
            status = known[place] if known[place] in ("sent", "uncertain") else "pending"
            writer.delivery(made, person, batches[place // IN_BATCH], status)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(_journal(writer.then, made, batches[1], people, known))

    def those(*wanted: str) -> frozenset[str]:
        return frozenset(address for address, how in zip(addresses, known, strict=True) if how in wanted)

    return HalfSent(
        made["editions"],
        sent=those("sent", "taken"),
        uncertain=those("uncertain", "begun"),
        later=those("later"),
        pending=those("pending"),
    )


def _known() -> list[str]:
    """What was known of each person, batch by batch."""
    parts = (_IN_LEDGER, _TAKEN, _LATER, _BEGUN, IN_BATCH - _IN_LEDGER - _TAKEN - _LATER - _BEGUN)
    words = ("sent", "taken", "later", "begun", "pending")
    middle = [word for word, count in zip(words, parts, strict=True) for _ in range(count)]
    return [*["sent"] * (IN_BATCH - 1), "uncertain", *middle, *["pending"] * IN_BATCH]


class _Writer:
    """Inserts rows into the tables that were found, with the values that the first release gave them."""

    def __init__(self, connection: sa.Connection, tables: sa.MetaData, then: dt.datetime) -> None:
        self._connection, self._tables = connection, tables
        self.then = then if connection.dialect.name != "sqlite" else then.replace(tzinfo=None)

    def row(self, table: str, values: Mapping[str, object]) -> int:
        """Insert a row; its id, if it has one."""
        there = self._tables.tables[table]
        also = {"created_at": self.then} if "created_at" in there.c else {}
        done = self._connection.execute(sa.insert(there).values({**also, **values}))
        return int(done.inserted_primary_key[0]) if done.inserted_primary_key else 0

    def edition(self, port: int) -> dict[str, int]:
        """An edition on its way out, and all that it stands on; the ids by table."""
        then, made = self.then, dict[str, int]()
        rows: dict[str, dict[str, Any]] = {
            "digests": {"name": "courier", "title": "The Courier", "language": "en", "home_url": ""}
            | {"sender_name": "The Courier", "sender_address": "news@courier.example"}
            | {"postal_address": "1 Mill Lane, Springdale", "intro": "", "sign_off": "", "look": {}}
            | {"featured_by": "category", "featured_value": "Commentary"}
            | {"recent_most": 10, "recent_least": 1, "recent_days": 7},
            "cadences": {"name": "morning", "cron": "0 7 * * *", "zone": "Asia/Yerevan"}
            | {"selection": "latest", "lead_seconds": 600, "grace_seconds": 10800}
            | {"is_running": False, "slots_after": then},
            "mailing_lists": {"name": "readers", "title": "By mail", "uncertain_policy": "hold"},
            "transports": {"name": "desk", "host": "127.0.0.1", "port": port, "security": "none"}
            | {"username": "", "helo": "", "rank": 0, "is_enabled": True, "tested_at": then},
            "editions": {"public_id": "0" * 22, "kind": "extra", "due_local": "2026-11-23T12:00"}
            | {"due_at": then, "send_at": then, "planned_at": then}
            | {"state": "sending", "state_since": then, "reason_detail": ""},
            "revisions": {"number": 1, "subject": "A bridge is mended", "preheader": ""}
            | {"web_html": "<p>A bridge is mended.</p>", "fingerprint": "0" * 64},
            "variants": {"topics": "", "text_size": "normal", "html": "", "text": ""}
            | {"mail": _mail(), "fingerprint": "0" * 64},
        }
        stands_on = {"cadences": "digests", "mailing_lists": "digests", "editions": "cadences"}
        stands_on |= {"revisions": "editions", "variants": "revisions"}
        for table, values in rows.items():
            below = stands_on.get(table, "")
            key = {f"{below.removesuffix('s')}_id": made[below]} if below else {}
            made[table] = self.row(table, values | key)
        editions = self._tables.tables["editions"]
        self._connection.execute(sa.update(editions).values(revision_id=made["revisions"]))
        return made

    def batches(self, made: Mapping[str, int], journal_id: int) -> list[int]:
        """One that is closed, one that is leased until a while ago, one that nobody holds."""
        plain = {"edition_id": made["editions"], "not_before": self.then, "fault": "", "faults_in_a_row": 0}
        lapsed = self.then + dt.timedelta(minutes=2)
        return [
            self.row("batches", {**plain, "lease": 1, "closed_at": self.then}),
            self.row("batches", {**plain, "lease": 1, "leased_until": lapsed, "journal_id": journal_id}),
            self.row("batches", {**plain, "lease": 0}),
        ]

    def person(self, made: Mapping[str, int], address: str, address_key: bytes) -> tuple[int, int]:
        """A reader on the list; the ids of the person and of the subscription."""
        known = {"address": address, "address_key": address, "domain": address.partition("@")[2]}
        plain = {"name": "", "text_size": "normal", "attributes": {}}
        hashed = {"address_hash": keyed_hash(address_key, address)}
        person = self.row("subscribers", {**known, **plain, **hashed})
        whose = {"list_id": made["mailing_lists"], "subscriber_id": person, "changed_at": self.then}
        return person, self.row("subscriptions", {**whose, "status": "active", "topics": []})

    def delivery(self, made: Mapping[str, int], person: tuple[int, int], batch_id: int, status: str) -> None:
        """What the ledger says of a person."""
        key = {"edition_id": made["editions"], "subscriber_id": person[0], "subscription_id": person[1]}
        values: dict[str, object] = {"status": status, "attempt": 0, "batch_id": batch_id}
        if status != "pending":
            values |= {"transport_id": made["transports"], "sent_at": self.then}
        self.row("deliveries", {**key, **values, "variant_id": made["variants"]})


def _mail() -> bytes:
    """The mail as it was encoded when the edition was frozen."""
    head = b"digest-mail 1\n" + json.dumps(_MAIL, separators=(",", ":")).encode()
    return head + hashlib.sha256(head).digest()


def _journal_row(path: Path) -> dict[str, Any]:
    return {"host": socket.gethostname(), "boot_id": boot_id(), "worker": "old:4711", "path": str(path)}


def _journal(
    then: dt.datetime, made: Mapping[str, int], batch_id: int, people: list[tuple[int, int]], known: list[str]
) -> bytes:
    """The killed worker's journal: what it knew of its batch."""
    created = then.replace(tzinfo=dt.UTC)
    moment = int(created.timestamp() * 1_000_000)
    header = {
        "host": socket.gethostname(),
        "boot_id": boot_id(),
        "pid": os.getpid(),
        "created": created.isoformat(),
    }

    def records() -> Iterator[bytes]:
        yield json.dumps(header).encode()
        answers = {
            "sent": (0, 250, b"2.0.0", b"queued"),
            "taken": (0, 250, b"2.0.0", b"queued"),
            "later": (2, 450, b"4.2.0", b"later"),
        }
        for place in range(IN_BATCH, 2 * IN_BATCH):
            key = (batch_id, made["editions"], people[place][0], 0, moment)
            how = known[place]
            if how != "pending":
                yield struct.pack("<cQQQIq", b"I", *key)
            if how in answers:
                outcome, code, enhanced, text = answers[how]
                result = struct.pack("<BQHBH", outcome, made["transports"], code, len(enhanced), len(text))
                yield struct.pack("<cQQQIq", b"O", *key) + result + enhanced + text

    framed = (struct.pack("<II", len(body), zlib.crc32(body)) + body for body in records())
    return b"digest-journal 1\n" + b"".join(framed)
