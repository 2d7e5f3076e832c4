"""Redis as kombu's transport, of which a worker survives the loss.

When the connection ends while a task runs, Celery lets go of it and then has kombu hand back or acknowledge
the messages that it had brought. With the connection's address gone, kombu 5.7 raises AttributeError there,
which Celery takes for a fault of its own: the worker ends. Nothing is to be done then: the server hands out
again what was not acknowledged, and our messages are hints.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis, virtual


class QoS(redis.QoS):
    """What is not acknowledged yet; forgotten with the connection that it came by."""

    def restore_unacked(self, client: Any = None) -> None:
        if self._is_gone():
            self._delivered.clear()
        else:
            super().restore_unacked(client)

    def ack(self, delivery_tag: str) -> None:
        if self._is_gone():
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's own
        if self._is_gone():
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().reject(delivery_tag, requeue)

    def _is_gone(self) -> bool:
        transport = self.channel.connection
        return transport is None or transport.client is None


class Channel(redis.Channel):
    QoS = QoS


class Transport(redis.Transport):
    Channel = Channel
