"""What no mail server does: replies that drip, replies without end, and one that stops reading."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from digest.errors import UnreachableError
from digest.mail.smtp_client import SmtpTransport, check
from digest.mail.transport import Endpoint, Envelope, Outcome, Security
from tests.integration.test_smtp_client import Ledger, envelope
from tests.servers.waiting import HANG


@contextlib.contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server of a few bytes, for what no mail server says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(HANG)
        assert not thread.is_alive()


def test_a_reply_that_drips_is_given_up() -> None:
    """The limit is for the whole reply: a byte now and then does not prolong it."""
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        while not ended.wait(0.05):
            connection.sendall(b"2")

    with raw_server(drip) as port:
        with pytest.raises(UnreachableError, match="in time"):
            check(Endpoint(host="127.0.0.1", port=port, security=Security.NONE, timeout=0.4))
        ended.set()


@pytest.mark.parametrize(
    ("step", "limits", "outcome"),
    [(b"MAIL", {"timeout": 0.4}, Outcome.UNSENT), (b"\r\n.\r\n", {"final_timeout": 0.4}, Outcome.UNKNOWN)],
    ids=["before the message", "after the dot"],
)
def test_a_reply_to_a_message_that_drips_is_given_up(
    step: bytes, limits: dict[str, float], outcome: Outcome
) -> None:
    """Also amid the sending: else the connection would be kept for ever, and others would wait for it."""
    ended = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 judge.test\r\n")
        said = b""
        while step not in said:
            said += connection.recv(65_536)
            for verb, reply in ((b"EHLO", b"250 ok\r\n"), (b"MAIL", b"250 ok\r\n"), (b"RCPT", b"250 ok\r\n")):
                if verb in said and step != verb:
                    said = b""
                    connection.sendall(reply)
            if b"DATA" in said:
                said = b""
                connection.sendall(b"354 go on\r\n")
        while not ended.wait(0.05):
            connection.sendall(b"2")

    plain: dict[str, Any] = {"security": Security.NONE, "timeout": HANG, "final_timeout": HANG}
    ledger = Ledger()
    with raw_server(talk) as port:
        with (
            SmtpTransport(Endpoint(host="127.0.0.1", port=port, **(plain | limits))) as transport,
            pytest.raises(UnreachableError, match="in time"),
        ):
            transport.send([envelope("ani")], before_dot=ledger.before_dot, after_reply=ledger.after_reply)
        ended.set()
    assert ledger.outcomes == [("ani", outcome)]


def test_a_reply_without_end_is_given_up() -> None:
    """Lines without end do not fill the memory."""

    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"220-more\r\n" * 1000)

    with raw_server(flood) as port, pytest.raises(UnreachableError, match="as mail servers do"):
        check(Endpoint(host="127.0.0.1", port=port, security=Security.NONE, timeout=HANG))


def test_a_server_that_stops_reading_is_given_up() -> None:
    """In the middle of a message that its buffers do not hold: nobody is in doubt."""
    ended = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"220 judge.test\r\n")
        for answer in (b"250 judge.test", b"250 ok", b"250 ok", b"354 go on"):
            connection.recv(4096)
            connection.sendall(answer + b"\r\n")
        ended.wait(HANG)

    large = Envelope(
        sender="", recipient="ani@example.org", message=b"A: b\r\n\r\n" + b"y\r\n" * 2_000_000, ref="ani"
    )
    ledger = Ledger()
    with raw_server(talk) as port:
        there = Endpoint(host="127.0.0.1", port=port, security=Security.NONE, timeout=0.4)
        with SmtpTransport(there) as transport, pytest.raises(UnreachableError, match="in time"):
            transport.send([large], before_dot=ledger.before_dot, after_reply=ledger.after_reply)
        ended.set()
    assert (ledger.intents, ledger.outcomes) == ([], [("ani", Outcome.UNSENT)])
