"""What many look at while it changes: one reader for each thing, however many look.

A process has one `Live`. Whoever opens a stream joins its thing's channel; the first one has a reader begin,
which looks once per interval in a thread, and ends when nobody looks any more or nothing more will change.
A stream itself holds neither a thread nor a connection of the database.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

import anyio
import anyio.to_thread

from digest.logs import get_logger

log = get_logger(__name__)

EVERY: Final = 2.0  # seconds between two looks, or longer where a look takes long
MOST: Final = 250  # streams of a process: half of its connections are for everything else
# A look may take a fifth of the reader's time at most, whatever the size of the audience.
_SHARE: Final = 5
_READERS: Final = 2  # threads that look
_BEAT: Final = 15.0  # seconds after which a silent stream says that it is still there
# A stream ends by itself after about so long; the browser opens it anew, and is let in anew, or is not.
_LIFE: Final = (90.0, 150.0)
_STILL_HERE: Final = ":\n\n"


@dataclass(frozen=True, slots=True)
class Sight:
    """What there was to see at one moment, in each language, and the state that the page's acts go by."""

    state: str
    is_over: bool
    pages: Mapping[str, str]


Look = Callable[[int, frozenset[str]], Sight]


@dataclass(slots=True)
class _Channel:
    """One thing that is looked at."""

    languages: dict[str, int] = field(default_factory=dict)  # how many watch in which
    sight: Sight | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)
    reader: asyncio.Task[None] | None = None

    def tell(self, sight: Sight | None) -> None:
        self.sight = sight or self.sight
        news, self.news = self.news, asyncio.Event()
        news.set()


class Stream:
    """The events for one who looks. Its place is taken from the beginning, whether or not it is ever read."""

    def __init__(self, live: Live, events: Callable[[], AsyncGenerator[str, None]]) -> None:
        self._live: Live | None = live
        self._events = events()
        live.streams += 1

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        try:
            return await anext(self._events)
        except BaseException:  # its end, or whoever looked has gone
            self._give_up()
            raise

    async def aclose(self) -> None:
        """It is read no more: its place is free. Once more does nothing."""
        self._give_up()
        await self._events.aclose()

    def _give_up(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.streams -= 1


class Live:
    """The streams of a process. All of it runs in the one event loop but `look`, which runs in a thread."""

    def __init__(self, look: Look, *, every: float = EVERY, most: int = MOST) -> None:
        self._look = look
        self._every = every
        self._most = most
        self._channels: dict[int, _Channel] = {}
        self._turns: anyio.CapacityLimiter | None = None
        self._is_closing = False
        self.streams = 0

    @property
    def channels(self) -> int:
        """How many things are looked at."""
        return len(self._channels)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another stream, or it would end at once."""
        return self._is_closing or self.streams >= self._most

    def close(self) -> None:
        """End every stream, so that the server can."""
        self._is_closing = True
        for channel in self._channels.values():
            channel.tell(None)

    def watch(self, key: int, language: str, state: str) -> Stream:
        """A stream of events: `figures`; `state`, once it is not `state` any more; `end`.

        After `state` and `end` there are no more. It counts at once: whoever asks `is_full` and then this,
        without waiting in between, is never one too many, however many come together. Who takes it closes it.
        """
        return Stream(self, functools.partial(self._events, key, language, state))

    async def _events(self, key: int, language: str, state: str) -> AsyncGenerator[str, None]:
        until = asyncio.get_running_loop().time() + random.uniform(*_LIFE)  # noqa: S311
        channel = self._join(key, language)
        last = ""
        try:
            yield "retry: 3000\n\n"
            while not self._is_closing and asyncio.get_running_loop().time() < until:
                news, sight = channel.news, channel.sight
                page = sight.pages.get(language, "") if sight is not None else ""
                if page and page != last:
                    last = page
                    yield _event("figures", page)
                if sight is not None and (sight.state != state or sight.is_over):
                    yield _event("state" if sight.state != state else "end", sight.state)
                    return
                try:
                    await asyncio.wait_for(news.wait(), _BEAT)
                except TimeoutError:
                    yield _STILL_HERE
        finally:
            self._leave(key, channel, language)

    def _join(self, key: int, language: str) -> _Channel:
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = _Channel()
        channel.languages[language] = channel.languages.get(language, 0) + 1
        if channel.reader is None:
            channel.reader = asyncio.create_task(self._read(key, channel))
        return channel

    def _leave(self, key: int, channel: _Channel, language: str) -> None:
        channel.languages[language] -= 1
        if not channel.languages[language]:
            del channel.languages[language]
        if channel.languages or self._channels.get(key) is not channel:
            return
        del self._channels[key]
        if channel.reader is not None:
            channel.reader.cancel()

    async def _read(self, key: int, channel: _Channel) -> None:
        """Look again and again; what goes wrong is logged, and the next look may go well."""
        if self._turns is None:
            self._turns = anyio.CapacityLimiter(_READERS)
        loop = asyncio.get_running_loop()
        while not self._is_closing:
            began = loop.time()
            languages = frozenset(channel.languages)
            try:
                sight = await anyio.to_thread.run_sync(
                    self._look, key, languages, limiter=self._turns, abandon_on_cancel=True
                )
            except Exception:
                log.exception("a stream's reader could not look", thing=key)
                sight = None
            channel.tell(sight)
            if sight is not None and sight.is_over and languages == frozenset(channel.languages):
                # Whoever comes from now on has a channel of their own, and learns the same.
                if self._channels.get(key) is channel:
                    del self._channels[key]
                return
            await asyncio.sleep(max(self._every, _SHARE * (loop.time() - began)))


def _event(name: str, data: str) -> str:
    """As the standard for server-sent events has it: each line of the data by itself."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
