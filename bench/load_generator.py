"""`python -m bench.load_generator`: ask a web server at fixed moments, whether it keeps up or not.

An open loop: the next question does not wait for the answer to the last one, and an answer's time counts from
the moment at which its question was due. So a server that stands still for a second is charged with all that
should have been asked in it, not with the one question that it was busy with (*coordinated omission*).

Connections are kept, as a proxy in front of the server keeps them; a new one is opened where all are busy. It
is a process of its own, whose CPU is told: a generator that is busy all the time measures itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
FAILED = 0  # the status of a question without an answer
_SECONDS = 60.0  # that one answer is waited for
_START = 0.2  # seconds until the first question
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Load:
    """What came of so many questions; `seconds` are those of each answer, sorted."""

    seconds: Sequence[float]
    statuses: Mapping[str, int]  # how many answers of each; "0": none came
    late: float  # seconds that a question was asked late at the most: the generator's own fault
    connections: int  # that were opened
    cpu: float  # seconds of the generator
    wall: float

    def at(self, share: float) -> float:
        """The seconds that this share of the answers took at the most."""
        return percentile(self.seconds, share)

    @property
    def count(self) -> int:
        return len(self.seconds)

    @property
    def text(self) -> str:
        """For a note: median, highest, what the generator itself took."""
        return (
            f"p50 {1000 * self.at(0.5):,.0f} ms, max {1000 * self.at(1):,.0f} ms; the load generator took "
            f"{100 * self.cpu / self.wall:.0f} % of a core and asked at most {1000 * self.late:,.0f} ms late"
        )


@dataclass(slots=True)
class _Tally:
    """What has come so far."""

    seconds: list[float]
    statuses: Counter[str]
    late: float = 0.0
    connections: int = 0


def moments(rate: float, count: int) -> list[float]:
    """When each question is due, in seconds from the first: evenly, so many a second."""
    return [number / rate for number in range(count)]


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the sorted values that this share of them does not exceed (nearest rank)."""
    if not ordered:
        raise ValueError("there is no percentile of nothing")
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


def get(path: str, *, asked_from: str = "", agent: str = "") -> str:
    """A GET as it goes over the wire; `asked_from` is the address that a proxy names."""
    forwarded = f"X-Forwarded-For: {asked_from}\r\n" if asked_from else ""
    named = f"User-Agent: {agent}\r\n" if agent else ""
    return f"GET {path} HTTP/1.1\r\nHost: digest.courier.example\r\n{forwarded}{named}\r\n"


def post(path: str, fields: Mapping[str, str], *, asked_from: str = "") -> str:
    """A form that is posted; `asked_from` is the address that a proxy names."""
    body = urlencode(fields)
    forwarded = f"X-Forwarded-For: {asked_from}\r\n" if asked_from else ""
    return (
        f"POST {path} HTTP/1.1\r\nHost: digest.courier.example\r\n{forwarded}"
        f"Content-Type: {_FORM}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


def ask(port: int, questions: Sequence[str], *, rate: float) -> Load:
    """Have a process ask so many a second of the server at this port; what came of it."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load_generator"],
        input=json.dumps({"port": port, "questions": list(questions), "rate": rate}),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Load(**json.loads(done.stdout))


async def measure(port: int, questions: Sequence[str], *, rate: float) -> Load:
    """Ask from this process; its CPU is taken for the generator's."""
    tally, kept = _Tally([], Counter()), _Kept(port)
    cpu, first = _cpu(), time.perf_counter() + _START
    async with asyncio.TaskGroup() as group:
        for question, offset in zip(questions, moments(rate, len(questions)), strict=True):
            await _until(first + offset)
            group.create_task(_one(kept, question.encode(), first + offset, tally))
    wall = time.perf_counter() - first
    kept.close()
    tally.connections = kept.opened
    return Load(
        sorted(tally.seconds), dict(tally.statuses), tally.late, tally.connections, _cpu() - cpu, wall
    )


class _Kept:
    """The connections that are idle: the one that was used last is taken first."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.opened = 0

    def take(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():  # the server ends those that were idle for long
                return reader, writer
            writer.close()
        return None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.opened += 1
        return await asyncio.open_connection("127.0.0.1", self._port)

    def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._idle.append((reader, writer))

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


async def _one(kept: _Kept, question: bytes, due: float, tally: _Tally) -> None:
    """One question and its answer; without one, the time for which it was waited counts."""
    tally.late = max(tally.late, time.perf_counter() - due)
    status = FAILED
    with contextlib.suppress(OSError, EOFError, ValueError, TimeoutError):
        async with asyncio.timeout(_SECONDS):
            status = await _asked(kept, question)
    tally.seconds.append(time.perf_counter() - due)
    tally.statuses[str(status)] += 1


async def _asked(kept: _Kept, question: bytes) -> int:
    """Ask, on a kept connection if there is one; once more, as browsers do, where the server ended that.

    It may have done so just then (RFC 9112, 9.3.1). Only what changes nothing is asked twice.
    """
    idle = kept.take()
    if idle is not None:
        try:
            return await _answer(kept, *idle, question)
        except (OSError, EOFError):
            if not question.startswith(b"GET "):
                raise
    return await _answer(kept, *await kept.open(), question)


async def _answer(
    kept: _Kept, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, question: bytes
) -> int:
    """Ask, and read the whole answer; its status."""
    try:
        writer.write(question)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        _, _, length = head.partition(b"\r\ncontent-length:")
        await reader.readexactly(int(length.partition(b"\r\n")[0]))
    except BaseException:
        writer.close()
        raise
    if b"\r\nconnection: close\r\n" in head:
        writer.close()
    else:
        kept.give_back(reader, writer)
    return int(head.split(b" ", 2)[1])


async def _until(moment: float) -> None:
    left = moment - time.perf_counter()
    if left > 0:
        await asyncio.sleep(left)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    order = json.load(sys.stdin)
    print(json.dumps(asdict(asyncio.run(measure(**order)))))


if __name__ == "__main__":
    main()
