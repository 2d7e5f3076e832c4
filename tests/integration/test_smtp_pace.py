"""The pace of a job: no message begins before its moment, and none waits for ever after it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

import pytest

from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Envelope, Outcome, Reply, Security
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Script
from tests.servers.waiting import HANG

MESSAGE = b"Subject: News\r\n\r\nA bridge is mended.\r\n"


@dataclass
class Letters:
    """So many messages that are wanted to the end, and what came of each."""

    count: int
    outcomes: list[Outcome] = field(default_factory=list)
    _left: deque[Envelope] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._left.extend(
            Envelope(sender="paper@example.org", recipient=f"r{number}@example.org", message=MESSAGE)
            for number in range(self.count)
        )

    def next(self) -> Envelope | None:
        return self._left.popleft() if self._left else None

    def is_stale(self) -> bool:
        return False

    def is_still_wanted(self, _envelope: Envelope) -> bool:
        return True

    def before_dot(self, _envelope: Envelope) -> bool:
        return True

    def after_reply(
        self, _envelope: Envelope, outcome: Outcome, _reply: Reply | None, *, rests: bool = False
    ) -> None:
        self.outcomes.append(outcome)


@pytest.mark.parametrize("connections", [1, 8])
def test_a_paced_job_comes_to_its_end(connections: int) -> None:
    """Whatever part of a millisecond a message's moment falls on, with one connection idle then or many."""
    with (
        JudgeServer(Script(fsync=False)) as judge,
        SmtpTransport(
            Endpoint(host="127.0.0.1", port=judge.port, security=Security.NONE, max_connections=connections)
        ) as transport,
    ):
        for interval in (0.0203, 0.0307, 0.0204):
            letters, asked = Letters(12), time.time()
            job = transport.start(letters, size=12, delay=0.0131, interval=interval)
            assert job.wait(HANG), f"{len(letters.outcomes)} of 12"
            assert letters.outcomes == [Outcome.ACCEPTED] * 12
            begun = [message.mail_at for message in judge.messages[-12:]]
            # One that is late may come together with the next; none comes before its moment.
            for number, at in enumerate(sorted(begun)):
                assert at - asked >= 0.0131 + number * interval - 0.005
