"""One run of `digest demo --once` for all tests of a session, and what it left behind."""

from __future__ import annotations

import email.policy
import fcntl
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.mail.mailbox import LIST_LIMIT, list_messages
from digest.models import Delivery, Digest, Item, MailingList, Role, Subscriber, Subscription, Variant

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 300  # more than the demo itself waits


@dataclass(frozen=True, slots=True)
class DemoRun:
    """How a run ended, what it printed, and its folder."""

    folder: Path
    status: int
    said: str
    complained: str
    seconds: float

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds of one person's mail: the variant's sources, and whose it is."""

    address: str
    name: str
    list_id: int
    subscriber_id: int
    digest_title: str
    sender: str
    language: str
    text_size: str
    html: str
    text: str
    featured: str
    recent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caught:
    """One caught mail: its bytes as they came over the wire, parsed, and what it was made of."""

    raw: bytes
    message: EmailMessage
    stored: Stored

    def part(self, kind: str) -> str:
        """The decoded words of one part, lines ending in LF."""
        part = self.message.get_body((kind,))
        assert part is not None
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload.decode().replace("\r\n", "\n")

    @property
    def sign_off_url(self) -> str:
        """The address in List-Unsubscribe."""
        return str(self.message["List-Unsubscribe"]).removeprefix("<").partition(">")[0]


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """The session's one run, shared by its xdist workers: the first to ask starts it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = shared / "demo.json"
        if not said.exists():
            said.write_text(json.dumps(_run(shared / "demo")))
        return DemoRun(folder=shared / "demo", **json.loads(said.read_text()))


def _run(folder: Path) -> dict[str, object]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "digest.cli", "demo", "--once", "--dir", str(folder)],
        cwd=_ROOT,
        env={**plain, "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return {
        "status": done.returncode,
        "said": done.stdout,
        "complained": done.stderr,
        "seconds": time.monotonic() - started,
    }


def caught(run: DemoRun) -> list[Caught]:
    """Every mail in the inbox with what it was made of."""
    database = Database(f"sqlite:///{run.folder / 'digest.db'}")
    try:
        stored = {one.address: one for one in _stored(database)}
    finally:
        database.close()
    found = []
    for summary in list_messages(run.inbox, limit=LIST_LIMIT):
        # The catcher puts two lines of its own in front: Return-Path and Delivered-To.
        raw = (run.inbox / summary.name).read_bytes().split(b"\r\n", 2)[2]
        message = BytesParser(_class=EmailMessage, policy=email.policy.default).parsebytes(raw)
        assert isinstance(message, EmailMessage)
        found.append(Caught(raw, message, stored[summary.recipient]))
    return found


def _stored(database: Database) -> list[Stored]:
    query = (
        sa.select(
            Subscriber.address,
            Subscriber.name,
            Subscription.list_id,
            Subscriber.id.label("subscriber_id"),
            Digest.title.label("digest_title"),
            Digest.sender_address.label("sender"),
            Digest.language,
            Variant.text_size,
            Variant.html,
            Variant.text,
            Variant.revision_id,
        )
        .join(Delivery, Delivery.subscriber_id == Subscriber.id)
        .join(Variant, Variant.id == Delivery.variant_id)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .join(Digest, Digest.id == MailingList.digest_id)
    )
    with database.read() as session:
        stories = session.execute(
            sa.select(Item.revision_id, Item.role, Item.story).order_by(Item.position)
        ).all()
        made = []
        for row in session.execute(query):
            values = row._asdict()
            revision = values.pop("revision_id")
            mine = [(role, story["title"]) for other, role, story in stories if other == revision]
            made.append(
                Stored(
                    **values,
                    featured=next(title for role, title in mine if role is Role.FEATURED),
                    recent=tuple(title for role, title in mine if role is Role.RECENT),
                )
            )
    return made
