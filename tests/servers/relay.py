"""What the TCP relays of the tests have in common: accept, connect on, pass bytes; a process of their own.

with relay_process("tests.servers.delay_relay", judge.port, "--delay-ms", "10") as port:
    ... connect to port instead ...
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.servers.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


class Side(asyncio.Protocol):
    """One of the two connections of a pair. What comes in goes to `passes_on`, which may do more with it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.peer: Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=4_000_000)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self.pass_on(data)

    def pass_on(self, data: bytes) -> None:
        """Write to the other side."""
        peer = self.peer.transport if self.peer else None
        if peer and not peer.is_closing():
            peer.write(data)

    def end_peer(self) -> None:
        """Close the other side once what was written to it has left."""
        if self.peer and self.peer.transport:
            self.peer.transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self.end_peer()

    def pause_writing(self) -> None:
        if self.peer and self.peer.transport and not self.peer.transport.is_closing():
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer and self.peer.transport and not self.peer.transport.is_closing():
            self.peer.transport.resume_reading()


def reset(side: Side) -> None:
    """End a connection with RST instead of FIN."""
    if side.transport:
        sock = side.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        side.transport.abort()


def parser(name: str) -> argparse.ArgumentParser:
    """The options that every relay takes."""
    made = argparse.ArgumentParser(prog=name)
    made.add_argument("--to", type=int, required=True, help="port on 127.0.0.1")
    made.add_argument("--port-file", type=Path, required=True)
    return made


def serve(pair: Callable[[], tuple[Side, Side]], *, to: int, port_file: Path) -> None:
    """Relay until SIGTERM; `pair` gives the client's and the server's side of a new connection."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, ended.set)
        connecting: set[asyncio.Task[None]] = set()

        def accept() -> Side:
            client, target = pair()
            client.peer, target.peer = target, client
            task = loop.create_task(_connect(loop, client, target, to))
            connecting.add(task)
            task.add_done_callback(connecting.discard)
            return client

        server = await loop.create_server(accept, "127.0.0.1", 0, backlog=1024)
        part = port_file.with_suffix(".part")
        part.write_text(str(server.sockets[0].getsockname()[1]))
        part.rename(port_file)
        await ended.wait()
        server.close()

    asyncio.run(run())


async def _connect(loop: asyncio.AbstractEventLoop, client: Side, target: Side, to: int) -> None:
    try:
        await loop.create_connection(lambda: target, "127.0.0.1", to)
    except OSError:
        reset(client)


@contextlib.contextmanager
def relay_process(module: str, to: int, *options: str) -> Iterator[int]:
    """A relay as a process; gives its port."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        argv = [sys.executable, "-m", module, "--to", str(to), "--port-file", str(port_file), *options]
        with subprocess.Popen(argv, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
            try:
                wait_until(port_file.exists, what="the relay's port")
                yield int(port_file.read_text())
            finally:
                process.kill()
