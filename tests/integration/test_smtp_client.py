"""The SMTP engine against a server that misbehaves at every stage."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import time
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import default

import pytest

from digest.errors import ConfigError, InputError, UnreachableError
from digest.mail.headers import date_text
from digest.mail.message import build_digest, build_notice
from digest.mail.placeholders import fill
from digest.mail.smtp_client import SmtpTransport, check
from digest.mail.smtp_errors import HostRefusedError, SignInError
from digest.mail.transport import Endpoint, Envelope, Outcome, Reply, Security
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import AUTHORITY, Fault, Script
from tests.servers.waiting import HANG

DATE = date_text(dt.datetime(2026, 11, 23, 5, 30, tzinfo=dt.UTC))
A, R, D, U, K = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED, Outcome.UNSENT, Outcome.UNKNOWN


def envelope(name: str, *, text: str = ".dot\nFrom here\nԲարև\n") -> Envelope:
    to = f"{name}@example.org"
    raw = build_notice(
        from_name="The Paper",
        from_address="paper@example.org",
        to=to,
        subject="News",
        html="<p>x</p>",
        text=text,
        date=DATE,
        message_id=f"<n1.{name}@example.org>",
    )
    return Envelope(sender="bounce@example.org", recipient=to, message=raw, ref=name)


@dataclass
class Ledger:
    """What a sender hears: intents and outcomes in order, with a lease that may lapse."""

    intents: list[object] = field(default_factory=list)
    outcomes: list[tuple[object, Outcome]] = field(default_factory=list)
    replies: list[Reply | None] = field(default_factory=list)
    lapses_at: object = None
    seen_at_intent: list[int] = field(default_factory=list)
    judge: JudgeServer | None = None

    def before_dot(self, one: Envelope) -> bool:
        if one.ref == self.lapses_at:
            return False
        self.intents.append(one.ref)
        if self.judge:
            self.seen_at_intent.append(len(self.judge.messages))
        return True

    def after_reply(self, one: Envelope, outcome: Outcome, reply: Reply | None) -> None:
        self.outcomes.append((one.ref, outcome))
        self.replies.append(reply)


def endpoint(judge: JudgeServer, **changes: object) -> Endpoint:
    plain = {
        "host": "127.0.0.1",
        "port": judge.port,
        "security": Security.NONE,
        "timeout": HANG,
        "final_timeout": HANG,
    }
    return Endpoint(**(plain | changes))


def send(judge: JudgeServer, ledger: Ledger, *names: str, **changes: object) -> None:
    with SmtpTransport(endpoint(judge, **changes)) as transport:
        transport.send(map(envelope, names), before_dot=ledger.before_dot, after_reply=ledger.after_reply)


def taken(judge: JudgeServer) -> list[str]:
    return [message.recipients[0].removesuffix("@example.org") for message in judge.messages]


def test_the_bytes_received_are_the_bytes_built() -> None:
    """What the server has taken is the message to the byte, with one recipient, over one connection."""
    with JudgeServer() as judge:
        ledger = Ledger(judge=judge)
        send(judge, ledger, "ani", "bob", "eva")
        assert [message.raw for message in judge.messages] == [
            envelope(name).message for name in ("ani", "bob", "eva")
        ]
        assert {message.mail_from for message in judge.messages} == {"bounce@example.org"}
        assert all(len(message.recipients) == 1 for message in judge.messages)
        assert judge.connections == 1
        assert judge.commands[-1] == "QUIT"
    assert ledger.outcomes == [("ani", A), ("bob", A), ("eva", A)]
    assert ledger.seen_at_intent == [0, 1, 2]
    assert ledger.replies[0] == Reply(250, "2.0.0", "Ok: queued as 1.1")


@pytest.mark.parametrize(
    "message", [b".\r\n", b"A: b\r\n\r\n.\r\n..\r\n.x\r\n", b"A: b\r\n\r\n" + b"y" * 998 + b"\r\n"]
)
def test_any_message_arrives_as_it_is(message: bytes) -> None:
    """Leading dots survive the wire."""
    with JudgeServer() as judge, SmtpTransport(endpoint(judge)) as transport:
        one = Envelope(sender="", recipient="ani@example.org", message=message)
        transport.send([one], before_dot=lambda _: True, after_reply=lambda *_: None)
        assert judge.messages[0].raw == message
        assert judge.messages[0].mail_from == ""


def test_a_bulk_digest_keeps_its_unsubscribe_header_on_the_wire() -> None:
    """For URLs of 10 to 900 characters the exact `<url>` is in the bytes the server got."""
    prepared = build_digest(
        from_name="P", from_address="p@example.org", subject="S", html="<p>x</p>", text="x"
    )
    urls = ["https://e.org/" + "t" * (size - 14) for size in (15, 76, 77, 78, 178, 500, 900)] + ["http://e.o"]
    fixed = {"to": "a@example.org", "date": DATE, "list_id": "d.example.org"}
    mails = []
    for number, url in enumerate(urls):
        own = {"message_id": f"<e1.{number}@example.org>", "unsubscribe_url": url}
        mails.append(fill(prepared, fixed | own | {"unsubscribe_mailto": "mailto:u@example.org"}))
    with JudgeServer() as judge, SmtpTransport(endpoint(judge)) as transport:
        envelopes = [Envelope(sender="", recipient="a@example.org", message=raw) for raw in mails]
        transport.send(envelopes, before_dot=lambda _: True, after_reply=lambda *_: None)
        for url, message in zip(urls, judge.messages, strict=True):
            assert f"\r\nList-Unsubscribe: <{url}>,\r\n <mailto:u@example.org>\r\n".encode() in message.raw
            parsed = BytesParser(policy=default).parsebytes(message.raw)
            assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("fault", "bob", "arrived"),
    [
        (Fault("rcpt", reply="550 5.1.1 no such user", match="bob@"), R, ["ani", "eva"]),
        (Fault("rcpt", reply="450 4.2.1 greylisted", match="bob@"), D, ["ani", "eva"]),
        (Fault("rcpt", reply="452 4.5.3 too many", match="bob@"), D, ["ani", "eva"]),
        (Fault("data", reply="554 5.7.1 no", match="bob@"), R, ["ani", "eva"]),
        (Fault("data", reply="451 4.3.0 later", match="bob@"), D, ["ani", "eva"]),
        (Fault("dot", reply="550 5.7.1 spam", match="bob@"), R, ["ani", "eva"]),
        (Fault("dot", reply="451 4.7.1 later", match="bob@"), D, ["ani", "eva"]),
        (Fault("accepted", action="drop", match="bob@"), K, ["ani", "bob", "eva"]),
        (Fault("dot", action="drop", match="bob@"), K, ["ani", "eva"]),
        (Fault("dot", reply="421 4.3.2 closing", match="bob@"), U, ["ani", "eva"]),
        (Fault("dot", reply="354 what", match="bob@"), K, ["ani", "eva"]),
        (Fault("accepted", reply="gibberish", match="bob@"), K, ["ani", "bob", "eva"]),
    ],
)
def test_each_answer_has_its_outcome(fault: Fault, bob: Outcome, arrived: list[str]) -> None:
    """5xx refuses, 4xx defers, a connection that ends after the dot leaves it open; the others are served."""
    with JudgeServer(Script(faults=(fault,))) as judge:
        ledger = Ledger()
        send(judge, ledger, "ani", "bob", "eva")
        assert ledger.outcomes == [("ani", A), ("bob", bob), ("eva", A)]
        assert taken(judge) == arrived


@pytest.mark.parametrize(
    "fault",
    [
        Fault("mail", action="drop", skip=1),
        Fault("rcpt", action="drop", match="bob@"),
        Fault("data", action="drop", skip=1),
        Fault("mail", reply="421 4.3.2 closing", skip=1),
        Fault("rcpt", reply="421 4.7.0 slow down", match="bob@"),
        Fault("data", reply="421 4.3.2 closing", skip=1),
        Fault("mail", reply="452 4.3.1 enough for one session", skip=1),
    ],
)
def test_a_connection_lost_before_the_dot_is_tried_once_more(fault: Fault) -> None:
    """A served connection may end at any time: the message goes out on a new one, and all are served."""
    with JudgeServer(Script(faults=(fault,))) as judge:
        ledger = Ledger()
        send(judge, ledger, "ani", "bob", "eva")
        assert ledger.outcomes == [("ani", A), ("bob", A), ("eva", A)]
        assert taken(judge) == ["ani", "bob", "eva"]
        assert judge.connections == 2


@pytest.mark.parametrize(
    ("fault", "sentence", "outcome"),
    [
        (Fault("connect", reply="554 5.3.2 no", times=0), "takes no connections now: 554 5.3.2 no", U),
        (Fault("connect", reply="421 4.3.2 busy", times=0), "takes no connections now", U),
        (Fault("connect", action="drop", times=0), "closed the connection", U),
        (Fault("connect", reply="HTTP/1.1 200 OK", times=0), "as mail servers do", U),
        (Fault("ehlo", reply="550 5.0.0 go away", times=0), "refused our greeting", U),
        (Fault("ehlo", action="drop", times=0), "closed the connection", U),
        (Fault("mail", reply="550 5.7.1 sender refused", times=0), "takes no mail from us now: 550 5.7.1", U),
        (Fault("mail", reply="451 4.3.0 no", times=0), "takes no mail from us now", U),
        (Fault("rcpt", reply="421 4.7.0 slow down", times=0), "takes no mail from us now", U),
        (Fault("rcpt", action="drop", times=0), "connection", U),
        (Fault("dot", reply="421 4.3.2 closing", times=0), "stopped after a message", U),
        (Fault("accepted", action="drop", times=0), "connection", K),
    ],
)
def test_a_fresh_connection_that_fails_ends_the_sending(
    fault: Fault, sentence: str, outcome: Outcome
) -> None:
    """The host is at fault, not the person: the first is reported, no other is begun, an error says why."""
    with JudgeServer(Script(faults=(fault,))) as judge:
        ledger = Ledger()
        with pytest.raises(UnreachableError, match=sentence):
            send(judge, ledger, "ani", "bob")
    # With a message's end the next one's commands leave in the same write: it comes to nothing too.
    begun = [("bob", U)] if fault.stage in ("dot", "accepted") else []
    assert ledger.outcomes == [("ani", outcome), *begun]


def test_a_connection_lost_in_the_middle_of_a_message() -> None:
    """The dot has not left, so no intent was written and nobody is uncertain."""
    large = b"A: b\r\n\r\n" + (b"x" * 900 + b"\r\n") * 40_000  # more than any socket buffer takes
    with JudgeServer(Script(faults=(Fault("body", action="drop"),))) as judge:
        ledger = Ledger()
        one = Envelope(sender="", recipient="ani@example.org", message=large, ref="ani")
        with SmtpTransport(endpoint(judge)) as transport, pytest.raises(UnreachableError, match="broke"):
            transport.send([one], before_dot=ledger.before_dot, after_reply=ledger.after_reply)
    assert (ledger.outcomes, ledger.intents) == ([("ani", U)], [])


@pytest.mark.parametrize(
    ("fault", "limits", "outcome"),
    [
        (Fault("connect", action="silence"), {"timeout": 0.3}, U),
        (Fault("rcpt", action="silence", times=0), {"timeout": 0.3}, U),
        (Fault("data", action="silence", times=0), {"timeout": 0.3}, U),
        (Fault("accepted", action="silence"), {"final_timeout": 0.3}, K),
    ],
)
def test_silence_ends_in_time(fault: Fault, limits: dict[str, float], outcome: Outcome) -> None:
    """A server that says nothing more is given up, and only after the dot is the person's fate open."""
    with JudgeServer(Script(faults=(fault,))) as judge:
        ledger = Ledger()
        with pytest.raises(UnreachableError, match="no answer in time"):
            send(judge, ledger, "ani", **limits)
        assert ledger.outcomes == [("ani", outcome)]


