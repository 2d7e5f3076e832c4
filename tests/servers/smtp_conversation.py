"""One connection of the judging SMTP server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import re
import ssl
import time
from typing import TYPE_CHECKING

from tests.servers.smtp_script import TLS_FOLDER, Fault, Received

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.smtp import JudgeServer

_PATH = re.compile(r"(?:MAIL FROM|RCPT TO):\s*<([^>]*)>(.*)", re.IGNORECASE)


class Conversation(asyncio.Protocol):
    """One connection. Commands are answered in order; replies leave `delay` after their command came."""

    def __init__(self, judge: JudgeServer, transports: set[asyncio.Transport]) -> None:
        self._judge, self._script, self._transports = judge, judge.script, transports
        self._buffer = bytearray()
        self._in_data, self._scanned, self._silent = False, 0, False
        self._is_waiting = False  # for a message to be on the disk
        self._came_early = False  # the next command did
        self._said_quit = False
        self._mail_at = self._data_at = 0.0
        self._mail_from: str | None = None
        self._parameters = ""
        self._recipients: list[str] = []
        self._auth: list[str] | None = None
        self._signed_in = not judge.script.user
        self._in_tls = judge.script.implicit_tls
        self._served, self._last_due = 0, 0.0
        self._waiting_to_leave = 0
        self._slow = 0.0
        self._held: list[Callable[[], None]] = []
        self._upgrade: asyncio.Task[None] | None = None
        self._upgrading = False
        self._loop = asyncio.get_running_loop()
        judge.connections += 1
        self._number = judge.connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transports.add(transport)
        if not self._upgrade:
            self._judge.open_connections += 1
            self._answer("connect", "", "220 judge.test ESMTP")

    def connection_lost(self, _error: Exception | None) -> None:
        self._transports.discard(self._transport)
        self._judge.open_connections -= 1
        self._judge.note_end(self._number, said_quit=self._said_quit, was_in_mail=self._mail_from is not None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not (self._silent or self._upgrading or self._is_waiting or self._transport.is_closing()):
            if self._in_data:
                if not self._message_ended():
                    return
                self._came_early = self._script.refuses_behind_dot and bool(self._buffer)
                self._forget_pipelined()
            elif (end := self._buffer.find(b"\r\n")) >= 0:
                line = self._buffer[:end].decode("utf-8", "replace")
                del self._buffer[: end + 2]
                is_early, self._came_early = self._came_early, False
                if is_early:
                    self._say("503 5.5.0 improper use of SMTP command pipelining")
                else:
                    self._command(line)
                self._came_early |= self._script.refuses_pipelined and bool(self._buffer)
                self._forget_pipelined()
            else:
                return

    def _forget_pipelined(self) -> None:
        if self._script.discards_pipelined:
            self._buffer.clear()

    def _message_ended(self) -> bool:
        if self._fault("body", " ".join(self._recipients)):
            return False
        if self._buffer.startswith(b".\r\n"):
            raw, length = b"", 3
        else:
            end = self._buffer.find(b"\r\n.\r\n", max(0, self._scanned - 5))
            self._scanned = len(self._buffer)
            if end < 0:
                return False
            raw, length = bytes(self._buffer[: end + 2]), end + 5
        del self._buffer[:length]
        self._in_data, self._scanned = False, 0
        self._finish((b"\r\n" + raw).replace(b"\r\n..", b"\r\n.")[2:])
        return True

    def _finish(self, raw: bytes) -> None:
        recipients, mail_from, dot_at = tuple(self._recipients), self._mail_from or "", time.time()
        parameters, self._mail_from, self._recipients = self._parameters, None, []
        about = " ".join(recipients)
        if not recipients:
            self._say("554 5.5.1 no valid recipients")
            return
        if self._fault("dot", about):
            return
        if 0 < self._script.size_limit < len(raw):
            self._say("552 5.3.4 the message is too large")
            return
        if not self._script.eightbit and not raw.isascii():
            self._say("554 5.6.3 8BITMIME was not offered")
            return
        fault = self._judge.counter.due("accepted", about)
        message = Received(
            *(mail_from, recipients, parameters, raw, self._number),
            mail_at=self._mail_at,
            data_at=self._data_at,
            dot_at=dot_at,
        )
        self._is_waiting = True
        is_answered = fault is None or fault.action in ("slow", "hold", "reply")
        self._judge.take(message, answered=is_answered, then=functools.partial(self._taken, fault))

    def _taken(self, fault: Fault | None) -> None:
        """The message is on record: answer, and go on with what came meanwhile."""
        self._is_waiting = False
        self._served += 1
        if not self._act(fault):
            self._say(f"250 2.0.0 Ok: queued as {self._number}.{self._served}")
        if self._script.in_groups:
            self.data_received(b"")

    def _command(self, line: str) -> None:
        self._judge.commands.append(line)
        if self._auth is not None:
            self._continue_auth(line)
            return
        verb = line.split(" ", maxsplit=1)[0].upper()
        handler = getattr(self, f"_on_{verb.lower()}", None)
        if handler is None:
            self._say("500 5.5.2 unknown command")
        else:
            handler(line)

    def _on_ehlo(self, line: str) -> None:
        script = self._script
        offers = ["judge.test", f"SIZE {script.size_limit}" if script.size_limit else "SIZE"]
        offers += ["PIPELINING"] * script.pipelining + ["8BITMIME"] * script.eightbit
        offers += ["SMTPUTF8"] * script.smtputf8 + ["ENHANCEDSTATUSCODES"]
        if script.starttls and not self._in_tls:
            offers.append("STARTTLS")
        elif script.user:
            offers.append("AUTH " + " ".join(script.mechanisms))
        lines = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
        self._answer("ehlo", line, "\r\n".join(lines))

    def _on_starttls(self, line: str) -> None:
        if not self._script.starttls or self._in_tls:
            self._say("503 5.5.1 not now")
        elif not self._fault("starttls", line):
            self._buffer.clear()  # what was said before TLS does not count
            self._upgrading = True
            self._transport.write(b"220 2.0.0 go ahead\r\n")
            self._upgrade = self._loop.create_task(self._start_tls())

    async def _start_tls(self) -> None:
        old = self._transport
        old.pause_reading()
        with contextlib.suppress(OSError):
            new = await self._loop.start_tls(
                old, self, server_tls(self._script.certificate), server_side=True
            )
            self._transports.discard(old)
            assert new is not None
            self._in_tls = True
            self.connection_made(new)
            # The client may have spoken through TLS before this task came to run again.
            self._upgrading = False
            self.data_received(b"")

    def _on_auth(self, line: str) -> None:
        parts = line.split(" ")
        if self._fault("auth", line):
            return
        if parts[1].upper() == "PLAIN" and len(parts) == 3:
            self._check(base64.b64decode(parts[2]).decode().split("\0")[1:])
        elif parts[1].upper() == "LOGIN":
            self._auth = []
            self._say("334 VXNlcm5hbWU6")
        else:
            self._say("504 5.5.4 unknown mechanism")

    def _continue_auth(self, line: str) -> None:
        assert self._auth is not None
        self._auth.append(base64.b64decode(line).decode())
        if len(self._auth) == 2:
            self._check(self._auth)
            self._auth = None
        else:
            self._say("334 UGFzc3dvcmQ6")

    def _check(self, secrets: list[str]) -> None:
        self._signed_in = secrets == [self._script.user, self._script.password]
        self._say("235 2.7.0 welcome" if self._signed_in else "535 5.7.8 wrong user name or password")

    def _on_mail(self, line: str) -> None:
        limit = self._script.messages_per_connection
        if limit and self._served >= limit:
            self._say("421 4.7.0 enough on this connection")
            self._close()
        elif not self._signed_in:
            self._say("530 5.7.0 sign in first")
        elif self._mail_from is not None:
            self._say("503 5.5.1 nested MAIL")
        elif not (match := _PATH.fullmatch(line)):
            self._say("501 5.5.4 syntax")
        elif refusal := self._refusal_of(match[1], match[2].upper().split()):
            self._say(refusal)
        elif not self._answer("mail", line, "250 2.1.0 ok"):
            self._mail_from, self._parameters = match[1], match[2].strip()
            self._mail_at = time.time()

    def _refusal_of(self, sender: str, parameters: list[str]) -> str:
        """What there is against a MAIL by what was offered; "" for nothing."""
        script = self._script
        sizes = [int(word[5:]) for word in parameters if word.startswith("SIZE=")]
        if "SMTPUTF8" in parameters and not script.smtputf8:
            return "555 5.5.4 SMTPUTF8 was not offered"
        if "BODY=8BITMIME" in parameters and not script.eightbit:
            return "555 5.5.4 8BITMIME was not offered"
        if "SMTPUTF8" not in parameters and not sender.isascii():
            return "553 5.6.7 this address needs SMTPUTF8"
        if script.size_limit and sizes and sizes[0] > script.size_limit:
            return "552 5.3.4 the message is too large"
        return ""

    def _on_rcpt(self, line: str) -> None:
        match = _PATH.fullmatch(line)
        if self._mail_from is None or not match:
            self._say("503 5.5.1 no MAIL")
        elif not match[1].isascii() and "SMTPUTF8" not in self._parameters.upper():
            self._say("553 5.6.7 this address needs SMTPUTF8")
        elif 0 < self._script.most_recipients <= len(self._recipients):
            self._say("452 4.5.3 too many recipients")
        elif not self._answer("rcpt", line, "250 2.1.5 ok"):
            self._recipients.append(match[1])

    def _on_data(self, line: str) -> None:
        if self._mail_from is None or not self._recipients:
            reply = self._script.data_without_recipients
            self._say(reply)
            self._in_data = reply.startswith("354")
        elif not self._answer("data", f"{line} {' '.join(self._recipients)}", "354 go on"):
            self._in_data, self._data_at = True, time.time()

    def _on_rset(self, line: str) -> None:
        self._mail_from, self._recipients = None, []
        self._answer("rset", line, "250 2.0.0 ok")

    def _on_noop(self, line: str) -> None:
        self._answer("noop", line, "250 2.0.0 ok")

    def _on_quit(self, line: str) -> None:
        self._said_quit = True
        if not self._answer("quit", line, "221 2.0.0 bye"):
            self._close()

    def _answer(self, stage: str, text: str, reply: str) -> bool:
        """Say the reply unless a fault says another; whether there was such a fault."""
        if self._fault(stage, text):
            return True
        self._say(reply)
        return False

    def _fault(self, stage: str, text: str) -> bool:
        return self._act(self._judge.counter.due(stage, text))

    def _act(self, fault: Fault | None) -> bool:
        if fault is None:
            return False
        if fault.action == "slow":
            self._slow = fault.seconds
            return False
        if fault.action == "hold":
            self._judge.holding.add(self)
            return False
        if fault.action == "silence":
            self._silent = True
        elif fault.action == "drop":
            self._close()
        else:
            self._say(fault.reply)
            if fault.reply.startswith("421"):
                self._close()
        return True

    def _say(self, text: str) -> None:
        self._do(functools.partial(self._transport.write, text.encode() + b"\r\n"))

    def _close(self) -> None:
        self._silent = True
        self._do(self._transport.close)

    def let_go(self) -> None:
        """Do what was held back."""
        held, self._held = self._held, []
        for act in held:
            self._do(act)

    def _do(self, act: Callable[[], None]) -> None:
        """Do it now, when it is due, or when the judge lets go."""
        if self in self._judge.holding:
            self._held.append(act)
        elif due := self._due():
            self._loop.call_at(due, self._leave, act)
        else:
            act()

    def _leave(self, act: Callable[[], None]) -> None:
        self._waiting_to_leave -= 1
        act()

    def _due(self) -> float:
        """When the next bytes leave; 0 for at once. Never before the ones already waiting."""
        late = self._script.delay + self._slow
        self._slow = 0.0
        now = self._loop.time()
        # What was due by now may wait still: a loop that is busy reads before it looks at the time.
        if not late and not self._waiting_to_leave:
            return 0.0
        self._waiting_to_leave += 1
        self._last_due = max(now + late, self._last_due + 1e-6)
        return self._last_due


def server_tls(name: str) -> ssl.SSLContext:
    """The server's side of TLS, with one of the tests' certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS_FOLDER / f"{name}.pem")
    return context
