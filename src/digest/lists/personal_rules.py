"""What a rule about a personal column can say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from digest.lists.of_person import Asked, Held


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the rules are for: the addresses that they had or asked to have, each with its time."""

    id: int
    address_hash: str
    addresses: Collection[Held]
    asked: Collection[Asked] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """Where a person finds it in `my_data`: names joined by points, `[]` after the name of a list."""

    path: str


@dataclass(frozen=True, slots=True)
class NotGiven:
    """Why a person is not given it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Emptied:
    """What the column holds once the person is erased."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """The whole row goes."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The row gets no longer to live than this; the retention job deletes it, with what hangs on it."""

    after: dt.timedelta


@dataclass(frozen=True, slots=True)
class Kept:
    """Why it stays when the person is erased."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rule:
    export: Given | NotGiven
    erase: Emptied | Deleted | Ends | Kept


@dataclass(frozen=True, slots=True)
class Table:
    """A table with personal columns: whose rows they are, and a rule for each; None: it is not personal."""

    model: Any
    rows_of: Callable[[Person], sa.ColumnElement[bool]]
    columns: Mapping[str, Rule | None]

    @property
    def name(self) -> str:
        return str(self.model.__tablename__)