def test_the_final_reply_has_a_longer_time_of_its_own() -> None:
    """A server that thinks long over a message is waited for."""
    fault = Fault("accepted", action="slow", seconds=0.5, times=0)
    with JudgeServer(Script(faults=(fault,))) as judge:
        for _ in range(20):
            ledger = Ledger()
            with contextlib.suppress(UnreachableError):
                send(judge, ledger, "ani", timeout=0.3, final_timeout=HANG)
            if ledger.intents:  # else this machine was late with something before the dot
                break
        assert ledger.outcomes == [("ani", A)]


def test_a_lapsed_lease_sends_nothing_more() -> None:
    """When `before_dot` says no, the message has not left, the person is `unsent`, nobody else is begun."""
    with JudgeServer() as judge:
        ledger = Ledger(lapses_at="bob")
        send(judge, ledger, "ani", "bob", "eva")
        assert ledger.outcomes == [("ani", A), ("bob", U)]
        assert ledger.intents == ["ani"]
        assert taken(judge) == ["ani"]


def test_a_journal_that_fails_stops_the_message() -> None:
    """What `before_dot` raises comes out, and the final dot has not left."""

    def fails(_: Envelope) -> bool:
        raise InputError("full")

    with JudgeServer() as judge, SmtpTransport(endpoint(judge)) as transport:
        with pytest.raises(InputError, match="full"):
            transport.send([envelope("ani")], before_dot=fails, after_reply=lambda *_: None)
        assert judge.messages == []


