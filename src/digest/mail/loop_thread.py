"""The one event loop of a worker process, in a thread of its own: for the sockets of the SMTP engine.

Everything else in Digest is synchronous. The loop is uvloop's where that is installed (it halves the cost of
a message) and asyncio's elsewhere; the engine is the same on both.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_START_SECONDS = 30.0


class LoopThread:
    """An event loop that runs in a daemon thread until `close`. It does not survive a fork."""

    def __init__(self) -> None:
        self.loop = _new_loop()
        self.pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="smtp", daemon=True)
        started = threading.Event()
        self.loop.call_soon(started.set)
        self._thread.start()
        if not started.wait(_START_SECONDS):
            raise RuntimeError("the event loop's thread did not start")

    def call(self, action: Callable[..., object], *arguments: object) -> None:
        """Have the loop call something soon; what it returns is lost."""
        self.loop.call_soon_threadsafe(action, *arguments)

    def run(self, coroutine: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        """Run a coroutine in the loop and wait for its result; a TimeoutError cancels it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise

    def close(self) -> None:
        """End the loop and its thread. Connections must be closed before."""
        if self.loop.is_closed():
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_START_SECONDS)
        if not self._thread.is_alive():
            self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            asyncio.set_event_loop(None)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:  # a platform for which it is not built
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


_shared: LoopThread | None = None
_lock = threading.Lock()


def shared_loop() -> LoopThread:
    """This process's loop, started when it is first wanted; a forked child starts its own."""
    global _shared  # noqa: PLW0603
    with _lock:
        if _shared is None or _shared.pid != os.getpid() or _shared.loop.is_closed():
            _shared = LoopThread()
        return _shared
