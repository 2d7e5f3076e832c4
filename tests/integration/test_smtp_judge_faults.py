"""The judge's faults: what it is told to do wrong, it does, and nothing else."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.servers.smtp import JudgeServer, read_ends, read_record
from tests.servers.smtp_script import AUTHORITY, Fault, Script
from tests.servers.waiting import HANG, wait_until

MESSAGE = b"Message-ID: <e1.x@example.org>\r\n\r\nx\r\n"
_GROUP = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<%s@example.org>\r\nDATA\r\n"


def _say(judge: JudgeServer, data: bytes, *, replies: int) -> list[bytes]:
    """Speak to the judge in one write; the codes of its replies, the greeting's among them."""
    with socket.create_connection(("127.0.0.1", judge.port), timeout=HANG) as connection:
        file = connection.makefile("rb")
        connection.sendall(data)
        codes: list[bytes] = []
        while len(codes) < replies and (line := file.readline()):
            if line[3:4] == b" ":
                codes.append(line[:3])
        return codes


def test_the_third_recipient_is_put_off() -> None:
    """451 at the third RCPT of all, and only there."""
    with JudgeServer(Script(faults=(Fault("rcpt", reply="451 4.3.0 later", skip=2),))) as judge:
        groups = b"".join(_GROUP % name + MESSAGE + b".\r\n" for name in (b"a", b"b"))
        codes = _say(
            judge, groups + _GROUP % b"c" + _GROUP.replace(b"MAIL", b"RSET\r\nMAIL") % b"d", replies=16
        )
    assert codes == b"220 250 250 354 250 250 250 354 250 250 451 503 250 250 250 354".split()


@pytest.mark.parametrize(
    ("reply", "codes"),
    [
        ("503 5.5.1 no recipients", b"220 250 550 503 250 250 354 250"),
        ("554 5.5.1 no valid recipients", b"220 250 550 554 250 250 354 250"),
    ],
)
def test_data_after_a_refused_recipient_is_refused_as_told(reply: str, codes: bytes) -> None:
    """503 or 554, and the next mail of the group goes through."""
    script = Script(
        data_without_recipients=reply, faults=(Fault("rcpt", reply="550 5.1.1 no", match="bob@"),)
    )
    with JudgeServer(script) as judge:
        said = _GROUP % b"bob" + b"RSET\r\n" + _GROUP % b"eva" + MESSAGE + b".\r\n"
        assert _say(judge, said, replies=9) == [*codes.split()[:4], b"250", *codes.split()[4:]]
        assert [message.recipients for message in judge.messages] == [("eva@example.org",)]


def test_data_after_a_refused_recipient_may_be_allowed() -> None:
    """A server may say 354 all the same: then a dot alone must end it, and nothing was sent."""
    script = Script(
        data_without_recipients="354 go on", faults=(Fault("rcpt", reply="550 5.1.1 no", match="bob@"),)
    )
    with JudgeServer(script) as judge:
        said = _GROUP % b"bob" + b".\r\n" + _GROUP % b"eva" + MESSAGE + b".\r\n"
        assert _say(judge, said, replies=9) == b"220 250 550 354 554 250 250 354 250".split()
        assert [message.recipients for message in judge.messages] == [("eva@example.org",)]


def test_a_server_that_forgets_what_was_pipelined() -> None:
    """It offers PIPELINING, answers the first command of a write, and waits for ever."""
    with JudgeServer(Script(discards_pipelined=True)) as judge:
        with socket.create_connection(("127.0.0.1", judge.port), timeout=HANG) as connection:
            file = connection.makefile("rb")
            connection.sendall(_GROUP % b"bob")
            assert [file.readline()[:3], file.readline()[:3]] == [b"220", b"250"]
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                file.readline()
        with smtplib.SMTP("127.0.0.1", judge.port) as client:  # one that waits each time has no trouble
            client.sendmail("a@example.org", ["eva@example.org"], MESSAGE)
        assert len(judge.messages) == 1


def test_limits_are_held() -> None:
    """Recipients of a message, its size as it is said and as it is, addresses beyond ASCII, eight bits."""
    script = Script(most_recipients=1, size_limit=100, smtputf8=False, eightbit=False)
    with JudgeServer(script) as judge:
        say = [
            b"MAIL FROM:<a@example.org> SIZE=101",
            b"MAIL FROM:<a@example.org> SMTPUTF8",
            b"MAIL FROM:<a@example.org> BODY=8BITMIME",
            "MAIL FROM:<é@example.org>".encode(),
            b"MAIL FROM:<a@example.org> SIZE=100",
            "RCPT TO:<é@example.org>".encode(),
            b"RCPT TO:<b@example.org>",
            b"RCPT TO:<c@example.org>",
            b"DATA",
            b"x" * 101 + b"\r\n.",
            _GROUP % b"b" + "é\r\n.".encode(),
        ]
        codes = _say(judge, b"\r\n".join(say) + b"\r\n", replies=15)
        assert codes == b"220 552 555 555 553 250 553 250 452 354 552 250 250 354 554".split()
        assert judge.messages == []


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [("expired", "expired"), ("other-name", "not valid for 'localhost'"), ("self-signed", "self-signed")],
)
@pytest.mark.parametrize("way", ["starttls", "implicit"])
def test_a_wrong_certificate_is_refused_for_its_own_reason(certificate: str, reason: str, way: str) -> None:
    """Each fixture is wrong in one way only; the right one is accepted by the same client."""
    context, implicit = ssl.create_default_context(cafile=str(AUTHORITY)), way == "implicit"
    for name in (certificate, "localhost"):
        script = Script(certificate=name, starttls=not implicit, implicit_tls=implicit)
        with JudgeServer(script) as judge:
            if name == "localhost":
                assert _tls(judge, context, implicit=implicit) == "TLSv1.3"
            else:
                with pytest.raises(ssl.SSLCertVerificationError, match=reason):
                    _tls(judge, context, implicit=implicit)