def test_a_connection_is_retired_after_its_messages() -> None:
    """Our own limit opens a new connection before the server's would."""
    with JudgeServer(Script(messages_per_connection=2)) as judge:
        ledger = Ledger()
        send(judge, ledger, "a1", "a2", "a3", "a4", "a5", max_messages=2)
        assert judge.connections == 3
        assert [command for command in judge.commands if command == "QUIT"] == ["QUIT"] * 3
        assert taken(judge) == ["a1", "a2", "a3", "a4", "a5"]


def test_a_connection_is_retired_after_its_time() -> None:
    """An old connection is not used for a new message."""
    with JudgeServer() as judge:
        send(judge, Ledger(), "a1", "a2", max_seconds=0.0)
        assert judge.connections == 2


def test_a_connection_that_grew_old_without_work_makes_room() -> None:
    """It may be used no more, and must not stand in the way of the one connection that there may be."""
    with (
        JudgeServer(Script()) as judge,
        SmtpTransport(endpoint(judge, max_seconds=1.5, idle_seconds=60.0)) as transport,
    ):
        for name in ("ani", "bob", "eva"):
            ledger = Ledger()
            transport.send(
                [envelope(name)], before_dot=ledger.before_dot, after_reply=ledger.after_reply, patience=20.0
            )
            assert ledger.outcomes == [(name, A)]
            time.sleep(1.6 if name == "ani" else 0.0)
        assert judge.connections in (2, 3)  # three if this machine stood still after bob


