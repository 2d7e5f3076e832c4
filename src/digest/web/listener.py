"""The socket that the web server takes connections from; nothing of the web itself is loaded for it."""

from __future__ import annotations

import os
import socket
from typing import Final

from digest.errors import ConfigError

BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """Listen there; raises ConfigError, in a sentence, if the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
        raise ConfigError(
            f"The web server cannot listen on {host}, port {port}: {reason}. "
            "Stop what uses it, or set DIGEST_WEB_HOST and DIGEST_WEB_PORT."
        ) from None
    # Connections inherit it. asyncio sets it only on sockets that say they are TCP, as this one does not; and
    # without it the second of two small writes of an answer waits 40 ms for the first one's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
