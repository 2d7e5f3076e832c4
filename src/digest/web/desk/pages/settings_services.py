"""The mail services: which there are, in which order they are tried, and a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from digest import audit
from digest.accounts.rights import May
from digest.errors import ConfigError, InputError
from digest.i18n import N_
from digest.models import Transport
from digest.pacing import change, transports
from digest.pacing.presets import PRESETS, Preset, preset
from digest.web.desk.preset_words import PRESET_WORDS, TITLES
from digest.web.desk.render import told_moment
from digest.web.desk.service_form import limits, port_of, security_of, signer_of
from digest.web.desk.table import desk
from digest.web.desk.told_services import SECURITIES, SIGNERS, ToldService, told_pace, told_service
from digest.web.desk.visit import Here, Visit


@desk.get("/mail-services", may=May.RUN_SETTINGS)
def show_services(visit: Here) -> Response:
    """In the order in which they are tried, with how each does."""
    with visit.database.read() as session:
        rows = transports.transports(session)
    zone = visit.zone
    each_told = [(row, told(visit, row, zone), told_pace(row, visit.words)) for row in rows]
    used = [each for each in each_told if each[0].is_enabled]
    return visit.page(
        "settings_services.html",
        used=used,
        unused=[each for each in each_told if not each[0].is_enabled],
        is_ready=any(row.accepted_at is not None for row, _, _ in used),
    )


@desk.get("/mail-services/new", may=May.RUN_SETTINGS)
def show_new_service(visit: Here) -> Response:
    """Which provider, then what it asks for."""
    name = visit.request.query_params.get("preset", "")
    return _new(visit, name) if name in PRESETS else _providers(visit)


@desk.post("/mail-services/new", may=May.RUN_SETTINGS)
def add_service(visit: Here) -> Response:
    """Add it; nothing is connected before its test."""
    chosen = visit.form.text("preset")
    if chosen not in PRESETS:
        return _providers(visit)
    try:
        values, password = _values(visit, chosen)
        with visit.database.write() as session:
            rank = max((row.rank for row in transports.transports(session) if row.is_enabled), default=-1)
            made = transports.add_transport(session, **values, rank=rank + 1, now=visit.now)
            details = {"host": made.host, "port": made.port, "security": made.security.value}
            audit.record(session, "transport.add", made, actor=visit.actor, now=visit.now, details=details)
            if made.secret_name:
                change.keep_password(visit.settings.secrets_folder, made.secret_name, password)
    except (InputError, ConfigError) as error:
        return _new(visit, chosen, visit.told(error))
    said = N_("It is there. Readers are mailed by it once it has taken a test mail: send one now.")
    return visit.go(f"/desk/mail-services/{made.id}", visit.words.gettext(said), kind="note")


def told(visit: Visit, row: Transport, zone: str) -> ToldService:
    """How a service does, in the words of whoever looks."""
    return told_service(row, visit.words, now=visit.now, at=lambda moment: told_moment(visit, moment, zone))


def signer_words(visit: Visit) -> list[tuple[str, str, str]]:
    """Who may sign, for `ui.radios`."""
    words = visit.words
    return [(key.value, words.gettext(title), words.gettext(more)) for key, (title, more) in SIGNERS.items()]


def security_words(visit: Visit) -> list[tuple[str, str]]:
    """The kinds of encryption, for `ui.choice`."""
    return [(key.value, visit.words.gettext(text)) for key, text in SECURITIES.items()]


def _values(visit: Visit, chosen: str) -> tuple[dict[str, Any], str]:
    """The columns of a new service and its password; what a preset fixes is not asked for."""
    form, _ = visit.form, visit.words.gettext
    known = _of_region(visit, chosen)
    host = known.host or form.text("host")
    if not host:
        raise InputError(_(N_("The server's name is missing.")))
    username = known.username or form.text("username")
    password = change.check_password(form.raw("password")) if username else ""
    security = known.security if known.host else security_of(form)
    values = {
        "name": form.text("name") or chosen,
        "host": host,
        "port": known.port if known.host else port_of(form, security),
        "security": security,
        "username": username,
        "secret_name": None,
        "helo": form.text("helo"),
        "signer": signer_of(form),
        **limits(form),
    }
    if username:
        values["secret_name"] = change.secret_name_of(values["name"])
    return values, password


def _of_region(visit: Visit, chosen: str) -> Preset:
    """The preset with its host in full. What is missing is said in the page's words, not in a command's."""
    region = visit.form.text("region") or None
    known = PRESETS[chosen]
    if known.needs_region and region is None:
        raise InputError(
            visit.words.gettext(N_("The region is missing: it stands in the provider's console."))
        )
    return preset(chosen, region=region if known.needs_region or known.regions else None)


def _providers(visit: Visit) -> Response:
    words = visit.words
    found = [
        (name, words.gettext(TITLES.get(name, known.title)), words.gettext(PRESET_WORDS[name].note))
        for name, known in PRESETS.items()
    ]
    return visit.page("settings_service_new.html", providers=found)


def _new(visit: Visit, chosen: str, fault: str = "") -> Response:
    known, form, words = PRESETS[chosen], visit.form, visit.words
    stored: Mapping[str, Any] = {
        "name": chosen,
        "host": known.host,
        "region": next(iter(known.regions or ()), ""),
        "port": known.port,
        "security": known.security.value,
        "username": known.username,
        "helo": "",
        "signer": known.signer.value,
        "per_second": known.per_second or "",
        "per_hour": known.per_hour or "",
        "connections": known.connections,
    }
    typed = {name: form.text(name, str(value)) for name, value in stored.items()} if fault else stored
    return visit.page(
        "settings_service_form.html",
        status=422 if fault else 200,
        fault=fault,
        preset=chosen,
        known=known,
        title=words.gettext(TITLES.get(chosen, known.title)),
        told=[words.gettext(each) if each else "" for each in PRESET_WORDS[chosen]],
        typed=typed,
        regions=list(known.regions or ()),
        securities=security_words(visit),
        signers=signer_words(visit),
    )
