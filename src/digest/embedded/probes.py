"""Asking the servers on this machine whether they answer, by plain sockets.

No client library: the supervisor asks these questions and must stay small.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

_REPLY_LIMIT = 64 * 1024


def ping_broker(path: Path, *, seconds: float = 1.0) -> bool:
    """Whether a Redis or Valkey server answers PING on this unix socket. One that still loads does not."""
    return _ask_broker(path, b"PING\r\n", seconds).startswith(b"+PONG")


def broker_process(path: Path, *, seconds: float = 1.0) -> int | None:
    """The process id of the server that answers on this unix socket, or None."""
    for line in _ask_broker(path, b"INFO server\r\n", seconds).splitlines():
        if line.startswith(b"process_id:"):
            return int(line.removeprefix(b"process_id:"))
    return None


def shut_down_broker(path: Path, *, seconds: float = 10.0) -> bool:
    """Have the server on this unix socket write its file and end; true once nothing listens there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not listens(path):
            return True
        _ask_broker(path, b"SHUTDOWN\r\n", min(1.0, seconds))
        time.sleep(0.05)
    return not listens(path)


def listens(path: Path) -> bool:
    """Whether something accepts connections on this unix socket."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
    except OSError:
        return False
    return True


def web_answers(host: str, port: int, *, path: str = "/health", seconds: float = 2.0) -> bool:
    """Whether a web server answers a GET with anything below 500."""
    where = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # nosec B104 # noqa: S104  (never bound)
    request = f"GET {path} HTTP/1.0\r\nHost: {where}\r\nConnection: close\r\n\r\n".encode("ascii")
    try:
        with socket.create_connection((where, port), timeout=seconds) as connection:
            connection.sendall(request)
            words = connection.recv(_REPLY_LIMIT).split(maxsplit=2)
    except OSError:
        return False
    return len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() and int(words[1]) < 500


def _ask_broker(path: Path, command: bytes, seconds: float) -> bytes:
    """The first bytes of the answer to an inline command (RESP, "Inline commands"), or none."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(str(path))
            connection.sendall(command)
            return connection.recv(_REPLY_LIMIT)
    except OSError:
        return b""


def smtp_answers(host: str, port: int, *, seconds: float = 2.0) -> bool:
    """Whether an SMTP server greets us."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            is_there = connection.recv(_REPLY_LIMIT).startswith(b"220")
            connection.sendall(b"QUIT\r\n")
    except OSError:
        return False
    return is_there


def free_port(host: str = "127.0.0.1", *, preferred: int = 0) -> int:
    """A TCP port that nobody listens on at this moment: the preferred one if it is free."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host, port))
            except OSError:
                continue
            return int(tried.getsockname()[1])
    raise OSError("no port is free")
