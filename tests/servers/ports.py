"""Ports for servers that must be told theirs before they start."""

from __future__ import annotations

import itertools
import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST = 10_000
_TRIES = 1_000


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that nobody is given by chance.

    It lies below those that the system gives to whoever asks for any: between our look and the server's start
    other tests are given many of these. No port is told twice, and other processes try others first.
    """
    for port in itertools.islice(_candidates, _TRIES):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")


def _given_by_chance() -> int:
    """The first of the ports that the system gives to whoever asks for any."""
    return int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768


# What tests seed is not asked: two processes would try the same ports in the same order.
_candidates = itertools.cycle(
    random.SystemRandom().sample(range(_FIRST, max(_given_by_chance(), _FIRST + _TRIES)), k=_TRIES)
)
