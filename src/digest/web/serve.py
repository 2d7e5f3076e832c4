"""Run the web application in this process: a clean stop, and a plain sentence if the address is taken."""

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
from sqlalchemy.orm import configure_mappers

from digest.config import Settings
from digest.logs import get_logger, set_up
from digest.memory import collect_rarely
from digest.queueing.enqueue import bundled
from digest.queueing.names import TaskName
from digest.web.app import create_app
from digest.web.deps import Services
from digest.web.desk.wiring import end_streams
from digest.web.listener import BACKLOG, listen

log = get_logger(__name__)

_CONNECTIONS: Final = 500  # with files and the database, well below the usual 1024 descriptors
# Below the time after which the supervisor kills.
_STOP_SECONDS: Final = 8


def serve(settings: Settings, *, on_ready: Callable[[int], None] = lambda _port: None) -> None:
    """Serve until SIGTERM or SIGINT; requests that have begun are finished first.

    `on_ready` is called with the port once connections are taken. Call it in the main thread. Raises
    ConfigError if the address cannot be used or keys are missing, SchemaError, UnreachableError.
    """
    with listen(settings.web_host, settings.web_port) as listener:
        set_up(level=settings.log_level, json=settings.log_json)
        port = listener.getsockname()[1]
        _run(settings, listener, lambda: on_ready(port), "web: listening")
    log.info("web: stopped")


def serve_from(settings: Settings, listener: int, lifeline: int) -> None:
    """Serve as one of several, until a stop signal or the end of the parent.

    `listener` is the descriptor of the parent's socket; of the pipe `lifeline` the parent holds the other
    end. Raises as `serve` does.
    """
    set_up(level=settings.log_level, json=settings.log_json)
    with socket.socket(fileno=listener) as taken:
        _run(settings, taken, lambda: None, "web: a process listens", lifeline)


def _run(
    settings: Settings,
    listener: socket.socket,
    on_ready: Callable[[], None],
    word: str,
    lifeline: int | None = None,
) -> None:
    services = Services.open(settings)
    try:
        server = _Server(_config(settings, services), on_ready)
        log.info(word, host=settings.web_host, port=listener.getsockname()[1])
        if lifeline is not None:
            threading.Thread(target=_stop_at_end, args=(server, lifeline), daemon=True).start()
        _spare_collector()
        with _stopped_by_signals(server), bundled(TaskName.SEND_NOTICES):
            server.run(sockets=[listener])
    finally:
        services.close()


def _spare_collector() -> None:
    """Let the garbage collector pass over what is there now, as it lives as long as the process.

    Else it looks through half a million objects of our modules now and then: a tenth of a second, and half a
    second on a busy machine, in which nobody is answered.
    """
    configure_mappers()  # or the first question would make as many objects again
    collect_rarely()


def _stop_at_end(server: uvicorn.Server, lifeline: int) -> None:
    """Nothing is ever written to the pipe: whoever has read it has read its end."""
    os.read(lifeline, 1)
    server.should_exit = True


class _Server(uvicorn.Server):
    """Says when it takes connections; at the stop it ends the answers that do not end by themselves."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        end_streams(self.config.app)
        await super().shutdown(sockets)


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
        backlog=BACKLOG,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


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
