"""Questions to the servers of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from digest.embedded import probes
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG


@contextmanager
def _answering(server: socket.socket, answer: bytes | None) -> Iterator[None]:
    """A server that gives one answer to each caller (None: says nothing), until the block ends."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                if answer is not None:
                    connection.recv(4096)
                    connection.sendall(answer)
                else:
                    done.wait(HANG)

    done = threading.Event()
    server.listen()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        done.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(HANG)


@pytest.mark.parametrize(
    ("answer", "pong"),
    [(b"+PONG\r\n", True), (b"-LOADING Redis is loading the dataset in memory\r\n", False), (b"", False)],
)
def test_only_a_pong_is_an_answer(tmp_path: Path, answer: bytes, pong: bool) -> None:  # noqa: FBT001
    """A broker that still loads its file is not ready, nor is one that hangs up."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with _answering(server, answer):
            assert probes.ping_broker(path, seconds=HANG) is pong


def test_silent_broker_is_no_answer_after_the_time(tmp_path: Path) -> None:
    """A question has a time limit."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with _answering(server, None):
            assert not probes.ping_broker(path, seconds=0.05)


def test_no_socket_is_no_answer(tmp_path: Path) -> None:
    """A path without a socket, or too long for one, is a no and not an error."""
    assert not probes.ping_broker(tmp_path / "none")
    assert not probes.listens(tmp_path / ("x" * 200))
    assert probes.broker_process(tmp_path / "none") is None
    assert probes.shut_down_broker(tmp_path / "none")


@pytest.mark.parametrize(
    ("answer", "answers"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"SSH-2.0-something\r\n", False),
        (b"", False),
    ],
)
def test_web_server_is_told_from_others(answer: bytes, answers: bool) -> None:  # noqa: FBT001
    """Anything below 500 is a web server at work; another service on the port is not."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        with _answering(server, answer):
            assert probes.web_answers("0.0.0.0", server.getsockname()[1], seconds=HANG) is answers


def test_mail_server_is_known_by_its_greeting() -> None:
    """One that says it is too busy, or hangs up, is not ready."""
    faults = (Fault("connect", reply="421 4.3.2 too busy"), Fault("connect", action="drop"))
    with JudgeServer(Script(faults=faults)) as judge:
        assert [probes.smtp_answers("127.0.0.1", judge.port, seconds=HANG) for _ in range(3)] == [
            False,
            False,
            True,
        ]


def test_closed_port_does_not_answer() -> None:
    """Nobody listening is a no and not an error."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    assert not probes.web_answers("127.0.0.1", port)
    assert not probes.smtp_answers("127.0.0.1", port)
