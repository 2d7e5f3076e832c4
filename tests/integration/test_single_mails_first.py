"""A single mail never waits behind a digest, by the order of the mail server's own record."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.models import DeliveryStatus, MailingList, Notice, NoticeState
from tests.integration.lists.sign_up_hands import asked
from tests.integration.planned import Desk, make_desk
from tests.integration.worker_here import add_service, send_what_is_due, worker_here
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import wait_until

pytestmark = pytest.mark.waits

ANI = "ani@example.org"


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one open list and nobody on it yet."""
    made = make_desk(database, tmp_path)
    with database.write() as session:
        session.get_one(MailingList, made.mailing_list.id).is_open = True
    return made


@pytest.mark.parametrize(
    ("people", "per_second"),
    [
        pytest.param(250, None, id="as fast as the server takes it"),  # one in 20 ms: five seconds
        pytest.param(6, 1, id="one a second"),
    ],
)
def test_a_confirmation_comes_before_the_end_of_a_digest(
    desk: Desk,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    people: int,
    per_second: float | None,
) -> None:
    """Asked for in mid-send, of one worker with one connection: the server has it before the last digests."""
    desk.add_people(people)
    edition_id = desk.sending(clock.utc_now())
    slow = Fault("accepted", action="slow", seconds=0.02, times=0)
    with (
        worker_here(desk, database_url, monkeypatch),
        JudgeServer(Script(faults=(slow,), fsync=False)) as judge,
    ):
        add_service(desk, "judge", judge.port, per_second=per_second)

        def sign_up() -> None:
            wait_until(lambda: judge.messages, what="the first mail of the digest")
            asked(desk.database, desk.mailing_list.id, now=clock.utc_now(), address=ANI)

        reader = threading.Thread(target=sign_up)
        reader.start()
        send_what_is_due(desk, edition_id)
        reader.join()
        order = [who for message in judge.messages for who in message.recipients]
    assert order.count(ANI) == 1
    assert 0 < order.index(ANI) < people - 1
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.SENT}
    with desk.database.read() as session:
        assert session.scalars(sa.select(Notice)).one().state is NoticeState.SENT
