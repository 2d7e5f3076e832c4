"""Files that were uploaded to be imported: kept for a day, tried, and begun once or thrown away.

A draft is a short document among the kept files: what it is told of the file, what its trial has found, and
which import it became. Whoever has uploaded it, and nobody else, goes on with it. Steps never commit.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import NotFoundError, StateError
from digest.i18n import N_
from digest.lists import assets
from digest.lists.import_kept import (
    DRAFT_KIND,
    FILE_KIND,
    Waiting,
    check_room,
    drop_file,
    hold_file,
    keep_one_at_a_time,
    name_file,
)
from digest.lists.import_order import ImportOrder, check_basis, fingerprint
from digest.lists.import_run import begin_row
from digest.lists.mappings import Meaning
from digest.models import Asset, AssetChunk
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

REPORT_KIND = "import_trial"
KEPT_FOR = dt.timedelta(days=1)
_MEDIA_TYPE = "application/json"


class DraftState(StrEnum):
    ASKED = "asked"  # waits for what its columns mean and how its people agreed
    TRYING = "trying"
    TRIED = "tried"
    FAILED = "failed"
    BEGUN = "begun"


@dataclass(frozen=True, slots=True)
class Draft:
    """An uploaded file and what is to be done with it."""

    id: int
    list_id: int
    account_id: int
    file_name: str
    file_print: str
    size: int
    state: DraftState = DraftState.ASKED
    mapping: str = ""
    own_columns: dict[str, str] = field(default_factory=dict)
    meaning: str = ""
    cadence_id: int | None = None
    leavers_only: bool = False
    basis: str = ""
    signed_by: str = ""
    language: str = ""  # of whoever has uploaded it
    lines: int = 0  # that were tried
    counts: dict[str, int] = field(default_factory=dict)
    report_id: int | None = None
    fault: str = ""
    moved_at: str = ""  # when the trial was last seen to move
    import_id: int | None = None

    def order(self, actor: str, address_key: bytes) -> ImportOrder:
        """What is to be imported, and with whose proof."""
        return ImportOrder(
            self.list_id,
            self.basis,
            actor,
            address_key,
            self.cadence_id,
            file_name=self.file_name,
            mapping=self.mapping or None,
            own_columns=self.own_columns,
            meaning=Meaning(self.meaning) if self.meaning else None,
            leavers_only=self.leavers_only,
            signed_by=self.signed_by,
            language=self.language,
        )


def keep_upload(
    session: Session, stream: BinaryIO, *, list_id: int, account_id: int, file_name: str, now: dt.datetime
) -> int:
    """Keep a seekable file for a day; the number of its draft. Raises InputError where too many are kept."""
    print_, until = fingerprint(stream), now + KEPT_FOR
    size = stream.seek(0, 2)
    stream.seek(0)
    keep_one_at_a_time(session)
    waiting = [Waiting(each.account_id, each.file_print, each.size) for each in _waiting(session, now)]
    check_room(waiting, Waiting(account_id, print_, size))
    if hold_file(session, print_) is None:
        kept = assets.store(
            session, stream, kind=FILE_KIND, name=file_name, media_type="application/octet-stream", now=now
        )
        kept.expires_at = until
    else:
        assets.extend(session, [print_], kind=FILE_KIND, until=until)
    made = assets.begin(
        session, kind=DRAFT_KIND, name=file_name, media_type=_MEDIA_TYPE, now=now, keep=KEPT_FOR
    )
    name_file(session, made.id, print_)
    _write(session, Draft(made.id, list_id, account_id, file_name[-200:], print_, size))
    return made.id


def read_draft(session: Session, draft_id: int) -> Draft:
    """The draft of this number, whoever's it is; raises NotFoundError."""
    found = session.execute(
        sa.select(AssetChunk.data)
        .join(Asset, Asset.id == AssetChunk.asset_id)
        .where(Asset.id == draft_id, Asset.kind == DRAFT_KIND, AssetChunk.number == 0)
    ).scalar_one_or_none()
    if found is None:
        raise NotFoundError(N_("This file is not kept any longer."))
    return _read(found)


