"""Streams of one process: one reader for each thing, an end for each stream, nothing left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from digest.web.desk.live import Live, Sight

MANY = 60


class Scene:
    """What there is to see; it counts who looks. A look waits until it is let."""

    def __init__(self) -> None:
        self.looks = 0
        self.state, self.is_over, self.words = "sending", False, "1"
        self.languages: frozenset[str] = frozenset()
        self.fails = 0
        self.threads: set[int] = set()

    def look(self, key: int, languages: frozenset[str]) -> Sight:
        self.looks += 1
        self.threads.add(threading.get_ident())
        self.languages = languages
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the database does not answer")
        pages = {one: f"<p>{key} {one}\n{self.words}</p>" for one in languages}
        return Sight(self.state, self.is_over, pages)


async def event(stream: AsyncIterator[str], name: str) -> str:
    """The next event of this name."""
    async for one in stream:
        if one.startswith(f"event: {name}\n"):
            return one
    raise AssertionError(f"the stream ended without {name}")


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 60))


def test_many_streams_of_one_thing_have_one_reader() -> None:
    """One look tells all of them, each in its language; and once nobody looks, nobody reads."""

    async def scene() -> None:
        seen = Scene()
        live = Live(seen.look, every=3600)
        languages = ["en", "hy"] * (MANY // 2)
        streams = [live.watch(7, each, "sending") for each in languages]
        # All of them have come before the first look is done: it is one thread's, and this is the other.
        told = await asyncio.gather(*(event(each, "figures") for each in streams))
        assert seen.looks == 1
        assert seen.languages == {"en", "hy"}
        assert seen.threads.isdisjoint({threading.get_ident()})
        assert told == [f"event: figures\ndata: <p>7 {each}\ndata: 1</p>\n\n" for each in languages]
        assert (live.streams, live.channels) == (MANY, 1)
        for each in streams:
            await each.aclose()
        assert (live.streams, live.channels) == (0, 0)

    run(scene())


def test_a_stream_tells_what_has_changed_and_ends_with_its_thing() -> None:
    """The same figures are not told twice; another state and the end are the last word."""

    async def scene() -> None:
        seen = Scene()
        live = Live(seen.look, every=0)
        first, second = live.watch(7, "en", "sending"), live.watch(8, "en", "sending")
        await event(first, "figures")
        await event(second, "figures")
        seen.words = "2"
        assert "data: 2" in await event(first, "figures")
        seen.state = "paused"
        assert await event(first, "state") == "event: state\ndata: paused\n\n"
        assert [one async for one in first] == []
        await event(second, "state")
        assert [one async for one in second] == []
        seen.state, seen.is_over = "sent", True
        late = live.watch(7, "en", "sent")
        await event(late, "figures")
        assert await event(late, "end") == "event: end\ndata: sent\n\n"
        assert [one async for one in late] == []
        assert (live.streams, live.channels) == (0, 0)

    run(scene())


def test_a_look_that_fails_ends_no_stream() -> None:
    """The reader looks again; who waits is told then."""

    async def scene() -> None:
        seen = Scene()
        seen.fails = 2
        live = Live(seen.look, every=0)
        stream = live.watch(7, "en", "sending")
        await event(stream, "figures")
        assert seen.looks >= 3
        await stream.aclose()

    run(scene())


def test_there_is_an_end_to_how_many_look_and_to_all_of_them() -> None:
    """Beyond its limit it is full; closing ends every stream at once, and lets nobody in any more."""

    async def scene() -> None:
        live = Live(Scene().look, every=3600, most=2)
        streams = []
        for key in (1, 2):
            assert not live.is_full
            streams.append(live.watch(key, "en", "sending"))
        assert live.is_full  # before any of them has been read: a burst is let in no further
        for each in streams:
            await event(each, "figures")
        live.close()
        assert [[one async for one in each] for each in streams] == [[], []]
        assert live.is_full
        assert (live.streams, live.channels) == (0, 0)

    run(scene())


def test_who_goes_before_the_first_event_leaves_no_place_taken() -> None:
    """Closed without having been read, once or twice, a stream is off the count; and nobody reads for it."""

    async def scene() -> None:
        seen = Scene()
        live = Live(seen.look, every=3600, most=1)
        gone = live.watch(7, "en", "sending")
        await gone.aclose()
        await gone.aclose()
        assert (live.streams, live.channels, live.is_full) == (0, 0, False)
        assert [one async for one in gone] == []
        assert seen.looks == 0

    run(scene())