def _tls(judge: JudgeServer, context: ssl.SSLContext, *, implicit: bool) -> str | None:
    if implicit:
        with smtplib.SMTP_SSL("localhost", judge.port, context=context) as client:
            return client.sock.version()  # type: ignore[union-attr]
    with smtplib.SMTP("localhost", judge.port) as client:
        client.starttls(context=context)
        return client.sock.version()  # type: ignore[union-attr]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_sign_in_is_refused(mechanism: str) -> None:
    """A wrong password is refused by either mechanism; so is a right one, if the script says so."""
    right = base64.b64encode(b"\0me\0secret") if mechanism == "PLAIN" else None
    for faults, password in (((), b"wrong"), ((Fault("auth", reply="535 5.7.8 no"),), b"secret")):
        with JudgeServer(Script(user="me", password="secret", faults=faults)) as judge:
            if mechanism == "PLAIN":
                said = (
                    b"AUTH PLAIN " + (right if faults else base64.b64encode(b"\0me\0" + password)) + b"\r\n"
                )
            else:
                said = b"AUTH LOGIN\r\n" + b"".join(
                    base64.b64encode(word) + b"\r\n" for word in ((b"me", password) if not faults else ())
                )
            assert b"535" in _say(judge, said, replies=2 if faults or mechanism == "PLAIN" else 4)


@pytest.mark.parametrize(
    "stage", ["connect", "ehlo", "mail", "rcpt", "data", "dot", "accepted", "rset", "quit"]
)
def test_it_is_slow_where_it_is_told_to(stage: str) -> None:
    """One answer comes a fifth of a second late, the others at once."""
    with JudgeServer(Script(faults=(Fault(stage, action="slow", seconds=0.2),))) as judge:
        said = b"EHLO x\r\nRSET\r\n" + _GROUP % b"b" + MESSAGE + b".\r\nQUIT\r\n"
        started = time.perf_counter()
        assert _say(judge, said, replies=8) == b"220 250 250 250 250 354 250 221".split()
        assert time.perf_counter() - started >= 0.2


def test_it_holds_an_answer_back_until_it_is_told_to_let_go() -> None:
    """What was asked meanwhile is answered after it, in order; other connections are answered at once."""
    with (
        JudgeServer(Script(faults=(Fault("rcpt", action="hold", match="bob@"),))) as judge,
        socket.create_connection(("127.0.0.1", judge.port), timeout=HANG) as held,
    ):
        said = b""
        held.sendall(_GROUP % b"bob" + MESSAGE + b".\r\nQUIT\r\n")
        while said.count(b"\n") < 2:
            said += held.recv(1000)
        wait_until(lambda: judge.messages, what="the message behind the answer")
        assert len(_say(judge, _GROUP % b"eva", replies=4)) == 4
        held.settimeout(0.05)
        with pytest.raises(TimeoutError):
            held.recv(1)
        held.settimeout(HANG)
        judge.let_go()
        rest = b""
        while data := held.recv(1000):
            rest += data
    assert [line[:3] for line in said.splitlines()] == [b"220", b"250"]
    assert [line[:3] for line in rest.splitlines()] == [b"250", b"354", b"250", b"221"]


def test_times_and_ends_are_on_record(tmp_path: Path) -> None:
    """When MAIL, DATA and the dot came, in order; and how each connection ended."""
    record = tmp_path / "record"
    with JudgeServer(record=record) as judge:
        with smtplib.SMTP("127.0.0.1", judge.port) as client:
            client.ehlo()
            client.mail("a@example.org")
            time.sleep(0.05)
            client.rcpt("b@example.org")
            client.data(MESSAGE)
        with socket.create_connection(("127.0.0.1", judge.port)) as connection:
            connection.sendall(b"MAIL FROM:<a@example.org>\r\n")
            connection.recv(1000)
        wait_until(lambda: judge.open_connections == 0)
    (line,) = read_record(record)
    # Less than was slept: the machine's clock may be put right by some milliseconds meanwhile.
    assert line["mail_at"] + 0.02 <= line["data_at"] <= line["dot_at"] <= line["at"] <= time.time()
    ends = sorted(read_ends(record), key=lambda end: end["ended"])
    assert [(end["quit"], end["in_mail"]) for end in ends] == [(True, False), (False, True)]


def test_groups_are_synced_together_and_before_their_answers(tmp_path: Path) -> None:
    """With one fsync a group, everything that was answered is on record, whole and in order."""
    record = tmp_path / "record"
    with JudgeServer(Script(in_groups=True, raw=True), record=record) as judge:
        connections = [socket.create_connection(("127.0.0.1", judge.port)) for _ in range(8)]
        for connection in connections:
            connection.sendall((_GROUP % b"b" + MESSAGE + b".\r\n") * 20 + b"QUIT\r\n")
        answered = sum(connection.makefile("rb").read().count(b"queued as") for connection in connections)
        for connection in connections:
            connection.close()
    lines = list(read_record(record))
    assert answered == len(lines) == 160
    assert {line["raw"].encode("latin-1") for line in lines} == {MESSAGE}
