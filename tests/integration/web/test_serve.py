"""The web server as a process: its start, its log, its end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.config import Settings
from digest.db import Database
from digest.errors import ConfigError
from digest.web.listener import listen
from digest.web.serve import serve
from tests.integration.web.rows import Scene
from tests.integration.web.served import served
from tests.integration.web.test_busy import ask, writing
from tests.servers.databases import Kept
from tests.servers.waiting import HANG, wait_until


@pytest.fixture
def kept(kept_sqlite: Kept) -> Iterator[Kept]:
    """SQLite alone: how a process starts and ends has nothing to do with its database."""
    yield kept_sqlite
    kept_sqlite.empty()


def test_a_request_that_has_begun_is_finished(
    settings: Settings, database: Database, scene: Scene, tmp_path: Path
) -> None:
    """A sign-off that waits for its turn when the server is told to stop is still done and answered.

    Then the process ends by itself with status 0, and says that it has stopped.
    """
    body = b"List-Unsubscribe=One-Click"
    head = (
        f"POST /u/{scene.token} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n"
    )
    with served(settings, tmp_path) as server, writing(database) as done:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=HANG) as post:
            post.sendall(head.encode())
            assert post.recv(100).startswith(b"HTTP/1.1 100")  # the endpoint asks for the body
            post.sendall(body)
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: refuses(address), seconds=120, what="the server takes no more")
            assert server.process.poll() is None
            done.set()
            assert post.recv(100).startswith(b"HTTP/1.1 200")
        assert server.process.wait(timeout=HANG) == 0
        assert "web: stopped" in server.log.read_text()


def test_no_token_reaches_the_log(settings: Settings, scene: Scene, tmp_path: Path) -> None:
    """Whatever is asked, in whatever wrong way, the most talkative log does not repeat it.

    Ctrl-C is a clean end, as SIGTERM is.
    """
    secret = scene.token[:30]
    with served(settings, tmp_path) as server:
        ask(server.url + "/health")
        ask(f"{server.url}/u/{scene.token}")
        ask(f"{server.url}/u/{scene.token}", b"x" * 5000)
        ask(f"{server.url}/u/{scene.token[:-1]}", b"")
        ask(f"{server.url}/nowhere/{scene.token}?{scene.token}")
        for request in (f"GET /u/{scene.token}\r\n\r\n", f"\x00 /u/{scene.token} HTTP/9\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as raw:
                raw.sendall(request.encode())
                while raw.recv(4096):
                    pass
        assert server.stop(signal.SIGINT) == 0
        said = server.log.read_text()
    assert "web: listening" in said
    assert "web: stopped" in said
    assert secret not in said


def test_a_taken_port_is_said_in_one_sentence(settings: Settings) -> None:
    """The error names the address and what to do; the services are closed again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1, port {port}: address already in use\. Stop"):
            serve(settings.model_copy(update={"web_port": port}))


def test_small_answers_leave_at_once() -> None:
    """Connections are taken without Nagle's delay, which would hold each answer's second part for 40 ms."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def refuses(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=1):
            return False
    except OSError:
        return True