def test_the_servers_own_limit_costs_nobody_a_mail() -> None:
    """421 after n messages is met by a new connection."""
    with JudgeServer(Script(messages_per_connection=2)) as judge:
        ledger = Ledger()
        send(judge, ledger, "a1", "a2", "a3", "a4", "a5")
        assert [outcome for _, outcome in ledger.outcomes] == [A] * 5
        assert taken(judge) == ["a1", "a2", "a3", "a4", "a5"]


def test_a_refusal_is_followed_by_rset_or_a_new_connection() -> None:
    """A server that closes after a refusal is met again."""
    faults = (Fault("rcpt", reply="550 5.1.1 no", match="bob@"), Fault("rset", action="drop"))
    with JudgeServer(Script(faults=faults)) as judge:
        ledger = Ledger()
        send(judge, ledger, "bob", "eva")
        assert ledger.outcomes == [("bob", R), ("eva", A)]
        assert judge.connections == 2
    with JudgeServer(Script(faults=faults[:1])) as judge:
        send(judge, Ledger(), "bob", "eva")
        assert judge.connections == 1


def test_smtputf8_is_used_only_where_offered() -> None:
    """A foreign local part goes to a server that takes it; elsewhere it alone is refused."""
    foreign = Envelope(
        sender="",
        recipient="josé@example.org",
        message="To: josé@example.org\r\n\r\nx\r\n".encode(),
        needs_smtputf8=True,
        ref="jose",
    )
    for offered, expected in ((True, [("jose", A), ("ani", A)]), (False, [("jose", R), ("ani", A)])):
        with JudgeServer(Script(smtputf8=offered)) as judge, SmtpTransport(endpoint(judge)) as transport:
            ledger = Ledger()
            envelopes = [foreign, envelope("ani")]
            transport.send(envelopes, before_dot=ledger.before_dot, after_reply=ledger.after_reply)
            assert ledger.outcomes == expected
            parameters = [message.parameters for message in judge.messages]
            assert ("BODY=8BITMIME SMTPUTF8" in parameters[0]) is offered
            assert "SMTPUTF8" not in parameters[-1]


