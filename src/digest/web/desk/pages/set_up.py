"""The first account, by the link that was printed when Digest was started."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest import clock
from digest.accounts import passwords
from digest.accounts.links import find_link
from digest.accounts.passwords import WeakPasswordError, check_strength
from digest.accounts.rights import May
from digest.accounts.set_up import make_first_account
from digest.db import Database
from digest.errors import InputError
from digest.i18n import N_
from digest.models import LinkPurpose
from digest.web.desk.hashing import slowly
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_DONE: Final = N_("Your account is there. Sign in with it.")


@desk.get("/set-up/{token}", may=May.ENTER)
def show_set_up(visit: Here, token: str) -> Response:
    """Ask for name, address and password; looking uses nothing up."""
    _check_link(visit, token)
    return visit.page("set_up.html", name="", address="", faults={}, least=passwords.LEAST)


@desk.post("/set-up/{token}", may=May.ENTER)
async def do_set_up(visit: Here, token: str) -> Response:
    """Make the account. It does not sign in: whoever finds the link later in some log gains nothing."""
    return await slowly(_set_up, visit, token)


def _set_up(visit: Visit, token: str) -> Response:
    _check_link(visit, token)
    form = visit.form
    name, address, password = form.text("name"), form.text("address"), form.raw("password")
    faults = faults_of(visit, password, form.raw("again"), address=address, name=name)
    if not name:
        faults["name"] = visit.words.gettext(N_("A name is needed: it stands beside what you do."))
    if not faults:
        try:
            _make(visit.database, token, name=name, address=address, password=password)
        except InputError as error:
            faults["address"] = visit.told(error)
        else:
            return visit.go("/desk/sign-in", visit.words.gettext(_DONE))
    return visit.page(
        "set_up.html", status=422, name=name, address=address, faults=faults, least=passwords.LEAST
    )


def _make(database: Database, token: str, *, name: str, address: str, password: str) -> None:
    kept = passwords.hashed(password)  # before the transaction: it takes a tenth of a second
    with database.write() as session:
        make_first_account(session, token, address=address, name=name, kept=kept, now=clock.utc_now())


def _check_link(visit: Visit, token: str) -> None:
    with visit.database.read() as session:
        if find_link(session, token, LinkPurpose.SET_UP, now=visit.now) is None:
            raise HTTPException(404)


def faults_of(
    visit: Visit, password: str, again: str, *, address: str = "", name: str = ""
) -> dict[str, str]:
    """What is wrong with a new password that was typed twice, by field."""
    try:
        check_strength(password, address=address, name=name)
    except WeakPasswordError as error:
        return {"password": visit.told(error)}
    if password != again:
        return {"again": visit.words.gettext(N_("The two are not the same."))}
    return {}
