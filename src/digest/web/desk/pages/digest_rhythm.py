"""When a digest comes out: another rhythm, or one that is changed."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions.cadences import Unbounded, add_cadence, set_cadence
from digest.editions.dates import parse_day
from digest.errors import InputError
from digest.i18n import N_
from digest.models import Cadence, Digest, Fallback, Missed
from digest.web.desk import rhythm_form
from digest.web.desk.forms import Form
from digest.web.desk.pages.account import zones
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_MINUTE: Final = 60
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
            add_cadence(
                session,
                session.get_one(Digest, digest),
                name=form.text("name"),
                cron=rhythm_form.read_rhythm(form),
                zone=form.text("zone"),
                actor=visit.actor,
                now=visit.now,
                **_values(form),
            )
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
            set_cadence(
                session,
                session.get_one(Cadence, cadence),
                cron=rhythm_form.read_rhythm(form),
                zone=form.text("zone"),
                actor=visit.actor,
                now=visit.now,
                **_values(form),
            )
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
    try:
        choices: dict[str, Any] = {
            "missed": Missed(form.text("missed")),
            "hold_outcome": Fallback(form.text("hold_outcome")),
        }
    except ValueError:
        raise InputError(N_("There is no such choice.")) from None
    return bounds | spans | choices | {"wants_approval": form.is_ticked("wants_approval")}


def _stored(cadence: Cadence | None, zone: str) -> dict[str, Any]:
    if cadence is None:
        plain = {"name": "", "zone": zone, "lead": 10, "grace": 180, "hold": 180}
        return plain | {
            "missed": "late",
            "hold_outcome": "skip",
            "wants_approval": False,
            "starts_on": "",
            "ends_on": "",
        }
    return {
        "name": cadence.name,
        "zone": cadence.zone,
        "lead": cadence.lead_seconds // _MINUTE,
        "grace": cadence.grace_seconds // _MINUTE,
        "hold": cadence.hold_seconds // _MINUTE,
        "missed": cadence.missed.value,
        "hold_outcome": cadence.hold_outcome.value,
        "wants_approval": cadence.wants_approval,
        "starts_on": cadence.starts_on or "",
        "ends_on": cadence.ends_on or "",
    }


def _shown(visit: Visit, digest_id: int, cadence: Cadence | None, fault: str) -> Response:
    with visit.database.read() as session:
        digest = session.get_one(Digest, digest_id)
    words, form = visit.words, visit.form
    typed = _stored(cadence, visit.zone)
    if fault:
        typed |= {name: form.raw(name) for name in typed} | rhythm_form.typed_again(form)
    else:
        typed |= rhythm_form.as_typed(cadence) if cadence is not None else rhythm_form.usual()
    return visit.page(
        "digest_rhythm.html",
        status=422 if fault else 200,
        fault=fault,
        digest=digest,
        cadence=cadence,
        typed=typed,
        **rhythm_choices(visit),
        missed=[(key, words.gettext(text)) for key, text in MISSED],
        outcomes=[(key, words.gettext(text)) for key, text in OUTCOMES],
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