def test_esmtp_parameters_only_where_offered() -> None:
    """SIZE names the message's size; 8BITMIME is not asked for where it is not needed."""
    with JudgeServer() as judge:
        send(judge, Ledger(), "ani")
        assert judge.messages[0].parameters == f"SIZE={len(envelope('ani').message)}"


@pytest.mark.parametrize(
    ("script", "security"),
    [(Script(starttls=True), Security.STARTTLS), (Script(implicit_tls=True), Security.TLS)],
)
def test_tls_with_a_checked_certificate(script: Script, security: Security) -> None:
    """Both kinds of TLS work against a certificate we trust, and are refused against one we do not."""
    with JudgeServer(script) as judge:
        ledger = Ledger()
        send(judge, ledger, "ani", host="localhost", security=security, ca_file=str(AUTHORITY))
        assert ledger.outcomes == [("ani", A)]
        assert judge.messages[0].raw == envelope("ani").message
        with pytest.raises(SignInError, match="certificate"):
            send(judge, ledger, "bob", host="localhost", security=security)
        with pytest.raises(SignInError, match="certificate"):
            send(judge, ledger, "bob", host="127.0.0.1", security=security, ca_file=str(AUTHORITY))
        assert taken(judge) == ["ani"]


def test_a_missing_file_of_certificates_is_a_wrong_setting() -> None:
    """It is said as what it is, and not taken for a server that cannot be reached."""
    with JudgeServer(Script(implicit_tls=True)) as judge, pytest.raises(ConfigError, match="certificates"):
        check(endpoint(judge, security=Security.TLS, ca_file="/nonexistent/authority.pem"))


def test_tls_with_a_server_that_has_none() -> None:
    """A handshake that fails is a connection that failed."""
    with JudgeServer() as judge, pytest.raises(UnreachableError, match="TLS"):
        check(endpoint(judge, security=Security.TLS))


def test_no_fallback_from_starttls() -> None:
    """A server without STARTTLS, or one that refuses it, gets no mail and no password."""
    for script in (Script(), Script(starttls=True, faults=(Fault("starttls", reply="454 4.7.0 not now"),))):
        with JudgeServer(script) as judge:
            with pytest.raises(SignInError, match="STARTTLS"):
                send(judge, Ledger(), "ani", security=Security.STARTTLS, username="u", password="p")
            assert not any(command.startswith(("AUTH", "MAIL")) for command in judge.commands)


def test_words_before_tls_are_an_injection() -> None:
    """Bytes that came with the answer to STARTTLS are not read as the server's after it (RFC 3207)."""
    reply = "220 go ahead\r\n250-evil\r\n250 AUTH PLAIN"
    with (
        JudgeServer(Script(starttls=True, faults=(Fault("starttls", reply=reply),))) as judge,
        pytest.raises(SignInError, match="before TLS"),
    ):
        send(judge, Ledger(), "ani", security=Security.STARTTLS, username="u", password="p")


