"""Signing in and out."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from digest import audit, clock
from digest.accounts.rights import May
from digest.accounts.sessions import end_session
from digest.accounts.set_up import wants_set_up
from digest.accounts.sign_in import Attempt, Outcome, give_code, sign_in
from digest.i18n import N_
from digest.models import Account
from digest.web.desk.hashing import slowly
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

HOME: Final = "/desk"
_REFUSED: Final = N_("Address and password do not belong together. Look at both once more.")
_TOO_MANY: Final = N_("There were too many attempts. Wait a minute, then try again.")
_WRONG_CODE: Final = N_("This code is not right, or was used already. Wait for the next one.")


@desk.get("/sign-in", may=May.ENTER)
def show_sign_in(visit: Here) -> Response:
    """The form; whoever is in already goes on."""
    if visit.me_or_none is not None:
        return visit.go(back_to(visit.request.query_params.get("next", "")))
    with visit.database.read() as session:
        is_new = wants_set_up(session)
    return _form(visit, next_page=visit.request.query_params.get("next", ""), is_new=is_new)


@desk.post("/sign-in", may=May.ENTER)
async def do_sign_in(visit: Here) -> Response:
    """Look at address and password; the answer is the same whichever is wrong."""
    address, password = visit.form.text("address"), visit.form.raw("password")
    attempt = await slowly(sign_in, visit.database, address, password, visit.where, now=visit.now)
    after = back_to(visit.form.text("next"))
    if attempt.outcome is Outcome.WANTS_CODE:
        visit.switch(attempt.token)
        return visit.go(f"/desk/sign-in-code?next={after}")
    if attempt.outcome is Outcome.SIGNED_IN:
        return _come_in(visit, attempt, after)
    return _form(visit, next_page=after, address=address, fault=_fault(attempt, _REFUSED))


@desk.get("/sign-in-code", may=May.ENTER)
def show_code(visit: Here) -> Response:
    """The second step, for whoever has taken the first."""
    if not visit.is_half:
        return visit.go("/desk/sign-in")
    return _code_form(visit, next_page=visit.request.query_params.get("next", ""))


@desk.post("/sign-in-code", may=May.ENTER)
def do_code(visit: Here) -> Response:
    """Look at the code."""
    if not visit.is_half or visit.session_id is None:
        return visit.go("/desk/sign-in")
    code = visit.form.text("code")
    attempt = give_code(visit.database, visit.session_id, code, visit.where, now=visit.now)
    after = back_to(visit.form.text("next"))
    if attempt.outcome is Outcome.SIGNED_IN:
        return _come_in(visit, attempt, after)
    return _code_form(visit, next_page=after, fault=_fault(attempt, _WRONG_CODE))


@desk.post("/sign-out", may=May.WORK)
def sign_out(visit: Here) -> Response:
    """End this browser's session."""
    assert visit.session_id is not None
    with visit.database.write() as session:
        end_session(session, visit.session_id)
        account = session.get_one(Account, visit.me.id)
        audit.record(session, "account.sign_out", account, actor=visit.actor, now=clock.utc_now())
    visit.sign_out()
    return visit.go("/desk/sign-in", visit.words.gettext(N_("You are signed out.")))


def back_to(asked: str) -> str:
    """Where to go after signing in: a page of the desk, or the first one."""
    is_ours = asked == HOME or asked.startswith((f"{HOME}/", f"{HOME}?"))
    is_plain = (
        asked.isascii() and asked.isprintable() and not any(part in asked for part in ("//", "..", "\\"))
    )
    return asked if is_ours and is_plain and "/sign-" not in asked else HOME


def _come_in(visit: Visit, attempt: Attempt, after: str) -> Response:
    visit.switch(attempt.token)
    return visit.go(after)


def _fault(attempt: Attempt, refused: str) -> str:
    return _TOO_MANY if attempt.outcome is Outcome.TOO_MANY else refused


def _form(
    visit: Visit, *, next_page: str = "", address: str = "", fault: str = "", is_new: bool = False
) -> Response:
    status = 429 if fault == _TOO_MANY else 422 if fault else 200
    return visit.page(
        "sign_in.html",
        status=status,
        next_page=next_page,
        address=address[:254],
        fault=visit.words.gettext(fault) if fault else "",
        is_new=is_new,
    )


def _code_form(visit: Visit, *, next_page: str, fault: str = "") -> Response:
    status = 429 if fault == _TOO_MANY else 422 if fault else 200
    text = visit.words.gettext(fault) if fault else ""
    return visit.page("sign_in_code.html", status=status, next_page=next_page, fault=text)
