"""The relays of the tests: as far away as they say, and broken as they are told."""

from __future__ import annotations

import json
import smtplib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.servers.relay import relay_process
from tests.servers.smtp import JudgeServer
from tests.servers.waiting import HANG

MESSAGE = b"Message-ID: <e1.x@example.org>\r\n\r\n" + b"x" * 70 + b"\r\n"
_DELAY = "tests.servers.delay_relay"
_FAULT = "tests.servers.fault_relay"


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    with JudgeServer() as server:
        yield server


def _send(port: int, *, timeout: float = 10) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=timeout) as client:
        client.sendmail("a@example.org", ["b@example.org"], MESSAGE)


def test_each_exchange_takes_both_delays(judge: JudgeServer) -> None:
    """20 ms there and 20 ms back: a NOOP takes 40, and nothing is lost."""
    with relay_process(_DELAY, judge.port, "--delay-ms", "20") as port:
        with smtplib.SMTP("127.0.0.1", port) as client:
            times = []
            for _ in range(10):
                started = time.perf_counter()
                client.noop()
                times.append(time.perf_counter() - started)
            assert min(times) >= 0.040
        _send(port)
        assert judge.messages[0].raw == MESSAGE


def test_the_delay_does_not_narrow_the_line() -> None:
    """Twenty megabytes under way at once take the delay once, not once for each piece."""
    size = 20_000_000
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        relay_process(_DELAY, server.getsockname()[1], "--delay-ms", "500") as port,
        socket.create_connection(("127.0.0.1", port)) as client,
        server.accept()[0] as taken,
        ThreadPoolExecutor(1) as beside,
    ):
        for end in (client, taken):
            end.settimeout(HANG)
        started = time.perf_counter()
        # The one end sends while the other reads: nothing between them has to hold all of it.
        sent = beside.submit(client.sendall, b"x" * size)
        got = 0
        while got < size and (data := taken.recv(1 << 20)):
            got += len(data)
        sent.result(HANG)
        assert got == size
        # Read in pieces of a quarter of a megabyte, which would take 40 seconds one after another.
        assert 0.5 <= time.perf_counter() - started < 30


@pytest.mark.parametrize("action", ["close", "reset"])
def test_a_connection_is_cut_after_so_many_bytes(judge: JudgeServer, action: str) -> None:
    """The first connection breaks in the middle of the message, the second one works."""
    fault = json.dumps({"direction": "up", "after": 150, "action": action, "connection": 1})
    with relay_process(_FAULT, judge.port, "--fault", fault) as port:
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            _send(port)
        assert judge.messages == []
        _send(port)
        assert [message.raw for message in judge.messages] == [MESSAGE]


def test_the_answer_to_the_dot_can_be_cut_off(judge: JudgeServer) -> None:
    """What the server said last does not come through: it has the message, and the sender does not know."""
    greeting = _bytes_until_the_dot(judge)
    judge.messages.clear()
    fault = json.dumps({"direction": "down", "after": greeting + 2, "action": "reset"})
    with relay_process(_FAULT, judge.port, "--fault", fault) as port:
        with pytest.raises((smtplib.SMTPException, ConnectionError)):
            _send(port)
        assert len(judge.messages) == 1


@pytest.mark.parametrize("action", ["freeze", "deaf"])
def test_a_half_open_connection_is_silence(judge: JudgeServer, action: str) -> None:
    """Nothing comes through and nothing ends: only the client's own patience does."""
    fault = json.dumps({"direction": "up", "after": 60, "action": action})
    with relay_process(_FAULT, judge.port, "--fault", fault) as port:
        with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
            _send(port, timeout=0.5)
        assert judge.messages == []


def _bytes_until_the_dot(judge: JudgeServer) -> int:
    """How many bytes the server says before it answers the final dot."""
    with socket.create_connection(("127.0.0.1", judge.port)) as connection:
        file = connection.makefile("rb")
        size = len(file.readline())
        name = socket.getfqdn()
        for command in (
            f"ehlo {name}",
            f"mail FROM:<a@example.org> size={len(MESSAGE)}",
            "rcpt TO:<b@x>",
            "data",
        ):
            connection.sendall(command.encode() + b"\r\n")
            while True:
                line = file.readline()
                size += len(line)
                if line[3:4] == b" ":
                    break
    return size