def own_draft(session: Session, draft_id: int, *, list_id: int, account_id: int) -> Draft:
    """A draft for this list, by whoever has uploaded it; raises NotFoundError also for somebody else's."""
    found = read_draft(session, draft_id)
    if (found.list_id, found.account_id) != (list_id, account_id):
        raise NotFoundError(N_("This file is not kept any longer."))
    return found


def own_drafts(session: Session, *, list_id: int, account_id: int, now: dt.datetime) -> list[Draft]:
    """Whoever's files for a list that no import was made of yet, the newest first."""
    waiting = _waiting(session, now)
    return [each for each in waiting if (each.list_id, each.account_id) == (list_id, account_id)]


def _waiting(session: Session, now: dt.datetime) -> list[Draft]:
    """Everybody's files that no import was made of yet, the newest first: few, as no more are kept."""
    kept = (
        sa.select(AssetChunk.data)
        .join(Asset, Asset.id == AssetChunk.asset_id)
        .where(
            Asset.expires_at > now,
            Asset.expires_at <= now + KEPT_FOR,
            Asset.kind == DRAFT_KIND,
            Asset.fingerprint != "",
        )
        .order_by(Asset.id.desc())
    )
    return [_read(data) for data in session.scalars(kept)]


def hold_draft(session: Session, draft_id: int) -> Draft:
    """The draft, locked until the transaction ends."""
    session.execute(sa.select(Asset.id).where(Asset.id == draft_id).with_for_update())
    return read_draft(session, draft_id)


def change_draft(session: Session, draft: Draft, **changes: Any) -> Draft:
    """Write what has changed of a draft that is held."""
    changed = dataclasses.replace(draft, **changes)
    _write(session, changed)
    return changed


def ask_trial(session: Session, draft: Draft, *, now: dt.datetime) -> Draft:
    """Have the file be tried in the background, from its first line on; what was found before goes."""
    if draft.import_id is not None:
        raise StateError(N_("This file is being imported already."))
    if draft.report_id is not None:
        assets.delete(session, draft.report_id)
    report = assets.begin(
        session, kind=REPORT_KIND, name="report.csv", media_type="text/csv", now=now, keep=KEPT_FOR
    )
    enqueue(session, TaskName.TRY_IMPORT, draft.id)
    return change_draft(
        session,
        draft,
        state=DraftState.TRYING,
        lines=0,
        counts={},
        report_id=report.id,
        fault="",
        moved_at=now.isoformat(),
    )


def begin_import(
    session: Session, draft: Draft, *, actor: str, address_key: bytes, now: dt.datetime
) -> tuple[int, bool]:
    """Have the tried file be imported in the background: the import's number, and whether it is new.

    However often this is asked of a draft, it becomes one import. Raises StateError before the trial is done.
    """
    held = hold_draft(session, draft.id)
    if held.import_id is not None:
        return held.import_id, False
    if held.state is not DraftState.TRIED:
        raise StateError(N_("Try the file first."))
    order = held.order(actor, address_key)
    row = begin_row(session, order, check_basis(session, order), held.file_print, now=now)
    row.mapping = {**row.mapping, "by_itself": True, "lines": held.lines}
    assets.extend(session, [held.file_print], kind=FILE_KIND, until=now + assets.KEPT_FOR)
    change_draft(session, held, state=DraftState.BEGUN, import_id=row.id)
    name_file(session, held.id, "")
    enqueue(session, TaskName.IMPORT, row.id)
    return row.id, True


def drop_draft(session: Session, draft: Draft) -> None:
    """Throw a file away with what was found in it; its bytes stay for others who go on with the same."""
    drop_file(session, draft.file_print, draft_id=draft.id)
    if draft.report_id is not None:
        assets.delete(session, draft.report_id)
    assets.delete(session, draft.id)


def _read(data: bytes) -> Draft:
    said = json.loads(data)
    return Draft(**{**said, "state": DraftState(said["state"])})


def _write(session: Session, draft: Draft) -> None:
    data = json.dumps(dataclasses.asdict(draft)).encode()
    session.execute(sa.delete(AssetChunk).where(AssetChunk.asset_id == draft.id))
    session.execute(sa.insert(AssetChunk).values(asset_id=draft.id, number=0, data=data))
