"""One's own account: how the desk looks and speaks, the password, the browsers that are signed in."""

from __future__ import annotations

import zoneinfo
from typing import Final

from starlette.responses import Response

from digest import clock
from digest.accounts import recovery
from digest.accounts.own import change_password, is_own_password, set_own
from digest.accounts.rights import May
from digest.accounts.sessions import end_session, end_sessions, sessions_of
from digest.errors import InputError
from digest.i18n import LANGUAGES, N_
from digest.models import Account, Scheme
from digest.web.desk.agents import agent_name
from digest.web.desk.hashing import slowly
from digest.web.desk.pages.set_up import faults_of
from digest.web.desk.pages.sign_in import back_to
from digest.web.desk.stationery import stationery
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

HOME: Final = "/desk/account"
SAVED: Final = N_("Saved.")
WRONG: Final = N_("This is not your password.")
TOO_MANY: Final = N_("There were too many attempts. Wait a minute, then try again.")


@desk.get("/account", may=May.WORK)
def show_account(visit: Here) -> Response:
    """All of it on one page."""
    return shown(visit)


def shown(visit: Visit, faults: dict[str, str] | None = None, *, status: int = 200) -> Response:
    """The page, with what is wrong with what was typed."""
    with visit.database.read() as session:
        browsers = sessions_of(session, visit.me.id, now=visit.now)
        codes_left = recovery.count_left(session, visit.me.id)
    return visit.page(
        "account.html",
        status=status,
        faults=faults or {},
        browsers=[(each, agent_name(each.agent)) for each in browsers],
        this=visit.session_id,
        codes_left=codes_left,
        zones=zones(),
        own_zone=visit.me.zone,
    )


@desk.post("/account", may=May.WORK)
def save_account(visit: Here) -> Response:
    """Name, language, zone and look."""
    form = visit.form
    with visit.database.write() as session:
        set_own(
            session,
            session.get_one(Account, visit.me.id),
            name=form.text("name"),
            language=_language(form.text("language")),
            zone=form.text("zone"),
            scheme=_scheme(form.text("scheme")),
        )
    return visit.go(HOME, visit.words.gettext(SAVED))


@desk.post("/account/scheme", may=May.WORK)
def set_scheme(visit: Here) -> Response:
    """Light, dark, or as the device is."""
    scheme = _scheme(visit.form.text("scheme"))
    with visit.database.write() as session:
        session.get_one(Account, visit.me.id).scheme = scheme
    return visit.go(back_to(visit.form.text("back")))


@desk.post("/account/language", may=May.WORK)
def set_language(visit: Here) -> Response:
    """The language of the desk."""
    language = _language(visit.form.text("language"))
    with visit.database.write() as session:
        session.get_one(Account, visit.me.id).language = language
    return visit.go(back_to(visit.form.text("back")))


@desk.post("/account/password", may=May.WORK)
async def save_password(visit: Here) -> Response:
    """Another password: every browser is signed out but this one."""
    return await slowly(_save_password, visit)


def _save_password(visit: Visit) -> Response:
    me, form = visit.me, visit.form
    faults = faults_of(visit, form.raw("password"), form.raw("again"), address=me.address, name=me.name)
    if not faults:
        is_right = is_own_password(visit.database, me.id, form.raw("current"), visit.where, now=visit.now)
        if not is_right:
            faults["current"] = visit.words.gettext(WRONG if is_right is False else TOO_MANY)
    if faults:
        return shown(visit, faults, status=422)
    token = change_password(
        visit.database,
        me.id,
        form.raw("password"),
        visit.where,
        stationery=stationery(visit),
        now=clock.utc_now(),
    )
    visit.switch(token)
    said = N_("Your password is changed, and every other browser is signed out.")
    return visit.go(HOME, visit.words.gettext(said))


@desk.post("/account/sessions/{own_session}/end", may=May.END_OWN_SESSION)
def end_one(visit: Here, own_session: int) -> Response:
    """Sign another browser out."""
    with visit.database.write() as session:
        end_session(session, own_session)
    return visit.go(HOME, visit.words.gettext(N_("That browser is signed out.")))


@desk.post("/account/sessions/end-others", may=May.WORK)
def end_others(visit: Here) -> Response:
    """Sign every other browser out."""
    with visit.database.write() as session:
        count = end_sessions(session, visit.me.id, but=visit.session_id)
    said = visit.words.ngettext(
        "%(count)s other browser is signed out.", "%(count)s other browsers are signed out.", count
    )
    return visit.go(HOME, said)


def zones() -> list[str]:
    """The time zones to choose from: the places, and UTC."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(name for name in zoneinfo.available_timezones() if name.startswith(areas))]


def _language(text: str) -> str:
    if text not in ("", *LANGUAGES):
        raise InputError(N_("The desk does not speak this language."))
    return text


def _scheme(text: str) -> Scheme:
    if text not in set(Scheme):
        raise InputError(N_("There is no such look."))
    return Scheme(text)
