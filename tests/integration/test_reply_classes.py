"""Each real reply, said by a real server, becomes the outcome that the table says.

Written against the Protocol alone: another way of sending is put into `make_transport`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest

from digest.errors import UnreachableError
from digest.mail.replies import Stage, judge
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Envelope, Outcome, Reply, Security, Transport
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, FaultCounter, Script
from tests.servers.waiting import HANG
from tests.unit.mail.reply_corpus import CORPUS, Sample

_STAGES = (Stage.CONNECT, Stage.EHLO, Stage.AUTH, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT)
_BODY = b"Subject: x\r\n\r\nx\r\n"


def make_transport(endpoint: Endpoint) -> AbstractContextManager[Transport]:
    """The way of sending that is put to the test."""
    return SmtpTransport(endpoint)


@dataclass
class Heard:
    """What a sender was told."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    replies: dict[str, Reply | None] = field(default_factory=dict)
    times: int = 0

    def after_reply(self, envelope: Envelope, outcome: Outcome, reply: Reply | None) -> None:
        self.times += 1
        self.outcomes[str(envelope.ref)] = outcome
        self.replies[str(envelope.ref)] = reply


@pytest.fixture(scope="module")
def judge_server() -> Iterator[JudgeServer]:
    """A server that wants a sign-in and says at one stage what it is told."""
    with JudgeServer(Script(user="digest", password="secret")) as server:
        yield server


def _send(server: JudgeServer, *names: str) -> tuple[Heard, UnreachableError | None]:
    heard = Heard()
    endpoint = Endpoint(
        host="127.0.0.1",
        port=server.port,
        security=Security.NONE,
        username="digest",
        password="secret",
        timeout=HANG,
        final_timeout=HANG,
    )
    envelopes = [
        Envelope(sender="n@example.org", recipient=f"{name}@example.org", message=_BODY, ref=name)
        for name in names
    ]
    trouble = None
    with make_transport(endpoint) as transport:
        try:
            transport.send(envelopes, before_dot=lambda _: True, after_reply=heard.after_reply)
        except UnreachableError as error:
            trouble = error
    return heard, trouble


@pytest.mark.parametrize("sample", CORPUS, ids=lambda sample: sample.title)
def test_what_the_server_says_is_what_the_sender_hears(judge_server: JudgeServer, sample: Sample) -> None:
    """At each stage from greeting to final dot: outcome as in the table, and nobody else is touched."""
    for stage in _STAGES:
        verdict = judge(stage, sample.reply)
        if verdict.goes_on or (sample.reply.code // 100 in (2, 3) and stage in _STAGES[:3]):
            continue  # not a refusal: the judge itself would have to go on as well
        wire = sample.wire.replace("\n", "\r\n")
        match = "bob@" if stage in (Stage.RCPT, Stage.DATA, Stage.DOT) else ""
        judge_server.counter = FaultCounter((Fault(stage.value, reply=wire, match=match, times=0),))
        judge_server.messages.clear()
        heard, trouble = _send(judge_server, "bob", "eva")
        taken = [message.recipients[0] for message in judge_server.messages]

        assert "bob@example.org" not in taken
        assert heard.times == len(heard.outcomes)
        if stage in _STAGES[:3]:
            assert trouble is not None, stage
            assert set(heard.outcomes.values()) <= {Outcome.UNSENT}
            continue
        assert heard.outcomes["bob"] is verdict.outcome, stage
        assert heard.replies["bob"] == sample.reply, stage
        if verdict.outcome in (Outcome.REFUSED, Outcome.DEFERRED, Outcome.ACCEPTED) and match:
            assert heard.outcomes["eva"] is Outcome.ACCEPTED, stage
            assert taken == ["eva@example.org"]
            assert trouble is None
