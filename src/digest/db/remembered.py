"""Figures over very many rows, remembered by a process for a while: nobody waits for what was just counted.

What is few is counted each time. What is many is as good a minute old: it is shown so, and for some minutes
more while a thread counts it anew. Only who comes first, or after long, waits; of many who come together one
counts, and the others wait for that. Counting anew takes a tenth of the time at most, and two threads with
one core each, and begins when the page that asked has been read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db.tuning import on_one_core
from digest.logs import get_logger

log = get_logger(__name__)

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MANY: Final = 20_000  # of fewer rows nothing is remembered
_MOST: Final = 500  # figures that are kept of a database
_USABLE: Final = 600.0  # seconds for which a figure may be shown while it is counted anew, unless told
_SHARE: Final = 10  # what takes a second to count is as good as new for so many
_AT_ONCE: Final = 2  # threads of a process that count anew; a database has other work
_LATER: Final = 0.5  # seconds until it is counted anew: whoever asks has more to read, and reads it first
_WAIT: Final = 30.0  # seconds for which somebody waits for another's count
_threads: Final = threading.BoundedSemaphore(_AT_ONCE)


@dataclass(slots=True)
class _Kept:
    value: Any
    at: float
    took: float = 0.0


@dataclass(slots=True)
class _Memory:
    """Of one database."""

    kept: dict[Any, _Kept] = field(default_factory=dict)
    # Each is told when it is counted. Two who see at the same moment that one is not both count it: no harm.
    being_counted: dict[Any, threading.Event] = field(default_factory=dict)


class Remembered(Generic[Key, Value]):
    """One kind of figure: of how many rows one is, for how many seconds it is as good as new.

    A value must be whole in itself: no rows that hang on a session. What changes it otherwise than by time
    belongs into the key.
    """

    def __init__(self, rows: Callable[[Value], int], *, seconds: float, usable: float = _USABLE) -> None:
        self._rows = rows
        self._seconds = seconds
        self._usable = usable
        self._memories: WeakKeyDictionary[sa.Engine, _Memory] = WeakKeyDictionary()

    def of(self, session: Session, key: Key, count: Callable[[Session], Value]) -> Value:
        """The figure as it is, or, if it is of many rows, as it was a moment ago.

        `count` may be run later in a thread, with a session of its own.
        """
        engine = session.get_bind().engine
        memory = self._memories.setdefault(engine, _Memory())
        known = self._usable_now(memory, key)
        if known is None and (other := memory.being_counted.get(key)) is not None:
            other.wait(_WAIT)
            known = self._usable_now(memory, key)
        if known is None:
            return self._counted(session, memory, key, count)
        if self._is_stale(known) and key not in memory.being_counted and _threads.acquire(blocking=False):
            done = memory.being_counted[key] = threading.Event()
            args = (engine, memory, key, count, done)
            threading.Thread(target=self._recount, args=args, daemon=True).start()
        value: Value = known.value
        return value

    def _usable_now(self, memory: _Memory, key: Key) -> _Kept | None:
        known = memory.kept.get(key)
        if known is None:
            return None
        # What takes long is usable for long: else whoever came next would wait for it each time.
        usable = max(self._usable, 2 * _SHARE * known.took)
        return known if clock.monotonic() - known.at < usable else None

    def _is_stale(self, known: _Kept) -> bool:
        return clock.monotonic() - known.at >= max(self._seconds, _SHARE * known.took)

    def know(self, session: Session, key: Key, value: Value) -> None:
        """It has just been counted with something else."""
        memory = self._memories.setdefault(session.get_bind().engine, _Memory())
        self._keep(memory, key, _Kept(value, clock.monotonic()))

    def _counted(
        self, session: Session, memory: _Memory, key: Key, count: Callable[[Session], Value]
    ) -> Value:
        done = memory.being_counted.setdefault(key, threading.Event())
        try:
            return self._count(session, memory, key, count)
        finally:
            _tell(memory, key, done)

    def _count(self, session: Session, memory: _Memory, key: Key, count: Callable[[Session], Value]) -> Value:
        began = clock.monotonic()
        value = count(session)
        self._keep(memory, key, _Kept(value, began, clock.monotonic() - began))
        return value

    def _keep(self, memory: _Memory, key: Key, found: _Kept) -> None:
        if self._rows(found.value) < MANY:
            memory.kept.pop(key, None)
            return
        if len(memory.kept) >= _MOST:
            memory.kept.clear()
        memory.kept[key] = found

    def _recount(
        self,
        engine: sa.Engine,
        memory: _Memory,
        key: Key,
        count: Callable[[Session], Value],
        done: threading.Event,
    ) -> None:
        try:
            time.sleep(_LATER)
            with Session(engine) as session:
                on_one_core(session)
                self._count(session, memory, key, count)
        except Exception:
            log.exception("figures could not be counted anew")
        finally:
            _tell(memory, key, done)
            _threads.release()


def _tell(memory: _Memory, key: Any, done: threading.Event) -> None:
    """Whoever waits for this count need not any more."""
    if memory.being_counted.get(key) is done:
        del memory.being_counted[key]
    done.set()
