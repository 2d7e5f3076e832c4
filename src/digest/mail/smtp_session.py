"""One blocking SMTP connection: greeting, TLS, sign-in, commands and replies, each within its time.

The standard library's client is not used: it reads replies without a limit on their lines or their total
time, and it changes what it sends. This one has no policy; `mail.smtp_client` has.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from digest import clock
from digest.errors import ConfigError, UnreachableError
from digest.mail.replies import ReplyReader, parse_reply
from digest.mail.transport import Endpoint, Reply, Security


class ConnectionEndedError(UnreachableError):
    """The connection was closed, broke, or gave no answer in time."""


class SignInError(UnreachableError):
    """The server does not let us in: TLS, user name or password."""


class HostRefusedError(UnreachableError):
    """The server answered, but takes no mail from us now; `reply` is what it said."""

    def __init__(self, sentence: str, reply: Reply) -> None:
        super().__init__(f"{sentence}: {reply.code} {reply.enhanced} {reply.text}".replace("  ", " ").strip())
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the server said of itself: its extensions with their parameters, and the TLS in use or ""."""

    extensions: Mapping[str, str]
    tls: str = ""


class Session:
    """An open connection. Use `open_session`; close it in any case."""

    def __init__(self, sock: socket.socket, endpoint: Endpoint) -> None:
        self._sock = sock
        self._endpoint = endpoint
        self._reader = ReplyReader()
        self.greeting = Greeting({})

    def offers(self, extension: str) -> bool:
        """Whether the server announced an extension, after TLS if there is TLS."""
        return extension in self.greeting.extensions

    def send(self, data: bytes) -> None:
        """Hand bytes to the operating system; raises ConnectionEndedError if not all could be."""
        self._sock.settimeout(self._endpoint.timeout)
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise ConnectionEndedError("The connection to the mail service broke.") from error

    def command(self, line: str) -> Reply:
        """Send a command and wait for its reply. The line must not come from outside unchecked."""
        if "\r" in line or "\n" in line:
            raise ValueError("a command is one line")
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def reply(self, *, timeout: float | None = None) -> Reply:
        """The next reply, whole within the time limit however slowly it drips in."""
        code, lines = self._lines(timeout)
        return parse_reply(code, lines)

    def close(self, *, politely: bool = False) -> None:
        """Close; `politely` says QUIT first and waits a moment for the answer. Never raises."""
        with contextlib.suppress(OSError, UnreachableError):
            if politely:
                self.send(b"QUIT\r\n")
                self.reply(timeout=min(5.0, self._endpoint.timeout))
        with contextlib.suppress(OSError):
            self._sock.close()

    def greet(self) -> None:
        """Say EHLO and read the extensions; what an earlier EHLO offered is forgotten (RFC 3207 4.2)."""
        self.send(f"EHLO {self._endpoint.helo}\r\n".encode())
        code, lines = self._lines(None)
        if code // 100 != 2:
            raise HostRefusedError("The mail service refused our greeting", parse_reply(code, lines))
        extensions = {}
        for line in lines[1:]:
            name, _, parameters = line.strip().partition(" ")
            extensions[name.upper()] = parameters.strip()
        self.greeting = Greeting(extensions, tls=self._tls_version())

    def start_tls(self) -> None:
        """Go over to TLS with the certificate checked; raises SignInError if the server will not."""
        if not self.offers("STARTTLS"):
            raise SignInError(
                "The mail service does not offer STARTTLS; the connection would be open to all."
            )
        answer = self.command("STARTTLS")
        if answer.code != 220:
            raise SignInError("The mail service offers STARTTLS but refused to begin it.")
        if not self._reader.is_empty:
            raise SignInError("The mail service sent data before TLS began; someone may be in between.")
        self.wrap()

    def wrap(self) -> None:
        """Put TLS over the socket; the certificate must be valid for the host's name."""
        context = _tls_context(self._endpoint.ca_file)
        try:
            self._sock = context.wrap_socket(self._sock, server_hostname=self._endpoint.host)
        except ssl.SSLCertVerificationError as error:
            raise SignInError(
                f"The mail service's certificate is not valid: {error.verify_message}."
            ) from error
        except OSError as error:
            raise ConnectionEndedError("TLS with the mail service could not be set up.") from error

    def sign_in(self) -> None:
        """Give user name and password by PLAIN or LOGIN; raises SignInError if they are not taken."""
        mechanisms = self.greeting.extensions.get("AUTH", "").upper().split()
        user, password = self._endpoint.username, self._endpoint.password
        if "PLAIN" in mechanisms:
            answer = self.command("AUTH PLAIN " + _b64(f"\x00{user}\x00{password}"))
        elif "LOGIN" in mechanisms:
            answer = self.command("AUTH LOGIN")
            for secret in (user, password):
                if answer.code == 334:
                    answer = self.command(_b64(secret))
        else:
            raise SignInError("The mail service offers no sign-in that we know (PLAIN or LOGIN).")
        if answer.code // 100 == 4:
            raise HostRefusedError("The mail service cannot sign us in now", answer)
        if answer.code != 235:
            raise SignInError(f"The mail service does not take the user name and password ({answer.code}).")

    def _lines(self, timeout: float | None) -> tuple[int, tuple[str, ...]]:
        deadline = clock.monotonic() + (self._endpoint.timeout if timeout is None else timeout)
        while (found := self._reader.next_lines()) is None:
            left = deadline - clock.monotonic()
            if left <= 0:
                raise ConnectionEndedError("The mail service gave no answer in time.")
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(4096)
            except TimeoutError as error:
                raise ConnectionEndedError("The mail service gave no answer in time.") from error
            except OSError as error:
                raise ConnectionEndedError("The connection to the mail service broke.") from error
            if not data:
                raise ConnectionEndedError("The mail service closed the connection.")
            self._reader.feed(data)
        return found

    def _tls_version(self) -> str:
        return (self._sock.version() or "") if isinstance(self._sock, ssl.SSLSocket) else ""


def open_session(endpoint: Endpoint) -> Session:
    """Connect, read the greeting, set up TLS, sign in: a session that is ready for MAIL.

    Raises UnreachableError (one of its kinds here) with a sentence for the person who set it up.
    """
    try:
        sock = socket.create_connection((endpoint.host, endpoint.port), timeout=endpoint.timeout)
    except OSError as error:
        where = f"{endpoint.host}:{endpoint.port}"
        raise UnreachableError(f"The mail service at {where} cannot be reached: {_reason(error)}.") from error
    session = Session(sock, endpoint)
    try:
        # The final dot is a small packet of its own; it must not wait for an acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _set_up(session, endpoint)
    except BaseException:
        session.close()
        raise
    return session


def _set_up(session: Session, endpoint: Endpoint) -> None:
    if endpoint.security is Security.TLS:
        session.wrap()
    welcome = session.reply()
    if welcome.code != 220:
        raise HostRefusedError("The mail service takes no connections now", welcome)
    session.greet()
    if endpoint.security is Security.STARTTLS:
        session.start_tls()
        session.greet()
    if endpoint.username:
        session.sign_in()


def _tls_context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise ConfigError(
                "The file of trusted certificates for the mail service cannot be read."
            ) from error
    return context


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return (error.strerror or "the connection failed").lower()
