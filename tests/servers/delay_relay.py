"""A TCP relay that is far away: everything takes a fixed time in each direction, at full throughput.

    python -m tests.servers.delay_relay --to PORT --port-file F --delay-ms 10

Bytes are held, not slowed: as much as comes in within the delay is under way at the same time, as on a long
line. The TCP handshake itself is not delayed. What comes late by more than a millisecond or two comes from a
busy machine.
"""

from __future__ import annotations

import asyncio
from collections import deque

from tests.servers import relay

_UNDER_WAY = 64_000_000  # bytes; beyond them the sender waits


class FarSide(relay.Side):
    """Passes on what it gets after the delay, in order."""

    def __init__(self, delay: float) -> None:
        super().__init__()
        self._delay = delay
        self._held: deque[tuple[float, bytes | None]] = deque()
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > _UNDER_WAY and self.transport:
            self.transport.pause_reading()
        self._hold(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._hold(None)

    def _hold(self, data: bytes | None) -> None:
        loop = asyncio.get_running_loop()
        self._held.append((loop.time() + self._delay, data))
        if self._timer is None:
            self._timer = loop.call_at(self._held[0][0], self._release)

    def _release(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        if self.peer and self.peer.transport is None:
            self._timer = loop.call_later(0.001, self._release)  # the way on is not open yet
            return
        now, due = loop.time(), []
        while self._held and self._held[0][0] <= now:
            _, data = self._held.popleft()
            if data is None:
                self.pass_on(b"".join(due))
                self.end_peer()
                return
            due.append(data)
        self.pass_on(b"".join(due))
        was_full = self._size > _UNDER_WAY
        self._size -= sum(map(len, due))
        if was_full and self._size <= _UNDER_WAY and self.transport and not self.transport.is_closing():
            self.transport.resume_reading()
        if self._held:
            self._timer = loop.call_at(self._held[0][0], self._release)


def main() -> None:
    parser = relay.parser("tests.servers.delay_relay")
    parser.add_argument("--delay-ms", type=float, required=True, help="one way")
    options = parser.parse_args()
    delay = options.delay_ms / 1000
    relay.serve(lambda: (FarSide(delay), FarSide(delay)), to=options.to, port_file=options.port_file)


if __name__ == "__main__":
    main()
