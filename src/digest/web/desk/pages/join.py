"""Choosing a password by a link: of an invitation, or of somebody who has forgotten theirs."""

from __future__ import annotations

from typing import Final

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest import clock
from digest.accounts import passwords
from digest.accounts.links import find_link
from digest.accounts.own import ask_reset, choose_by_link
from digest.accounts.rights import May
from digest.i18n import N_
from digest.models import Account, LinkPurpose
from digest.web.desk.hashing import slowly
from digest.web.desk.pages.set_up import faults_of
from digest.web.desk.stationery import stationery
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_CHOSEN: Final = N_("Your password is chosen. Sign in with it.")
_ASKED: Final = N_(
    "If there is an account with this address, a link is on its way to it by mail. It works for half an hour."
)


@desk.get("/join/{token}", may=May.ENTER)
def show_join(visit: Here, token: str) -> Response:
    """Ask for the first password of somebody who was invited."""
    return _form(visit, token, LinkPurpose.INVITE)


@desk.post("/join/{token}", may=May.ENTER)
async def do_join(visit: Here, token: str) -> Response:
    """Take it. Nobody is signed in by it."""
    return await slowly(_choose, visit, token, LinkPurpose.INVITE)


@desk.get("/reset/{token}", may=May.ENTER)
def show_reset(visit: Here, token: str) -> Response:
    """Ask for another password."""
    return _form(visit, token, LinkPurpose.RESET)


@desk.post("/reset/{token}", may=May.ENTER)
async def do_reset(visit: Here, token: str) -> Response:
    """Take it. Nobody is signed in by it, and whoever gives codes is asked for one as before."""
    return await slowly(_choose, visit, token, LinkPurpose.RESET)


@desk.get("/forgotten", may=May.ENTER)
def show_forgotten(visit: Here) -> Response:
    """Ask for the address."""
    return visit.page("forgotten.html")


@desk.post("/forgotten", may=May.ENTER)
def do_forgotten(visit: Here) -> Response:
    """The same answer for every address, before anything is looked up: then its mail is asked for."""
    address = visit.form.text("address")
    answer = visit.go("/desk/sign-in", visit.words.gettext(_ASKED), kind="note")
    answer.background = BackgroundTask(
        ask_reset, visit.database, address, visit.where, stationery=stationery(visit), now=visit.now
    )
    return answer


def _form(visit: Visit, token: str, purpose: LinkPurpose, faults: dict[str, str] | None = None) -> Response:
    with visit.database.read() as session:
        link = find_link(session, token, purpose, now=visit.now)
        if link is None:
            raise HTTPException(404)
        account = session.get_one(Account, link.account_id)
    return visit.page(
        "join.html",
        status=422 if faults else 200,
        is_new=purpose is LinkPurpose.INVITE,
        name=account.name,
        address=account.address,
        faults=faults or {},
        least=passwords.LEAST,
    )


def _choose(visit: Visit, token: str, purpose: LinkPurpose) -> Response:
    password = visit.form.raw("password")
    with visit.database.read() as session:
        link = find_link(session, token, purpose, now=visit.now)
        account = session.get(Account, link.account_id) if link is not None else None
    if account is None:
        raise HTTPException(404)
    faults = faults_of(visit, password, visit.form.raw("again"), address=account.address, name=account.name)
    if faults:
        return _form(visit, token, purpose, faults)
    if not choose_by_link(
        visit.database, token, purpose, password, stationery=stationery(visit), now=clock.utc_now()
    ):
        raise HTTPException(404)
    return visit.go("/desk/sign-in", visit.words.gettext(_CHOSEN))
