"""When a digest comes out: another rhythm, or one that is changed."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions.cadences import Auto, Unbounded, add_cadence, set_cadence
from digest.editions.dates import parse_day
from digest.editions.first_copies import (
    add_first_copy,
    first_readers,
    remove_first_copy,
    set_first_copies_lead,
)
from digest.editions.rules_form import set_rules
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.segments import segments_of, set_cadence_segment
from digest.models import Account, Cadence, Digest, Fallback, Missed, Selection
from digest.web.desk import approval_form, rhythm_form, selection_form
from digest.web.desk.forms import Form
from digest.web.desk.pages.account import zones
from digest.web.desk.pages.digest_settings import cadences_of_digest
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_STAFF_MOST: Final = 200
_MINUTES: Final = ("lead", "grace", "hold")
MISSED: Final = (
    (Missed.LATE.value, N_("it goes out late")),
    (Missed.MERGE.value, N_("its stories go out with the next one")),
    (Missed.SKIP.value, N_("it is left out")),
)
OUTCOMES: Final = (
    (Fallback.SKIP.value, N_("it is left out")),
    (Fallback.SEND.value, N_("it goes out as it is")),
)

SELECTIONS: Final = (
    (Selection.LATEST.value, N_("what is new since the last one")),
    (Selection.BEST_OF.value, N_("the best of its span, commentaries first")),
)


@desk.get("/digests/{digest}/cadences/new", may=May.EDIT_DIGEST)
def show_new(visit: Here, digest: int) -> Response:
    """The form for another rhythm."""
    return _shown(visit, digest, None, "")


@desk.post("/digests/{digest}/cadences/new", may=May.EDIT_DIGEST)
def save_new(visit: Here, digest: int) -> Response:
    """Its first edition is made with it."""
    form = visit.form
    try:
        with visit.database.write() as session:
            made = add_cadence(
                session,
                session.get_one(Digest, digest),
                name=form.text("name"),
                cron=rhythm_form.read_rhythm(form),
                zone=form.text("zone"),
                actor=visit.actor,
                now=visit.now,
                **_of_new(visit, session, digest),
            )
            _keep_rest(session, visit, made)
    except InputError as error:
        return _shown(visit, digest, None, visit.told(error))
    said = visit.words.gettext(N_("It has its rhythm. The first edition comes at its next time."))
    return visit.go(f"/desk/digests/{digest}", said)


@desk.get("/cadences/{cadence}", may=May.EDIT_CADENCE)
def show_rhythm(visit: Here, cadence: int) -> Response:
    """The form of one that is there."""
    with visit.database.read() as session:
        found = session.get_one(Cadence, cadence)
    return _shown(visit, found.digest_id, found, "")


@desk.post("/cadences/{cadence}", may=May.EDIT_CADENCE)
def save_rhythm(visit: Here, cadence: int) -> Response:
    """The coming edition moves to the new schedule's next slot, with what editors did to it."""
    form = visit.form
    with visit.database.read() as session:
        found = session.get_one(Cadence, cadence)
    try:
        with visit.database.write() as session:
            row = session.get_one(Cadence, cadence)
            values = _changed(row, _values(form))
            approval_form.check_may(visit, row, values)
            set_cadence(
                session,
                row,
                cron=rhythm_form.read_rhythm(form),
                zone=form.text("zone"),
                actor=visit.actor,
                now=visit.now,
                **values,
            )
            _keep_rest(session, visit, row)
    except InputError as error:
        return _shown(visit, found.digest_id, found, visit.told(error))
    said = N_("Saved. The coming edition moves with it; what is locked goes out as it was announced.")
    return visit.go(f"/desk/digests/{found.digest_id}", visit.words.gettext(said))