def test_features_are_read_again_after_tls() -> None:
    """Sign-in is offered only inside TLS, so the second EHLO is the one that counts."""
    script = Script(starttls=True, user="digest", password="s3cret")
    with JudgeServer(script) as judge:
        ours = endpoint(
            judge,
            host="localhost",
            security=Security.STARTTLS,
            ca_file=str(AUTHORITY),
            username="digest",
            password="s3cret",
        )
        offer = check(ours)
        assert offer.is_signed_in
        assert "AUTH" in offer.extensions
        assert "STARTTLS" not in offer.extensions
        assert offer.tls.startswith("TLSv1.")
        assert [command.split()[0] for command in judge.commands] == [
            "EHLO",
            "STARTTLS",
            "EHLO",
            "AUTH",
            "NOOP",
            "QUIT",
        ]


@pytest.mark.parametrize("mechanisms", [("PLAIN",), ("LOGIN",), ("CRAM-MD5", "LOGIN"), ("XOAUTH2", "PLAIN")])
def test_sign_in(mechanisms: tuple[str, ...]) -> None:
    """PLAIN or LOGIN, whichever is offered; a wrong password is said without being said."""
    with JudgeServer(Script(user="digest", password="pässwörd", mechanisms=mechanisms)) as judge:
        ledger = Ledger()
        send(judge, ledger, "ani", username="digest", password="pässwörd")
        assert ledger.outcomes == [("ani", A)]
        with pytest.raises(SignInError, match="does not take the login and password") as caught:
            send(judge, ledger, "bob", username="digest", password="wrong-one")
        assert "wrong-one" not in str(caught.value)
        assert "digest" not in str(caught.value)


def test_sign_in_that_cannot_be() -> None:
    """An unknown mechanism and a server that is busy are told apart."""
    with (
        JudgeServer(Script(user="digest", password="p", mechanisms=("XOAUTH2",))) as judge,
        pytest.raises(SignInError, match="no sign-in that we know"),
    ):
        send(judge, Ledger(), "ani", username="digest", password="p")
    faults = (Fault("auth", reply="454 4.7.0 later"),)
    with (
        JudgeServer(Script(user="digest", password="p", faults=faults)) as judge,
        pytest.raises(HostRefusedError, match="cannot sign us in now"),
    ):
        send(judge, Ledger(), "ani", username="digest", password="p")


def test_check_says_what_the_server_offers() -> None:
    """Nothing is sent; the size limit is read."""
    with JudgeServer(Script(size_limit=5_000_000)) as judge:
        offer = check(endpoint(judge))
        assert (offer.size_limit, offer.tls, offer.is_signed_in) == (5_000_000, "", False)
        assert {"PIPELINING", "SMTPUTF8", "8BITMIME"} <= set(offer.extensions)
        assert judge.messages == []


def test_a_server_that_is_not_there() -> None:
    """A closed port and an unknown host are said in one sentence each."""
    with socket.socket() as taken_port:
        taken_port.bind(("127.0.0.1", 0))
        port = taken_port.getsockname()[1]
        ledger = Ledger()
        with pytest.raises(UnreachableError, match=f"127.0.0.1:{port} cannot be reached: connection refused"):
            SmtpTransport(Endpoint(host="127.0.0.1", port=port, security=Security.NONE)).send(
                [envelope("ani")], before_dot=ledger.before_dot, after_reply=ledger.after_reply
            )
        assert ledger.outcomes == [("ani", U)]
    with pytest.raises(UnreachableError, match="its name is not known"):
        check(Endpoint(host="nowhere.invalid", port=25, security=Security.NONE))


def test_a_message_that_could_be_read_as_two_is_not_sent() -> None:
    """A bare line end is refused before anything is said about it to the server."""
    with JudgeServer() as judge, SmtpTransport(endpoint(judge)) as transport:
        one = Envelope(sender="", recipient="ani@example.org", message=b"a\r\n\n.\r\nMAIL FROM:<x@y.org>\r\n")
        with pytest.raises(InputError):
            transport.send([one], before_dot=lambda _: True, after_reply=lambda *_: None)
        assert judge.commands == []
