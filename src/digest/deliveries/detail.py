"""What became of an edition in detail: by receiving provider, the answers, why mails failed. Reads only.

That is a pass over all of its people and their domains: of an edition that nobody works on any more it is
remembered in this process, until something of it changes; of a large one on its way for some seconds, unless
a person does something to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.remembered import Remembered
from digest.db.tuning import with_room_to_work
from digest.deliveries.answers import Group
from digest.deliveries.came_of import marks_of
from digest.deliveries.figures import Details, ProviderLine, ReplyLine
from digest.deliveries.progress import providers_of, replies_of
from digest.deliveries.recipients import failed_groups
from digest.models import Edition, EditionFigures

_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Detail:
    """Who answers for whom, what was answered, and why mails failed."""

    providers: tuple[ProviderLine, ...]
    replies: tuple[ReplyLine, ...]
    failed: tuple[Group, ...]

    @property
    def people(self) -> int:
        return sum(line.people for line in self.providers)

    @property
    def failures(self) -> int:
        return sum(group.people for group in self.failed)


@dataclass(slots=True)
class _Memory:
    """Of one database: what was seen of an edition, and by what it is known that this still holds."""

    seen: dict[int, tuple[Any, Detail]] = field(default_factory=dict)


_memories: WeakKeyDictionary[sa.Engine, _Memory] = WeakKeyDictionary()
_moving: Final[Remembered[tuple[int, str, int | None], Detail]] = Remembered(
    lambda found: found.people, seconds=10, usable=60
)


def detail_of(session: Session, edition_id: int) -> Detail:
    """The detail of an edition: seven statements at most, three where it is over and remembered."""
    memory = _memories.setdefault(session.get_bind().engine, _Memory()).seen
    marks, open_ones = marks_of(session, [edition_id])
    mark = marks.get(edition_id)
    if mark is not None and edition_id in open_ones:
        acts = audit.last_acts(session, Edition, [edition_id])
        key = (edition_id, mark[0], acts.get(edition_id))
        return _moving.of(session, key, lambda using: _counted(using, edition_id))
    known = memory.get(edition_id)
    if known is not None and known[0] == mark:
        return known[1]
    found = _of_kept(session, edition_id, mark) or _counted(session, edition_id)
    if len(memory) >= _MOST:
        memory.clear()
    memory[edition_id] = mark, found
    return found


def _of_kept(session: Session, edition_id: int, mark: Any) -> Detail | None:
    """By what the tick has kept of it, where that still holds."""
    row = session.get(EditionFigures, edition_id, populate_existing=True)
    if row is None or row.mark != repr(mark):
        return None
    kept = Details.of(row.details)
    return Detail(kept.providers, kept.replies, failed_groups(session, edition_id))


def _counted(session: Session, edition_id: int) -> Detail:
    with_room_to_work(session)
    return Detail(
        providers_of(session, edition_id), replies_of(session, edition_id), failed_groups(session, edition_id)
    )
