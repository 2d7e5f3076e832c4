"""Servers that offer PIPELINING and cannot do it: nobody loses a mail, and connections go on with less."""

from __future__ import annotations

import pytest

from digest.errors import UnreachableError
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Outcome
from tests.integration.test_smtp_client import Ledger, endpoint, envelope, taken
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG

_NAMES = ("ani", "bob", "eva", "gor", "lia")
_ALL_ACCEPTED = sorted((name, Outcome.ACCEPTED) for name in _NAMES)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(refuses_behind_dot=True), id="refuses what comes with a message's end"),
        pytest.param(Script(refuses_pipelined=True), id="refuses what comes with another command"),
        pytest.param(
            Script(refuses_behind_dot=True, refuses_pipelined=True), id="refuses whatever comes early"
        ),
        pytest.param(Script(discards_pipelined=True), id="forgets what comes early"),
    ],
)
def test_a_server_that_cannot_do_what_it_offers_is_spoken_to_with_less(script: Script) -> None:
    """Everybody has one mail; one connection is given up for it, not one for each mail."""
    ledger = Ledger()
    seconds = 3.0 if script.discards_pipelined else HANG  # silence is all that it says
    with JudgeServer(script) as judge, SmtpTransport(endpoint(judge, timeout=seconds)) as transport:
        for _ in range(2):
            transport.send(
                map(envelope, _NAMES), before_dot=ledger.before_dot, after_reply=ledger.after_reply
            )
        connections = judge.connections
    assert sorted(ledger.outcomes) == sorted(_ALL_ACCEPTED * 2)
    assert sorted(taken(judge)) == sorted(_NAMES * 2)
    assert connections == 2


def test_a_message_is_not_refused_for_what_came_behind_it() -> None:
    """The complaint may come in place of the message's own answer: it is handed over once more."""
    fault = Fault("dot", reply="554 5.5.0 SMTP synchronization error")
    ledger = Ledger()
    with JudgeServer(Script(faults=(fault,))) as judge, SmtpTransport(endpoint(judge)) as transport:
        transport.send(map(envelope, _NAMES), before_dot=ledger.before_dot, after_reply=ledger.after_reply)
    assert sorted(ledger.outcomes) == _ALL_ACCEPTED
    assert sorted(taken(judge)) == sorted(_NAMES)


@pytest.mark.parametrize("stage", ["rcpt", "dot"])
def test_a_domain_with_such_a_name_is_no_complaint(stage: str) -> None:
    """What is said about one person stays with them."""
    fault = Fault(stage, reply="550 5.1.2 Domain pipeline.example not found", match="bob")
    ledger = Ledger()
    with JudgeServer(Script(faults=(fault,))) as judge, SmtpTransport(endpoint(judge)) as transport:
        transport.send(map(envelope, _NAMES), before_dot=ledger.before_dot, after_reply=ledger.after_reply)
        assert judge.connections == 1
    assert sorted(ledger.outcomes) == [
        (name, Outcome.REFUSED if name == "bob" else Outcome.ACCEPTED) for name in _NAMES
    ]


def test_silence_that_has_nothing_to_do_with_it_lowers_nothing() -> None:
    """A server that hangs at its first answer is given up as before."""
    ledger = Ledger()
    with (
        JudgeServer(Script(faults=(Fault("mail", "silence"),))) as judge,
        SmtpTransport(endpoint(judge, timeout=2.0)) as transport,
    ):
        with pytest.raises(UnreachableError, match="in time"):
            transport.send(
                map(envelope, _NAMES), before_dot=ledger.before_dot, after_reply=ledger.after_reply
            )
        again = Ledger()
        transport.send(map(envelope, _NAMES), before_dot=again.before_dot, after_reply=again.after_reply)
        assert judge.connections == 2
    assert sorted(again.outcomes) == _ALL_ACCEPTED
