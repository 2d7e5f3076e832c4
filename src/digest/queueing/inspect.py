"""Whether the broker and the workers answer, with limits on how long is waited. Starts no work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.connection import Connection
from kombu.exceptions import KombuError

from digest.errors import ConfigError, UnreachableError
from digest.logs import redact
from digest.queueing.app import app

_CONNECT_SECONDS = 2.0


def ping_broker(*, seconds: float = _CONNECT_SECONDS) -> str:
    """Connect to the broker of this process's settings; what it is, such as `valkey 9.1.2`, or its kind.

    Raises UnreachableError with a sentence that holds no password, ConfigError for a kind we do not know.
    """
    with _connected(seconds) as connection:
        return _described(connection)


def ping_workers(*, seconds: float = 1.0) -> list[str]:
    """The names of the workers that answer within `seconds`, sorted. Raises as `ping_broker` does."""
    with _connected(_CONNECT_SECONDS) as connection:
        if connection.transport.driver_type == "memory":
            return []  # a broker in this process alone: there is nobody to wait for
        answers = app().control.ping(timeout=seconds, connection=connection)
    return sorted(name for answer in answers for name in answer)


@contextmanager
def _connected(seconds: float) -> Iterator[Connection]:
    """A connection of its own, which gives up sooner than a worker's does."""
    try:
        own: Connection = app().connection_for_write(connect_timeout=seconds)
        kind = own.transport.driver_type
    except KeyError as error:
        raise ConfigError(f"DIGEST_BROKER_URL names no broker that we can use: {error.args[0]}.") from None
    if kind == "redis":
        limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
        own.transport_options = {**(own.transport_options or {}), **limits}
    failures = (OSError, KombuError, *own.connection_errors, *own.channel_errors)
    try:
        with own:
            own.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            yield own
    except failures as error:
        raise UnreachableError(f"The broker does not answer: {_reason(error)}.") from None


def _described(connection: Connection) -> str:
    kind: str = connection.transport.driver_type
    if kind != "redis":
        return kind
    channel: Any = connection.default_channel
    server: dict[str, Any] = channel.client.info("server")
    name = server.get("server_name", kind)
    return f"{name} {server.get(f'{name}_version', server.get('redis_version', ''))}".strip()


def _reason(error: BaseException) -> str:
    return redact((str(error).strip().splitlines() or [type(error).__name__])[0].rstrip("."))
