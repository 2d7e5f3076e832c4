"""Run the web application: one process, a clean stop, and a plain sentence if the address is taken."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

import uvicorn

from digest.config import Settings
from digest.errors import ConfigError
from digest.logs import get_logger, set_up
from digest.web.app import create_app
from digest.web.deps import Services

log = get_logger(__name__)

_BACKLOG: Final = 2048
_CONNECTIONS: Final = 500  # with files and the database, well below the usual 1024 descriptors
# Below the time after which the supervisor kills.
_STOP_SECONDS: Final = 8


def serve(settings: Settings, *, on_ready: Callable[[int], None] = lambda _port: None) -> None:
    """Serve until SIGTERM or SIGINT; requests that have begun are finished first.

    `on_ready` is called with the port once connections are taken. Call it in the main thread. Raises
    ConfigError if the address cannot be used or keys are missing, SchemaError, UnreachableError.
    """
    with _listen(settings.web_host, settings.web_port) as listener:
        set_up(level=settings.log_level, json=settings.log_json)
        services = Services.open(settings)
        try:
            port = listener.getsockname()[1]
            server = _Server(_config(settings, services), lambda: on_ready(port))
            log.info("web: listening", host=settings.web_host, port=port)
            with _stopped_by_signals(server):
                server.run(sockets=[listener])
        finally:
            services.close()
    log.info("web: stopped")


class _Server(uvicorn.Server):
    """Says when it takes connections."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def _config(settings: Settings, services: Services) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(settings, services=services),
        log_config=None,
        log_level="warning",
        access_log=False,  # an access log would hold the tokens of links
        server_header=False,
        # Sign-ups are limited by network: who asks is whom a proxy of ours names, if there is one.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        ws="none",
        http="h11",
        loop="asyncio",
        backlog=_BACKLOG,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
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


@contextlib.contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Stop the server on SIGTERM and SIGINT, from now on.

    uvicorn handles both while it runs, then puts back what was there and raises the signal once more: with
    the default handlers a clean stop would end as a death by signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
