"""The mail catcher: an SMTP server that keeps every mail in a folder and sends none on.

For the demo and for trying Digest out: bulk mail (it has `List-Unsubscribe` or `Precedence: bulk`) goes to
the readers' inbox, everything else (confirmations, resets, alerts) to the notices. A mail lies in its folder
before the sender is answered 250.
"""

from __future__ import annotations

import asyncio
import functools
import signal
from collections.abc import Callable
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import compat32
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from digest import clock
from digest.errors import ConfigError, StateError
from digest.logs import get_logger
from digest.mail import mailbox

SIZE_LIMIT = 10_000_000
RECIPIENTS_LIMIT = 100
_TIMEOUT = 120.0  # seconds of silence on a connection

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Catcher:
    """What the SMTP server asks: may this recipient be added, and here is a mail."""

    inbox: Path
    notices: Path

    async def handle_RCPT(  # noqa: N802  (the names are aiosmtpd's)
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Take any recipient, up to a number."""
        if len(envelope.rcpt_tos) >= RECIPIENTS_LIMIT:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Store the mail, then answer."""
        folder = self.inbox if is_bulk(envelope.content) else self.notices
        try:
            mailbox.store(
                folder,
                envelope.content,
                recipients=envelope.rcpt_tos,
                sender=envelope.mail_from or "",
                now=clock.utc_now(),
            )
        except StateError as error:
            log.exception("catcher.store_failed", reason=str(error))
            return "452 4.3.1 The mail cannot be stored now"
        return "250 2.0.0 Kept"


def is_bulk(raw: bytes) -> bool:
    """Whether a mail is one of many, by its own headers."""
    head = BytesHeaderParser(policy=compat32).parsebytes(raw.partition(b"\r\n\r\n")[0])
    return "List-Unsubscribe" in head or str(head.get("Precedence", "")).strip().lower() == "bulk"


def run_catcher(
    host: str,
    port: int,
    inbox: Path,
    notices: Path,
    *,
    on_ready: Callable[[int], None] = lambda _port: None,
) -> None:
    """Catch mail until SIGTERM or SIGINT; `on_ready` is called with the port once it listens.

    Call it in the main thread of a process of its own. Raises ConfigError if the address cannot be used.
    """
    asyncio.run(_serve(host, port, Catcher(inbox, notices), on_ready))


async def _serve(host: str, port: int, catcher: Catcher, on_ready: Callable[[int], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    make = functools.partial(
        SMTP,
        catcher,
        data_size_limit=SIZE_LIMIT,
        enable_SMTPUTF8=True,
        hostname="catcher.localhost",
        ident="Digest mail catcher",
        timeout=_TIMEOUT,
        loop=loop,
    )
    try:
        server = await loop.create_server(make, host, port)
    except OSError as error:
        raise ConfigError(f"The mail catcher cannot listen on {host}:{port}: it may be in use.") from error
    on_ready(server.sockets[0].getsockname()[1])
    log.info("catcher.listening", host=host, port=server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()  # waiting for it would wait for clients that keep an idle connection
