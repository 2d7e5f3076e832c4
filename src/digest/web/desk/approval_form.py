"""Who has to approve, until when, and what if nobody does: as forms ask for it, of one rhythm or of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.accounts.rights import sees_all
from digest.editions.cadences import Unbounded, set_cadence
from digest.errors import InputError
from digest.i18n import N_
from digest.models import Cadence, Digest, Unapproved

if TYPE_CHECKING:
    from digest.web.desk.forms import Form
    from digest.web.desk.visit import Visit

_MINUTE: Final = 60
_MIXED: Final = "mixed"
FIELDS: Final = ("wants_approval", "approval_minutes", "approval_outcome")
_GUARDED: Final = ("wants_approval", "approval_seconds", "approval_outcome", "hold_seconds", "hold_outcome")
OUTCOMES: Final = (
    ("", N_("as with one that is held")),
    (Unapproved.SEND.value, N_("it goes out as it is")),
    (Unapproved.WITHOUT_FEATURED.value, N_("it goes out without the featured story")),
    (Unapproved.SKIP.value, N_("it is left out")),
)


def read_approval(form: Form) -> dict[str, Any]:
    """What `set_cadence` takes; raises InputError."""
    if not form.is_ticked("wants_approval") and form.text("approval") != "wanted":
        return {"wants_approval": False}
    outcome = form.text("approval_outcome")
    if outcome not in dict(OUTCOMES):
        raise InputError(N_("There is no such choice."))
    minutes = form.text("approval_minutes")
    return {
        "wants_approval": True,
        "approval_seconds": form.number("approval_minutes") * _MINUTE if minutes else Unbounded.NONE,
        "approval_outcome": Unapproved(outcome) if outcome else Unbounded.NONE,
    }


def check_may(visit: Visit, cadence: Cadence, values: dict[str, Any]) -> None:
    """Raise InputError where somebody who may not approve would change what happens without an approval."""
    if sees_all(visit.me.role) or not cadence.wants_approval:
        return
    for name in _GUARDED:
        if name in values and _plain(values[name]) != getattr(cadence, name):
            raise InputError(
                N_("What becomes of editions that want approval can be changed by an approver alone.")
            )


def keep_for_all(session: Session, visit: Visit, digest: Digest) -> None:
    """Let all rhythms of a digest want approval alike, if the form says so."""
    if visit.form.text("approval") in {"", _MIXED}:
        return
    values = read_approval(visit.form)
    query = sa.select(Cadence).where(Cadence.digest_id == digest.id).order_by(Cadence.id)
    for cadence in session.scalars(query).all():
        if any(_plain(value) != getattr(cadence, name) for name, value in values.items()):
            check_may(visit, cadence, values)
            set_cadence(session, cadence, **values, actor=visit.actor, now=visit.now)


def typed(visit: Visit, cadences: Sequence[Cadence], *, is_typed: bool) -> dict[str, Any]:
    """What the form shows of it."""
    names = ("approval", "approval_minutes", "approval_outcome")
    if is_typed:
        return {name: visit.form.text(name) for name in names}
    first = cadences[0] if cadences else None
    return of_cadence(first) | {"approval": _MIXED if _differ(cadences) else _kind(first)}


def of_cadence(cadence: Cadence | None) -> dict[str, Any]:
    """The same of one rhythm."""
    if cadence is None:
        return {"wants_approval": False, "approval_minutes": "", "approval_outcome": ""}
    seconds = cadence.approval_seconds
    return {
        "wants_approval": cadence.wants_approval,
        "approval_minutes": "" if seconds is None else seconds // _MINUTE,
        "approval_outcome": cadence.approval_outcome.value if cadence.approval_outcome else "",
    }


def choices(visit: Visit, cadences: Sequence[Cadence]) -> dict[str, Any]:
    """What its fields offer; nothing where there is no rhythm to approve of."""
    words = visit.words
    found = [
        ("none", words.gettext(N_("Nobody has to")), words.gettext(N_("Each edition goes out by itself."))),
        (
            "wanted",
            words.gettext(N_("Somebody has to approve each edition")),
            words.gettext(N_("Approvers get the locked edition by mail, with three buttons.")),
        ),
    ]
    if _differ(cadences):
        own = words.gettext(N_("As each rhythm has it"))
        found.insert(0, (_MIXED, own, words.gettext(N_("They differ now."))))
    return {
        "approvals": found if cadences else [],
        "approval_outcomes": [(key, words.gettext(text)) for key, text in OUTCOMES],
        "may_approve": sees_all(visit.me.role) or not any(one.wants_approval for one in cadences),
    }


def _kind(cadence: Cadence | None) -> str:
    return "wanted" if cadence is not None and cadence.wants_approval else "none"


def _differ(cadences: Sequence[Cadence]) -> bool:
    return len({(one.wants_approval, one.approval_seconds, one.approval_outcome) for one in cadences}) > 1


def _plain(value: Any) -> Any:
    return None if isinstance(value, Unbounded) else value