def _values(form: Form) -> dict[str, Any]:
    bounds = {
        name: parse_day(form.text(name)) if form.text(name) else Unbounded.NONE
        for name in ("starts_on", "ends_on")
    }
    spans = {f"{name}_seconds": form.number(name) * _MINUTE for name in _MINUTES}
    spread = form.text("spread")
    try:
        choices: dict[str, Any] = {
            "missed": Missed(form.text("missed")),
            "hold_outcome": Fallback(form.text("hold_outcome")),
            "selection": Selection(form.text("selection", Selection.LATEST)),
        }
    except ValueError:
        raise InputError(N_("There is no such choice.")) from None
    return (
        bounds
        | spans
        | choices
        | approval_form.read_approval(form)
        | {
            "spread_seconds": form.number("spread") * _MINUTE if spread else Auto.AUTO,
            "useful_seconds": form.number("useful", _DAY // _HOUR) * _HOUR,
        }
    )


def _changed(cadence: Cadence, values: dict[str, Any]) -> dict[str, Any]:
    """The values without the spans that are as the form showed them: commands set them to the second."""
    units = {f"{name}_seconds": _MINUTE for name in (*_MINUTES, "spread", "approval")}
    units["useful_seconds"] = _HOUR
    found = dict(values)
    for name, unit in units.items():
        there = getattr(cadence, name)
        if isinstance(value := values.get(name), int) and there is not None and there // unit * unit == value:
            del found[name]
    return found


def _of_new(visit: Visit, session: Session, digest_id: int) -> dict[str, Any]:
    """The values of a new rhythm; where its digest wants approval, none is a way around it."""
    values = _values(visit.form)
    asking = [one for one in cadences_of_digest(session, digest_id) if one.wants_approval]
    if asking:
        approval_form.check_may(visit, asking[-1], values)
    return values


def _keep_rest(session: Session, visit: Visit, cadence: Cadence) -> None:
    """What is kept beside a rhythm's own row: its part of the readers, its own rules, who gets it first."""
    form = visit.form
    act: dict[str, Any] = {"actor": visit.actor, "now": visit.now}
    segments = {one.id: one.name for _, one in segments_of(session, cadence.digest_id)}
    wanted = form.number("segment", 0)
    if wanted and wanted not in segments:
        raise InputError(N_("There is no such choice."))
    if (wanted or None) != cadence.segment_id and "segment" in dict(form.pairs):
        set_cadence_segment(session, cadence, segments.get(wanted), **act)
    rules = selection_form.read_own_rules(form, cadence.rules or {})
    if rules != (cadence.rules or {}):
        set_rules(session, cadence, rules, **act)
    minutes = form.text("first_minutes")
    if minutes and form.number("first_minutes") * _MINUTE != cadence.first_copies_seconds:
        set_first_copies_lead(session, cadence, form.number("first_minutes") * _MINUTE, **act)
    if form.text("asks_first"):
        _keep_first_readers(session, visit, cadence)


def _keep_first_readers(session: Session, visit: Visit, cadence: Cadence) -> None:
    chosen = set(visit.form.numbers("first"))
    there = {one.id for one in first_readers(session, cadence.id)}
    for account in _staff(session):
        if account.id in chosen - there:
            add_first_copy(session, cadence, account, actor=visit.actor, now=visit.now)
        elif account.id in there - chosen:
            remove_first_copy(session, cadence, account, actor=visit.actor, now=visit.now)


def _staff(session: Session) -> list[Account]:
    """Whoever may get first copies: the people whose account is open."""
    query = sa.select(Account).where(Account.disabled_at.is_(None)).order_by(Account.name, Account.id)
    return list(session.scalars(query.limit(_STAFF_MOST)))


def _stored(cadence: Cadence | None, zone: str) -> dict[str, Any]:
    if cadence is None:
        plain = {"name": "", "zone": zone, "lead": 10, "grace": 180, "hold": 180, "useful": 24, "spread": ""}
        rest = {
            "missed": "late",
            "hold_outcome": "skip",
            "selection": "latest",
            "segment": "",
            "starts_on": "",
        }
        own = selection_form.own_as_typed({})
        return plain | rest | own | {"ends_on": "", "first_minutes": 5} | approval_form.of_cadence(None)
    return (
        {
            "name": cadence.name,
            "zone": cadence.zone,
            "lead": cadence.lead_seconds // _MINUTE,
            "grace": cadence.grace_seconds // _MINUTE,
            "hold": cadence.hold_seconds // _MINUTE,
            "useful": cadence.useful_seconds // _HOUR,
            "spread": "" if cadence.spread_seconds is None else cadence.spread_seconds // _MINUTE,
            "missed": cadence.missed.value,
            "hold_outcome": cadence.hold_outcome.value,
            "selection": cadence.selection.value,
            "segment": cadence.segment_id or "",
            "starts_on": cadence.starts_on or "",
            "ends_on": cadence.ends_on or "",
            "first_minutes": cadence.first_copies_seconds // _MINUTE,
        }
        | approval_form.of_cadence(cadence)
        | selection_form.own_as_typed(cadence.rules or {})
    )


def _shown(visit: Visit, digest_id: int, cadence: Cadence | None, fault: str) -> Response:
    with visit.database.read() as session:
        digest = session.get_one(Digest, digest_id)
        segments = [(str(one.id), one.title) for _, one in segments_of(session, digest_id)]
        staff = _staff(session)
        first = {one.id for one in first_readers(session, cadence.id)} if cadence is not None else set()
        others = cadences_of_digest(session, digest_id)
    words, form = visit.words, visit.form
    typed = _stored(cadence, visit.zone)
    if cadence is None and (asking := [one for one in others if one.wants_approval]):
        like = _stored(asking[-1], visit.zone)
        typed |= {name: like[name] for name in (*approval_form.FIELDS, "lead", "hold", "hold_outcome")}
    if fault:
        typed |= {name: form.raw(name) for name in typed} | rhythm_form.typed_again(form)
        first = set(form.numbers("first"))
    else:
        typed |= rhythm_form.as_typed(cadence) if cadence is not None else rhythm_form.usual()
    offered = (("missed", MISSED), ("outcomes", OUTCOMES), ("selections", SELECTIONS))
    choices: dict[str, Any] = {
        name: [(key, words.gettext(text)) for key, text in options] for name, options in offered
    }
    return visit.page(
        "digest_rhythm.html",
        status=422 if fault else 200,
        fault=fault,
        digest=digest,
        cadence=cadence,
        typed=typed,
        segments=[("", words.gettext(N_("everybody"))), *segments],
        staff=staff,
        first=first,
        **rhythm_choices(visit),
        **choices,
        **approval_form.choices(visit, [cadence] if cadence is not None else []),
    )


def rhythm_choices(visit: Visit) -> dict[str, Any]:
    """What a form of a rhythm offers, in the person's words."""
    from babel.dates import get_day_names  # noqa: PLC0415

    words = visit.words
    names = get_day_names("wide", context="stand-alone", locale=words.locale)
    return {
        "every": [(key, words.gettext(text)) for key, text in rhythm_form.EVERY],
        "nths": [(key, words.gettext(text)) for key, text in rhythm_form.NTH],
        "weekdays": [(key, names[number]) for number, key in enumerate(rhythm_form.WEEKDAYS)],
        "zones": [(zone, zone.replace("_", " ")) for zone in zones()],
    }
