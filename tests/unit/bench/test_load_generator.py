"""The load generator: when it asks, what it makes of the answers, and that a pause is charged in full."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import pytest

from bench.load_generator import Load, get, measure, moments, percentile, post

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_questions_are_due_evenly_from_the_first_on() -> None:
    """So many a second, whatever becomes of them."""
    assert moments(100, 4) == [0.0, 0.01, 0.02, 0.03]
    assert moments(100, 6000)[-1] == pytest.approx(59.99)
    assert moments(5, 0) == []


def test_percentiles_are_values_that_were_measured() -> None:
    """The nearest rank: of a hundred, the p99 is the ninety-ninth and the maximum the hundredth."""
    ordered = [float(number) for number in range(1, 101)]
    assert [percentile(ordered, share) for share in (0.0, 0.5, 0.99, 0.991, 1.0)] == [1, 50, 99, 100, 100]
    assert percentile([7.0], 0.5) == 7.0
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_a_percentile_is_the_least_value_that_enough_do_not_exceed() -> None:
    """By its definition, over random lists."""
    chance = random.Random(20261123)
    for _ in range(200):
        ordered = sorted(
            chance.choice([0.1, 1.0, 5.0]) * chance.random() for _ in range(chance.randint(1, 50))
        )
        share = chance.random()
        least = next(
            value for value in ordered if sum(each <= value for each in ordered) >= share * len(ordered)
        )
        assert percentile(ordered, share) == least


def test_a_question_is_whole() -> None:
    """A body's length is its bytes, and a proxy names who asked."""
    head, _, body = post("/s/a", {"name": "Անահիտ"}, asked_from="10.0.0.7").partition("\r\n\r\n")
    assert f"Content-Length: {len(body.encode())}" in head.split("\r\n")
    assert "X-Forwarded-For: 10.0.0.7" in head.split("\r\n")
    assert get("/health").startswith("GET /health HTTP/1.1\r\n")


def test_a_server_that_stands_still_is_charged_with_all_that_waited() -> None:
    """Whoever was due during the pause counts it from then; one question after another would show it once."""

    first: list[float] = []

    async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            first.append(time.perf_counter())
            await asyncio.sleep(max(0.0, first[0] + 0.4 - time.perf_counter()))
            writer.write(_OK)

    found = asked(stalls, count=50, rate=100)  # due evenly over half a second, of which it stalls for 0.4
    assert found.statuses == {"200": 50}
    # The one that was due 0.1 s later waited for 0.3 s, and so on; a busy machine adds to that.
    assert all(found.seconds[-number - 1] > 0.395 - number / 100 for number in range(40))


def test_connections_are_kept_and_a_failure_is_counted() -> None:
    """One is enough for one at a time; a kept one that was ended is no failure, a new one that is, is."""
    answered: list[int] = []

    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            answered.append(1)
            if len(answered) in (2, 4, 5):
                writer.close()
                return
            writer.write(_OK)

    # Where this machine stood still for as long as lies between two questions, they came at one time.
    for rate in (20.0, 10.0, 5.0, 2.0, 1.0, 0.5):
        answered.clear()
        found = asked(hangs_up, count=6, rate=rate)
        if found.at(1) < 0.8 / rate:
            break
    assert found.statuses == {"200": 5, "0": 1}
    assert found.connections == 4
    assert found.count == 6
    assert list(found.seconds) == sorted(found.seconds)
    assert 0 <= found.late <= found.at(1)


def asked(handler: Handler, *, count: int, rate: float) -> Load:
    """Ask a server with this handler so many times."""

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except asyncio.IncompleteReadError:
            pass  # the generator is done
        finally:
            writer.close()

    async def run() -> Load:
        server = await asyncio.start_server(quietly, "127.0.0.1", 0)
        async with server:
            return await measure(server.sockets[0].getsockname()[1], [get("/")] * count, rate=rate)

    return asyncio.run(run())


def test_the_note_says_what_the_generator_itself_took() -> None:
    """A generator that was busy all the time, or late, has measured itself: the note tells."""
    found = Load([0.001, 0.002, 0.003], {"200": 3}, late=0.25, connections=1, cpu=3.0, wall=4.0)
    assert found.text == (
        "p50 2 ms, max 3 ms; the load generator took 75 % of a core and asked at most 250 ms late"
    )
