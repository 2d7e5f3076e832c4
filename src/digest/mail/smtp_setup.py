"""From nothing to a connection that is ready for MAIL: greeting, EHLO, TLS, sign-in.

The features of the EHLO that counts are the last one's: what was offered before TLS is forgotten (RFC 3207
section 4.2). Neither kind of TLS falls back to an open connection.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from digest.errors import ConfigError, UnreachableError, Word
from digest.i18n import N_
from digest.mail.replies import parse_reply
from digest.mail.smtp_errors import ConnectionEndedError, HostRefusedError, SignInError
from digest.mail.smtp_wire import Lines, Wire
from digest.mail.transport import Endpoint, Security


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the server said of itself: its extensions with their parameters, and the TLS in use or ""."""

    extensions: Mapping[str, str]
    tls: str = ""
    # The largest message it takes, in bytes (RFC 1870); None if it does not say.
    size_limit: int | None = field(init=False)

    def __post_init__(self) -> None:
        size = self.extensions.get("SIZE", "")
        says_so = size.isdecimal() and 0 < len(size) <= 15 and int(size) > 0
        object.__setattr__(self, "size_limit", int(size) if says_so else None)

    def offers(self, extension: str) -> bool:
        """Whether the server announced an extension, after TLS if there is TLS."""
        return extension in self.extensions


async def open_wire(endpoint: Endpoint) -> tuple[Wire, Greeting]:
    """Connect and set up.

    Raises UnreachableError (one of its kinds) with a sentence for whoever set the mail service up, and
    ConfigError for a file of certificates that cannot be read.
    """
    wire = await _connect(endpoint)
    try:
        await _welcome(wire, endpoint)
        greeting = await _greet(wire, endpoint)
        if endpoint.security is Security.STARTTLS:
            await _start_tls(wire, endpoint, greeting)
            greeting = await _greet(wire, endpoint)
        if endpoint.username:
            await _sign_in(wire, endpoint, greeting)
    except BaseException:
        wire.abort()
        raise
    return wire, greeting


async def _connect(endpoint: Endpoint) -> Wire:
    loop = asyncio.get_running_loop()
    wire = Wire(loop)
    context = _tls_context(endpoint.ca_file) if endpoint.security is Security.TLS else None
    try:
        async with asyncio.timeout(endpoint.connect_timeout):
            await loop.create_connection(
                lambda: wire,
                endpoint.host,
                endpoint.port,
                ssl=context,
                server_hostname=endpoint.host if context else None,
            )
    except ssl.SSLCertVerificationError as error:
        raise SignInError(
            N_("The mail service's certificate is not valid: %(why)s."), why=error.verify_message
        ) from error
    except (ssl.SSLError, ConnectionResetError, ConnectionAbortedError) as error:
        raise ConnectionEndedError(N_("TLS with the mail service could not be set up.")) from error
    except (OSError, UnicodeError) as error:  # the second, for a name that IDNA cannot write
        where = f"{endpoint.host}:{endpoint.port}"
        raise UnreachableError(
            N_("The mail service at %(where)s cannot be reached: %(why)s."),
            where=where,
            why=Word(_reason(error)),
        ) from error
    return wire


async def _welcome(wire: Wire, endpoint: Endpoint) -> None:
    welcome = parse_reply(*await wire.reply(timeout=endpoint.timeout))
    if welcome.code != 220:
        raise HostRefusedError(N_("The mail service takes no connections now"), welcome)


async def _greet(wire: Wire, endpoint: Endpoint) -> Greeting:
    code, lines = await wire.command(f"EHLO {endpoint.helo}", timeout=endpoint.timeout)
    if code // 100 != 2:
        raise HostRefusedError(N_("The mail service refused our greeting"), parse_reply(code, lines))
    return Greeting(_extensions(lines), tls=wire.tls)


def _extensions(lines: Lines) -> Mapping[str, str]:
    found = {}
    for line in lines[1:]:
        name, _, parameters = line.strip().partition(" ")
        found[name.upper()] = parameters.strip()
    return found


async def _start_tls(wire: Wire, endpoint: Endpoint, greeting: Greeting) -> None:
    if not greeting.offers("STARTTLS"):
        raise SignInError(
            N_("The mail service does not offer STARTTLS; the connection would be open to all.")
        )
    code, _ = await wire.command("STARTTLS", timeout=endpoint.timeout)
    if code != 220:
        raise SignInError(N_("The mail service offers STARTTLS but refused to begin it."))
    if wire.has_unread:
        raise SignInError(N_("The mail service sent data before TLS began; someone may be in between."))
    try:
        await wire.start_tls(
            _tls_context(endpoint.ca_file), endpoint.host, timeout=max(0.001, endpoint.connect_timeout)
        )
    except ssl.SSLCertVerificationError as error:
        raise SignInError(
            N_("The mail service's certificate is not valid: %(why)s."), why=error.verify_message
        ) from error
    except OSError as error:
        raise ConnectionEndedError(N_("TLS with the mail service could not be set up.")) from error


async def _sign_in(wire: Wire, endpoint: Endpoint, greeting: Greeting) -> None:
    mechanisms = greeting.extensions.get("AUTH", "").upper().split()
    user, password = endpoint.username, endpoint.password
    talk = functools.partial(wire.command, timeout=endpoint.timeout)
    if "PLAIN" in mechanisms:
        code, lines = await talk("AUTH PLAIN " + _b64(f"\x00{user}\x00{password}"))
    elif "LOGIN" in mechanisms:
        code, lines = await talk("AUTH LOGIN")
        for secret in (user, password):
            if code == 334:
                code, lines = await talk(_b64(secret))
    else:
        raise SignInError(N_("The mail service offers no sign-in that we know (PLAIN or LOGIN)."))
    if code // 100 == 4:
        raise HostRefusedError(N_("The mail service cannot sign us in now"), parse_reply(code, lines))
    if code != 235:
        raise SignInError(N_("The mail service does not take the login and password (%(code)s)."), code=code)


def _tls_context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise ConfigError(
                N_("The file of trusted certificates for the mail service cannot be read.")
            ) from error
    return context


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, TimeoutError):
        return N_("no answer in time")
    if isinstance(error, UnicodeError | socket.gaierror):
        return N_("its name is not known")
    if isinstance(error, ConnectionRefusedError):
        return N_("connection refused")
    return (error.strerror or N_("the connection failed")).lower()
