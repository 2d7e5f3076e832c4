"""Figures over very many rows, remembered by a process for a while: nobody waits for what was just counted.

What is few is counted each time. What is many is as good a minute old: it is shown so, and for some minutes
more while a thread counts it anew. Only who comes first, or after long, waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.logs import get_logger

log = get_logger(__name__)

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MANY: Final = 20_000  # of fewer rows nothing is remembered
_MOST: Final = 500  # figures that are kept of a database
_USABLE: Final = 600.0  # seconds for which a figure may be shown while it is counted anew, unless told


@dataclass(slots=True)
class _Kept:
    value: Any
    at: float


@dataclass(slots=True)
class _Memory:
    """Of one database."""

    kept: dict[Any, _Kept] = field(default_factory=dict)
    being_counted: set[Any] = field(default_factory=set)


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
        known = memory.kept.get(key)
        age = clock.monotonic() - known.at if known is not None else self._usable
        if known is None or age >= self._usable:
            return self._counted(session, memory, key, count)
        if age >= self._seconds and key not in memory.being_counted:
            memory.being_counted.add(key)
            threading.Thread(target=self._recount, args=(engine, memory, key, count), daemon=True).start()
        value: Value = known.value
        return value

    def know(self, session: Session, key: Key, value: Value) -> None:
        """It has just been counted with something else."""
        memory = self._memories.setdefault(session.get_bind().engine, _Memory())
        self._keep(memory, key, value, clock.monotonic())

    def _counted(
        self, session: Session, memory: _Memory, key: Key, count: Callable[[Session], Value]
    ) -> Value:
        began = clock.monotonic()
        value = count(session)
        self._keep(memory, key, value, began)
        return value

    def _keep(self, memory: _Memory, key: Key, value: Value, at: float) -> None:
        if self._rows(value) < MANY:
            memory.kept.pop(key, None)
            return
        if len(memory.kept) >= _MOST:
            memory.kept.clear()
        memory.kept[key] = _Kept(value, at)

    def _recount(
        self, engine: sa.Engine, memory: _Memory, key: Key, count: Callable[[Session], Value]
    ) -> None:
        try:
            with Session(engine) as session:
                self._counted(session, memory, key, count)
        except Exception:
            log.exception("figures could not be counted anew")
        finally:
            memory.being_counted.discard(key)
