"""The engine on asyncio's own event loop, as on a platform for which uvloop is not built."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from digest import clock
from digest.db import Database
from digest.mail.loop_thread import LoopThread
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import DeliveryStatus
from tests.integration.planned import let_go, make_desk
from tests.integration.worker_here import make_due
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG

SENT, FAILED, UNCERTAIN = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.UNCERTAIN


def test_an_edition_goes_out_without_uvloop(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who is refused, one in doubt, a connection that is closed between two mails: as with uvloop."""
    monkeypatch.setitem(sys.modules, "uvloop", None)  # as where it is not installed
    thread = LoopThread()
    monkeypatch.undo()
    assert type(thread.loop).__module__.startswith("asyncio.")
    desk = make_desk(database, tmp_path)
    desk.add_people(150)
    edition_id = desk.sending(clock.utc_now())
    people = sorted(desk.statuses(edition_id))
    refused, doubtful = people[20], people[90]
    faults = (
        Fault("rcpt", reply="550 5.1.1 Unknown", match=refused),
        Fault("accepted", action="drop", match=doubtful),
    )
    with JudgeServer(Script(faults=faults, messages_per_connection=20, fsync=False)) as judge:
        there = Endpoint(
            host="127.0.0.1", port=judge.port, security=Security.NONE, timeout=HANG, max_connections=4
        )
        sender = replace(
            desk.sender(judge.port, now=clock.utc_now()), transport=SmtpTransport(there, loop=thread)
        )
        desk.send(edition_id, sender)
        make_due(desk)
        desk.send(edition_id, sender)
        taken = Counter(who for message in judge.messages for who in message.recipients)
        let_go(sender)
        thread.close()
    assert taken == Counter(set(people) - {refused})
    assert desk.statuses(edition_id) == dict.fromkeys(people, SENT) | {refused: FAILED, doubtful: UNCERTAIN}
