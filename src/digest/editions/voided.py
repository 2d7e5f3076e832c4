"""An approval that does not hold any more: whose it was, who voided it, and what is otherwise since."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.compose import context_of, placed_of
from digest.editions.differences import Difference, Shown, shown_of, shown_story
from digest.editions.field_changes import FieldChange, field_changes, whole_changes
from digest.editions.material import Considered, material_from
from digest.editions.stories import stored_story
from digest.i18n import N_
from digest.models import Approval, Edition, EditionChange, EditionState, Revision, Role, VoidCause
from digest.rendering.digest_email import render_lines

# Where there may be something to approve anew.
_OPEN = (EditionState.UPCOMING, EditionState.HELD, EditionState.FROZEN)

CAUSES: dict[VoidCause, str] = {
    VoidCause.UNLOCKED: N_("It was locked again, so the approval is void."),
    VoidCause.EDITED: N_("It was changed, so the approval is void."),
    VoidCause.STOPPED: N_("It was stopped, so the approval is void."),
    VoidCause.WITHDRAWN: N_("The approval was taken back."),
}


@dataclass(frozen=True, slots=True)
class Voided:
    """`approved_by` and `voided_by` are as the trail names them; `changes` what editors did since then.

    `is_locked` says that the new content is fixed: it can be approved. Else it is as it would be now.
    """

    approved_by: str
    approved_at: dt.datetime
    voided_by: str
    voided_at: dt.datetime
    cause: VoidCause
    is_locked: bool
    whole: tuple[Difference, ...]
    fields: tuple[FieldChange, ...]
    changes: tuple[EditionChange, ...]


def voided_approval(
    session: Session, edition: Edition, one: Considered | None, *, public_url: str, templates: Path | None
) -> Voided | None:
    """The last approval of an edition if it is void and its content is not what was approved; else None.

    `one` is the choice as it is now, of an edition that is not locked.
    """
    if edition.state not in _OPEN:
        return None
    last = session.scalars(
        sa.select(Approval).where(Approval.edition_id == edition.id).order_by(Approval.id.desc()).limit(1)
    ).one_or_none()
    if last is None or last.voided_at is None or last.void_cause is None:
        return None
    revision = session.get_one(Revision, last.revision_id)
    old = shown_of(session, revision)
    if one is not None:
        new = shown_now(session, one, public_url=public_url, templates=templates)
    else:
        new = shown_of(session, session.get_one(Revision, edition.revision_id))
    whole, fields = whole_changes(old, new), field_changes(old, new)
    if not whole and not fields and (one is not None or old.fingerprint == new.fingerprint):
        return None
    since = EditionChange.made_at > revision.created_at
    taken_back = EditionChange.undone_at > revision.created_at
    rows = session.scalars(
        sa.select(EditionChange)
        .where(EditionChange.edition_id == edition.id, sa.or_(since, taken_back))
        .order_by(EditionChange.id)
    )
    return Voided(
        approved_by=last.made_by,
        approved_at=last.made_at,
        voided_by=last.voided_by or "",
        voided_at=last.voided_at,
        cause=last.void_cause,
        is_locked=one is None,
        whole=whole,
        fields=fields,
        changes=tuple(rows),
    )


def shown_now(session: Session, one: Considered, *, public_url: str, templates: Path | None) -> Shown:
    """What a coming edition would show if it were locked now; nothing if it would come to nothing."""
    if one.choice.is_empty and one.put_right is None:
        return Shown(fingerprint="", subject="")
    material = material_from(session, one)
    context = context_of(material, public_url=public_url)
    subject, preheader = render_lines(context, templates=templates)
    said = one.changes
    return Shown(
        fingerprint="",
        subject=subject,
        preheader=preheader,
        intro=(said.intro or "", said.note or ""),
        sign_off=said.sign_off or "",
        stories=tuple(
            shown_story(
                stored_story(each.story),
                position=place,
                is_featured=each.role is Role.FEATURED,
                post_id=each.post_id,
                own_item_id=each.own_item_id,
            )
            for place, each in enumerate(placed_of(material, context))
        ),
    )
