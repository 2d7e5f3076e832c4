"""A judge outside the system: a real SMTP server with a record of its own and faults on demand.

    with JudgeServer(Script(faults=(Fault("rcpt", reply="550 5.1.1 no", match="bob@"),))) as judge:
        ... send to judge.port ...
        assert [message.recipients for message in judge.messages] == [...]

As a process, for tests that kill the sender:

    python -m tests.servers.smtp --port-file F --record F [--delay-ms 20] [--fault JSON ...] [--script JSON]

Each message taken is one JSON line of the record, written (and synced) before the 250 leaves: what is in the
record was taken, whatever the sender heard. Each connection that ended is a line too.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from tests.servers.smtp_conversation import Conversation, server_tls
from tests.servers.smtp_script import Fault, FaultCounter, Received, Script
from tests.servers.waiting import HANG

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


class JudgeServer:
    """The server, in a thread with a loop of its own; a context manager."""

    def __init__(self, script: Script | None = None, *, record: Path | None = None) -> None:
        self.script = script or Script()
        self.messages: list[Received] = []
        self.commands: list[str] = []  # of all connections, in order of arrival
        self.connections = 0
        self.open_connections = 0
        self.port = 0
        self.counter = FaultCounter(self.script.faults)
        self.holding: set[Conversation] = set()
        self._lines: list[bytes] = []
        self._waiting: list[Callable[[], None]] = []
        self._record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if record else -1
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(HANG), "the judge did not start"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stopped)
        self._thread.join(HANG)
        if self._record >= 0:
            os.close(self._record)

    async def serve(self, *, host: str = "127.0.0.1", port: int = 0, port_file: Path | None = None) -> None:
        """Serve until stopped."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        transports: set[asyncio.Transport] = set()
        tls = server_tls(self.script.certificate) if self.script.implicit_tls else None
        server = await self._loop.create_server(lambda: Conversation(self, transports), host, port, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        if port_file:
            part = port_file.with_suffix(".part")
            part.write_text(str(self.port))
            part.rename(port_file)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for transport in list(transports):
            transport.abort()

    def let_go(self) -> None:
        """From any thread: have those answer who hold their answer back."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._let_go)

    def hold_no_more(self) -> None:
        """From any thread: let go, and hold no answer back from now on."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._hold_no_more)

    def stop(self) -> None:
        """From inside the loop: end `serve`."""
        self._stopped()

    def take(self, message: Received, *, answered: bool, then: Callable[[], None]) -> None:
        """Put a message on record, on the disk if so scripted, and go on with `then`."""
        found = _MESSAGE_ID.search(message.raw)
        line = {
            "at": time.time(),
            "mail_at": message.mail_at,
            "data_at": message.data_at,
            "dot_at": message.dot_at,
            "mail_from": message.mail_from,
            "rcpt": message.recipients,
            "message_id": found[1].decode("utf-8", "replace") if found else "",
            "sha256": hashlib.sha256(message.raw).hexdigest(),
            "size": len(message.raw),
            "connection": message.connection,
            "answered": answered,
        }
        if self.script.raw:
            line["raw"] = message.raw.decode("latin-1")
        if self.script.keep:
            self.messages.append(message)
        self._lines.append(json.dumps(line).encode() + b"\n")
        if not self.script.in_groups:
            self._write(sync=self.script.fsync)
            then()
            return
        if not self._waiting:
            assert self._loop is not None
            self._loop.call_soon(self._write_group)
        self._waiting.append(then)

    def note_end(self, connection: int, *, said_quit: bool, was_in_mail: bool) -> None:
        """Put the end of a connection on record."""
        line = {"ended": connection, "at": time.time(), "quit": said_quit, "in_mail": was_in_mail}
        self._lines.append(json.dumps(line).encode() + b"\n")
        if not self._waiting:
            self._write(sync=False)

    def _let_go(self) -> None:
        holding, self.holding = self.holding, set()
        for conversation in holding:
            conversation.let_go()

    def _hold_no_more(self) -> None:
        self.counter = FaultCounter(tuple(one for one in self.counter.faults if one.action != "hold"))
        self._let_go()

    def _write_group(self) -> None:
        self._write(sync=self.script.fsync)
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()

    def _write(self, *, sync: bool) -> None:
        lines, self._lines = self._lines, []
        if self._record >= 0:
            os.write(self._record, b"".join(lines))
            if sync:
                os.fsync(self._record)

    def _stopped(self) -> None:
        assert self._stop is not None
        self._stop.set()


def read_record(path: Path) -> Iterator[dict[str, Any]]:
    """The messages on record; a last line that is not whole (the judge was killed) is left out."""
    return (line for line in _lines_of(path) if "rcpt" in line)


def read_ends(path: Path) -> Iterator[dict[str, Any]]:
    """The connections that ended: `ended` its number, `at`, `quit` after a QUIT, `in_mail` amid a mail."""
    return (line for line in _lines_of(path) if "ended" in line)


def _lines_of(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield json.loads(line)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.servers.smtp")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--fault", action="append", default=[], help="a Fault as JSON")
    parser.add_argument("--script", default="{}", help="a Script as JSON")
    options = parser.parse_args()
    script = Script.from_plain({"keep": False, "delay": options.delay_ms / 1000} | json.loads(options.script))
    faults = tuple(Fault(**json.loads(fault)) for fault in options.fault)
    judge = JudgeServer(replace(script, faults=script.faults + faults), record=options.record)

    async def run() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, judge.stop)
        await judge.serve(host=options.host, port=options.port, port_file=options.port_file)

    asyncio.run(run())


if __name__ == "__main__":
    main()
