"""The files of imports that are kept: once each, for whoever needs them, and not without end.

The same bytes may be brought by several people or for several lists: the file is kept once, and goes when the
last draft or import that needs it is through with it. A draft's own row names the file by its fingerprint for
as long as it waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import lock_alone
from digest.errors import InputError
from digest.i18n import N_
from digest.lists import assets
from digest.models import Asset, Import, ImportState

FILE_KIND: Final = "import"
DRAFT_KIND: Final = "import_draft"
_MB: Final = 1 << 20
MOST_OWN, MOST_OWN_BYTES = 10, 256 * _MB  # of one account
MOST, MOST_BYTES = 40, 1024 * _MB  # of all together


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that was brought and not imported yet: whose it is, and how large."""

    account_id: int
    file_print: str
    size: int


def keep_one_at_a_time(session: Session) -> None:
    """Wait for whoever else is bringing a file: two at once would each count the room without the other."""
    lock_alone(session, "kept uploads")


def check_room(waiting: Sequence[Waiting], new: Waiting) -> None:
    """Raise InputError where one file more is too much: for whoever brings it, or for all together."""
    own = [each for each in waiting if each.account_id == new.account_id]
    if len(own) >= MOST_OWN or sum(each.size for each in own) + new.size > MOST_OWN_BYTES:
        raise InputError(
            N_(
                "Of the files you have brought %(count)s are not imported yet, and one account may "
                "keep %(most)s, or %(size)s MB. Import one or throw one away first; after a day they go by "
                "themselves."
            ),
            count=len(own),
            most=MOST_OWN,
            size=MOST_OWN_BYTES // _MB,
        )
    kept = {each.file_print: each.size for each in (*waiting, new)}  # the same bytes are kept once
    if len(waiting) >= MOST or sum(kept.values()) > MOST_BYTES:
        raise InputError(
            N_(
                "So many files of yours and of others wait to be imported that no more can be kept now. "
                "After a day they go by themselves: bring this one again later."
            )
        )


def hold_file(session: Session, print_: str) -> int | None:
    """The kept file with these bytes, locked until the transaction ends: nobody drops it meanwhile."""
    found = sa.select(Asset.id).where(Asset.kind == FILE_KIND, Asset.fingerprint == print_)
    return session.scalars(found.order_by(Asset.id.desc()).limit(1).with_for_update()).first()


def drop_file(session: Session, print_: str, *, draft_id: int = 0, import_id: int = 0) -> None:
    """Delete the kept file that this draft or import needs no longer, unless another one does."""
    session.flush()
    file_id = hold_file(session, print_)
    if file_id is None:
        return
    imports = sa.select(Import.id).where(
        Import.file_fingerprint == print_,
        Import.state.in_((ImportState.RUNNING, ImportState.FAILED)),
        Import.id != import_id,
    )
    drafts = sa.select(Asset.id).where(
        Asset.kind == DRAFT_KIND, Asset.fingerprint == print_, Asset.id != draft_id
    )
    if not any(session.scalars(each.limit(1)).first() for each in (imports, drafts)):
        assets.delete(session, file_id)


def name_file(session: Session, draft_id: int, print_: str) -> None:
    """Have a draft's row say which file it waits for; empty once it waits no more."""
    session.execute(sa.update(Asset).where(Asset.id == draft_id).values(fingerprint=print_))
