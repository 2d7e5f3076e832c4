"""A TCP relay that breaks connections: after so many bytes, by FIN, by RST, or by silence.

    python -m tests.servers.fault_relay --to PORT --port-file F \
        --fault '{"direction": "up", "after": 700, "action": "reset", "connection": 1}'

`up` is from the client to the server. Of the chunk in which the limit falls, the bytes before it are passed
on. `connection` counts from 1 in the order of arrival; 0 means every one. Actions: `close` ends both sides,
`reset` does so by RST, `freeze` passes nothing on any more in either direction and leaves both sides open
(half-open: a cable that was pulled), `deaf` does so in this direction only.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass

from tests.servers import relay


@dataclass(frozen=True, slots=True)
class Break:
    """One way in which connections break."""

    direction: str
    after: int
    action: str
    connection: int = 0

    def __post_init__(self) -> None:
        assert self.direction in ("up", "down"), self.direction
        assert self.action in ("close", "reset", "freeze", "deaf"), self.action


class BreakingSide(relay.Side):
    """Passes bytes on until its limit, then breaks."""

    def __init__(self, fault: Break | None) -> None:
        super().__init__()
        self._fault = fault
        self._left = fault.after if fault else 0
        self._is_deaf = False

    def connection_made(self, transport: object) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        if isinstance(self.peer, BreakingSide):
            self.peer.flush()

    def flush(self) -> None:
        """Pass on what came before the way on was open."""
        early, self._early = self._early, b""
        if early:
            self.data_received(early)

    _early = b""

    def data_received(self, data: bytes) -> None:
        if self.peer and self.peer.transport is None:
            self._early += data
            return
        if self._is_deaf:
            return
        if self._fault is None or len(data) < self._left:
            self._left -= len(data)
            self.pass_on(data)
            return
        self.pass_on(data[: self._left])
        self._break(self._fault.action)

    def _break(self, action: str) -> None:
        assert isinstance(self.peer, BreakingSide)
        if action == "reset":
            # What was passed on must be read before the RST throws it away at the receiver.
            relay.reset(self)
            self.end_peer()
        elif action == "close":
            self.end_peer()
            if self.transport:
                self.transport.close()
        else:
            self._is_deaf = True
            self.peer._is_deaf = self.peer._is_deaf or action == "freeze"

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_deaf:
            super().connection_lost(error)


def main() -> None:
    parser = relay.parser("tests.servers.fault_relay")
    parser.add_argument("--fault", action="append", default=[], help="a Break as JSON")
    options = parser.parse_args()
    faults = [Break(**json.loads(text)) for text in options.fault]
    numbers = itertools.count(1)

    def pair() -> tuple[relay.Side, relay.Side]:
        number = next(numbers)
        own = {fault.direction: fault for fault in faults if fault.connection in (0, number)}
        return BreakingSide(own.get("up")), BreakingSide(own.get("down"))

    relay.serve(pair, to=options.to, port_file=options.port_file)


if __name__ == "__main__":
    main()
