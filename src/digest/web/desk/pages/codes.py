"""Codes of a telephone, and the recovery codes that stand in for it."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from digest import clock
from digest.accounts import codes
from digest.accounts.own import again, is_own_password, new_recovery_codes, switch_codes_off
from digest.accounts.rights import May
from digest.i18n import N_
from digest.models import Account
from digest.web.desk.hashing import slowly
from digest.web.desk.pages.account import HOME, TOO_MANY, WRONG, shown
from digest.web.desk.stationery import stationery
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_ISSUER: Final = "Digest"
_NOT_RIGHT: Final = N_(
    "This code is not right. Look whether the telephone's clock is, and take the next one."
)


@desk.post("/account/codes/new", may=May.WORK)
def offer_codes(visit: Here) -> Response:
    """A new secret, which counts once its first code has come back."""
    with visit.database.write() as session:
        codes.offer(session, session.get_one(Account, visit.me.id), key=visit.services.keys.address_key)
    return visit.go("/desk/account/codes")


@desk.get("/account/codes", may=May.WORK)
def show_codes(visit: Here) -> Response:
    """The picture for the telephone, and the field for its first code."""
    return _offered(visit)


@desk.post("/account/codes", may=May.WORK)
def confirm_codes(visit: Here) -> Response:
    """Switch them on; the recovery codes are shown this once."""
    now = clock.utc_now()
    with visit.database.write() as session:
        account = session.get_one(Account, visit.me.id)
        key = visit.services.keys.address_key
        made = codes.confirm(session, account, visit.form.text("code"), key=key, now=now)
        token = again(session, account, visit.where, now=now) if made else ""
    if not made:
        return _offered(visit, visit.words.gettext(_NOT_RIGHT))
    visit.switch(token)
    return visit.page("recovery_codes.html", made=made, is_new=True)


@desk.post("/account/codes/recovery", may=May.WORK)
async def renew_recovery(visit: Here) -> Response:
    """Ten new recovery codes, for whoever knows the password."""
    return await slowly(_renew, visit)


@desk.post("/account/codes/off", may=May.WORK)
async def codes_off(visit: Here) -> Response:
    """Ask for no codes any more, if whoever wants that knows the password."""
    return await slowly(_switch_off, visit)


def _renew(visit: Visit) -> Response:
    if (fault := _password_fault(visit)) or not visit.me.has_codes:
        return shown(visit, {"codes": fault}, status=422)
    with visit.database.write() as session:
        account = session.get_one(Account, visit.me.id)
        made = new_recovery_codes(session, account, now=clock.utc_now())
    return visit.page("recovery_codes.html", made=made, is_new=False)


def _switch_off(visit: Visit) -> Response:
    if fault := _password_fault(visit):
        return shown(visit, {"codes": fault}, status=422)
    now = clock.utc_now()
    with visit.database.write() as session:
        account = session.get_one(Account, visit.me.id)
        switch_codes_off(session, account, actor=visit.actor, stationery=stationery(visit), now=now)
        token = again(session, account, visit.where, now=now)
    visit.switch(token)
    return visit.go(HOME, visit.words.gettext(N_("From now on your password alone lets you in.")))


def _password_fault(visit: Visit) -> str:
    password = visit.form.raw("current")
    is_right = is_own_password(visit.database, visit.me.id, password, visit.where, now=visit.now)
    if is_right:
        return ""
    return visit.words.gettext(TOO_MANY if is_right is None else WRONG)


def _offered(visit: Visit, fault: str = "") -> Response:
    with visit.database.read() as session:
        account = session.get_one(Account, visit.me.id)
        secret = codes.offered(account, key=visit.services.keys.address_key)
    if secret is None:
        return visit.go(HOME)
    address = codes.address_for_app(secret, address=visit.me.address, issuer=_ISSUER)
    return visit.page(
        "codes.html",
        status=422 if fault else 200,
        fault=fault,
        picture=_picture(address),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    )


def _picture(address: str) -> Markup:
    """The address as a picture to be photographed, drawn by attributes alone: no style stands in a page."""
    import segno  # noqa: PLC0415

    drawn = segno.make(address, error="m").svg_inline(border=1, omitsize=True)
    return Markup(drawn)  # nosec B704 # noqa: S704  (segno draws squares; the address is in none of them)
