"""A job that is given up: what was handed back must never leave afterwards, and what fails must be told."""

from __future__ import annotations

import threading
from collections import deque

import pytest

from digest.errors import UnreachableError
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Envelope, Outcome, Reply, Security
from tests.integration.test_smtp_client import Ledger, endpoint, envelope, taken
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG, wait_until


class Slow:
    """A handover of one message whose person is looked at again, which takes as long as the test wants."""

    def __init__(self, envelope: Envelope) -> None:
        self._ready = deque([envelope])
        self.is_asked, self.may_answer = threading.Event(), threading.Event()
        self.intents = 0
        self.outcomes: list[Outcome] = []

    def next(self) -> Envelope | None:
        return self._ready.popleft() if self._ready else None

    def is_stale(self) -> bool:
        return True

    def is_still_wanted(self, _envelope: Envelope) -> bool:
        self.is_asked.set()
        return self.may_answer.wait(HANG)

    def before_dot(self, _envelope: Envelope) -> bool:
        self.intents += 1
        return True

    def after_reply(
        self, _envelope: Envelope, outcome: Outcome, _reply: Reply | None, *, rests: bool = False
    ) -> None:
        self.outcomes.append(outcome)


def _envelope() -> Envelope:
    return Envelope(sender="", recipient="ani@example.org", message=b"A: b\r\n\r\nx\r\n")


def test_what_was_given_up_while_it_was_looked_at_again_never_leaves() -> None:
    """Told as unsent, so another worker may have it by now: it must not go out once the look has ended."""
    with JudgeServer() as judge:
        there = Endpoint(host="127.0.0.1", port=judge.port, security=Security.NONE, timeout=HANG)
        slow = Slow(_envelope())
        with SmtpTransport(there) as transport:
            job = transport.start(slow, size=1)
            assert slow.is_asked.wait(HANG)
            transport.abandon(job)
            assert slow.outcomes == [Outcome.UNSENT]
            slow.may_answer.set()
            wait_until(lambda: judge.open_connections == 0, what="the end of the connection")
        assert judge.messages == []
    assert (slow.intents, slow.outcomes) == (0, [Outcome.UNSENT])


def test_a_host_that_is_no_name_is_a_service_that_cannot_be_reached() -> None:
    """It ends the sending with a sentence; nobody waits for ever."""
    nowhere = Endpoint(host="a..b", port=25, security=Security.NONE, timeout=HANG)
    outcomes: list[Outcome] = []
    done = threading.Event()
    raised: list[BaseException] = []

    def send() -> None:
        try:
            with SmtpTransport(nowhere) as transport:
                transport.send(
                    [_envelope()],
                    before_dot=lambda _: True,
                    after_reply=lambda _, outcome, __: outcomes.append(outcome),
                )
        except UnreachableError as error:
            raised.append(error)
        finally:
            done.set()

    threading.Thread(target=send, daemon=True).start()
    if not done.wait(HANG):
        pytest.fail("the sending does not end")
    assert "cannot be reached" in str(raised[0])
    assert outcomes == [Outcome.UNSENT]


def test_who_has_no_time_waits_no_longer_than_that() -> None:
    """A service that is silent after a message holds up nobody: the message is unknown, no other is begun."""
    names = ("ani", "bob", "eva")
    ledger = Ledger()
    with (
        JudgeServer(Script(faults=(Fault("accepted", "silence"),))) as judge,
        SmtpTransport(endpoint(judge, final_timeout=HANG)) as transport,
        pytest.raises(UnreachableError, match="no answer in time"),
    ):
        transport.send(
            map(envelope, names), before_dot=ledger.before_dot, after_reply=ledger.after_reply, patience=0.2
        )
    assert ledger.outcomes == [("ani", Outcome.UNKNOWN), ("bob", Outcome.UNSENT)]
    assert taken(judge) == ["ani"]


def test_nothing_is_begun_after_the_patience_is_over() -> None:
    """What is answered slowly is waited for, and the rest is left to the caller, without an error."""
    ledger = Ledger()
    slow = Fault("accepted", "slow", seconds=0.25, times=0)
    with JudgeServer(Script(faults=(slow,))) as judge, SmtpTransport(endpoint(judge)) as transport:
        transport.send(
            map(envelope, ("ani", "bob", "eva", "gor", "lia", "mia", "noa", "rob")),
            before_dot=ledger.before_dot,
            after_reply=ledger.after_reply,
            patience=1.0,
        )
    assert {outcome for _, outcome in ledger.outcomes} <= {Outcome.ACCEPTED}
    assert len(ledger.outcomes) < 8
    assert taken(judge) == [name for name, _ in ledger.outcomes]
