"""The bytes of one SMTP connection: what is written, and the replies that are read.

A wire is first *talked* with, a command and a reply at a time (greeting, TLS, sign-in). Then it is
*streamed*: every reply goes to a listener as it comes, and nothing is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable
from typing import Protocol, cast

from digest.errors import UnreachableError
from digest.i18n import N_
from digest.mail.replies import ProtocolError, ReplyReader
from digest.mail.smtp_errors import ConnectionEndedError

Lines = tuple[str, ...]

# Replies that come once a message and say nothing that is kept are recognised by their first four bytes.
_PLAIN = {b"250 ": 250, b"354 ": 354}
_PLAIN_LIMIT = 512  # RFC 5321 section 4.5.3.1.5
_UNASKED_LIMIT = 65_536


class Listener(Protocol):
    """What a wire that is streamed tells."""

    def on_heard(self) -> None:
        """The server has given a whole reply: once for all that came at a time, before the first of them."""

    def on_plain(self, code: int, text: bytes) -> None:
        """A reply 250 or 354 of one line; the text is what stands behind the code."""

    def on_reply(self, code: int, lines: Lines) -> None:
        """Any other reply."""

    def on_drained(self) -> None:
        """All bytes that were written are with the operating system (after `Wire.write_slowly`)."""

    def on_lost(self, error: UnreachableError) -> None:
        """The connection is gone; nothing comes after this."""


class Wire(asyncio.Protocol):
    """One connection. Made by `smtp_setup.connect`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reader = ReplyReader()
        self._listener: Listener | None = None
        self._waiter: asyncio.Future[tuple[int, Lines]] | None = None
        self._transport: asyncio.Transport | None = None
        self._error: UnreachableError | None = None
        self._waits_for_drain = False
        self._unasked = 0
        self.is_lost = False

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no common class

    def connection_lost(self, error: Exception | None) -> None:
        self._lose(_broken(error))

    def eof_received(self) -> bool:
        return False  # asyncio closes the connection

    def pause_writing(self) -> None:
        """The buffer is not empty; see `write_slowly`."""

    def resume_writing(self) -> None:
        if self._waits_for_drain and self._listener is not None:
            self._waits_for_drain = False
            self._listener.on_drained()

    def data_received(self, data: bytes) -> None:
        try:
            if self._listener is None or not self._reader.is_empty or not data.endswith(b"\r\n"):
                self._read(data)
                return
            lines = data.split(b"\r\n")
            for number in range(len(lines) - 1):
                line = lines[number]
                code = _PLAIN.get(line[:4])
                if code is None or len(line) > _PLAIN_LIMIT:
                    self._read(b"\r\n".join(lines[number:]))
                    return
                if self.is_lost:
                    return
                if not number:
                    self._listener.on_heard()
                self._listener.on_plain(code, line[4:])
        except ProtocolError as error:
            self.abort(error)

    # What the owner does.

    @property
    def has_unread(self) -> bool:
        """Whether the server has said more than was asked for."""
        return not self._reader.is_empty

    @property
    def tls(self) -> str:
        """The version of TLS in use, such as TLSv1.3; "" for an open connection."""
        found = self._transport.get_extra_info("ssl_object") if self._transport else None
        return str(found.version() or "") if found is not None else ""

    def write(self, *chunks: bytes) -> None:
        """Hand bytes to the connection; they leave as soon as it takes them."""
        if self._transport is not None and not self.is_lost:
            self._transport.writelines(chunks)

    def write_slowly(self, chunks: Iterable[bytes]) -> bool:
        """Write a lot: true if it has left already, else `on_drained` is called once it has."""
        assert self._transport is not None
        self._transport.set_write_buffer_limits(high=0)
        self._transport.writelines(chunks)
        self._waits_for_drain = self._transport.get_write_buffer_size() > 0
        return not self._waits_for_drain

    async def command(self, line: str, *, timeout: float) -> tuple[int, Lines]:
        """Send a command and wait for its reply. The line must not come from outside unchecked."""
        if "\r" in line or "\n" in line:
            raise ValueError("a command is one line")
        self.write(line.encode() + b"\r\n")
        return await self.reply(timeout=timeout)

    async def reply(self, *, timeout: float) -> tuple[int, Lines]:
        """The next reply, whole within `timeout` seconds however slowly it drips in."""
        if self._error is not None:
            raise self._error
        found = self._reader.next_lines()
        if found is not None:
            return found
        self._waiter = self._loop.create_future()
        try:
            async with asyncio.timeout(timeout):
                return await self._waiter
        except TimeoutError:
            raise ConnectionEndedError(N_("The mail service gave no answer in time.")) from None
        finally:
            self._waiter = None

    async def start_tls(self, context: ssl.SSLContext, host: str, *, timeout: float) -> None:
        """Put TLS over the connection; the certificate must be valid for the host's name."""
        assert self._transport is not None
        made = await self._loop.start_tls(
            self._transport, self, context, server_hostname=host, ssl_handshake_timeout=timeout
        )
        if made is None:
            raise ConnectionEndedError(N_("TLS with the mail service could not be set up."))
        self._transport = made

    def stream(self, listener: Listener) -> None:
        """From now on tell a listener of every reply."""
        self._listener = listener

    def close(self) -> None:
        """Close once what was written has left; the listener is not told."""
        self._listener = None
        self.is_lost = True
        if self._transport is not None:
            self._transport.close()

    def abort(self, error: UnreachableError | None = None) -> None:
        """Close at once, whatever was written; the listener is told why, if it is given."""
        if error is None:
            self._listener = None
        self._lose(error or ConnectionEndedError(N_("The connection to the mail service was given up.")))

    def _read(self, data: bytes) -> None:
        self._reader.feed(data)
        while not self.is_lost:
            if self._listener is None and (self._waiter is None or self._waiter.done()):
                # Talked with: what was not asked for yet waits, within a limit.
                self._unasked += len(data)
                if self._unasked > _UNASKED_LIMIT:
                    raise ProtocolError
                return
            found = self._reader.next_lines()
            if found is None:
                return
            if self._listener is not None:
                self._listener.on_heard()
                self._listener.on_reply(*found)
            elif self._waiter is not None:
                self._waiter.set_result(found)

    def _lose(self, error: UnreachableError) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        self._error = error
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.on_lost(error)


def _broken(error: Exception | None) -> UnreachableError:
    if error is None:
        return ConnectionEndedError(N_("The mail service closed the connection."))
    return ConnectionEndedError(N_("The connection to the mail service broke."))
