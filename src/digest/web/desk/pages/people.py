"""The people of the desk: who they are, what they may do, how they come and go."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.leave import belongings_of, leave
from digest.accounts.mails import Sent, invite, mail_reset
from digest.accounts.own import switch_codes_off
from digest.accounts.people import (
    add_account,
    digests_of,
    enable,
    get_account,
    set_digests,
    set_role,
)
from digest.accounts.rights import May
from digest.accounts.sessions import end_sessions
from digest.errors import InputError
from digest.i18n import N_
from digest.models import Account, AccountRole, Digest
from digest.web.desk.stationery import stationery
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_MAILED: Final = N_("A link is on its way to them by mail.")
_NOT_MAILED: Final = N_("No mail can be sent yet. Give them this link yourself; it works once:")


@desk.get("/people", may=May.RUN_PEOPLE)
def show_people(visit: Here) -> Response:
    """Everybody, those who are shut out last."""
    with visit.database.read() as session:
        query = sa.select(Account).order_by(Account.disabled_at.is_not(None), Account.name, Account.id)
        found = list(session.scalars(query))
    return visit.page("people.html", people=found)


@desk.get("/people/new", may=May.RUN_PEOPLE)
def show_new(visit: Here) -> Response:
    """Whom to invite."""
    with visit.database.read() as session:
        return _new(visit, session)


@desk.post("/people/new", may=May.RUN_PEOPLE)
def add_person(visit: Here) -> Response:
    """Add a person and invite them."""
    form = visit.form
    try:
        with visit.database.write() as session:
            account = add_account(
                session,
                address=form.text("address"),
                name=form.text("name"),
                role=_role(form.text("role")),
                actor=visit.actor,
                now=visit.now,
            )
            set_digests(session, account, form.numbers("digest"), actor=visit.actor, now=visit.now)
            sent = invite(session, account, by=visit.me.name, stationery=stationery(visit), now=visit.now)
    except InputError as error:
        with visit.database.read() as session:
            return _new(visit, session, fault=visit.told(error))
    _tell(visit, sent)
    return visit.go(f"/desk/people/{account.id}")


@desk.get("/people/{account}", may=May.RUN_PERSON)
def show_person(visit: Here, account: int) -> Response:
    """One of them, with all that may be done."""
    with visit.database.read() as session:
        person = get_account(session, account)
        others = sa.select(Account).where(Account.disabled_at.is_(None), Account.id != account)
        return visit.page(
            "person.html",
            person=person,
            digests=_digests(session),
            chosen=digests_of(session, account),
            had=belongings_of(session, person, now=visit.now),
            heirs=[(each.id, each.name) for each in session.scalars(others.order_by(Account.name))],
            is_me=account == visit.me.id,
        )


@desk.post("/people/{account}", may=May.RUN_PERSON)
def save_person(visit: Here, account: int) -> Response:
    """Another role, other digests."""
    with visit.database.write() as session:
        person = get_account(session, account)
        set_role(session, person, _role(visit.form.text("role")), actor=visit.actor, now=visit.now)
        set_digests(session, person, visit.form.numbers("digest"), actor=visit.actor, now=visit.now)
    return visit.go(f"/desk/people/{account}", visit.words.gettext(N_("Saved.")))


@desk.post("/people/{account}/link", may=May.RUN_PERSON)
def send_link(visit: Here, account: int) -> Response:
    """Invite once more, or mail a link for another password."""
    with visit.database.write() as session:
        person = get_account(session, account)
        if person.disabled_at is not None:
            raise InputError(N_("Let them in again first."))
        sent = (
            invite(session, person, by=visit.me.name, stationery=stationery(visit), now=visit.now)
            if person.password_hash is None
            else mail_reset(session, person, stationery=stationery(visit), now=visit.now)
        )
    _tell(visit, sent)
    return visit.go(f"/desk/people/{account}")


@desk.post("/people/{account}/codes-off", may=May.RUN_PERSON)
def take_codes(visit: Here, account: int) -> Response:
    """For somebody who has lost their telephone and their recovery codes."""
    with visit.database.write() as session:
        person = get_account(session, account)
        switch_codes_off(session, person, actor=visit.actor, stationery=stationery(visit), now=visit.now)
    return visit.go(f"/desk/people/{account}", visit.words.gettext(N_("They are asked for no code now.")))


@desk.post("/people/{account}/sign-out", may=May.RUN_PERSON)
def sign_out_everywhere(visit: Here, account: int) -> Response:
    """End all their sessions."""
    with visit.database.write() as session:
        end_sessions(session, account)
    return visit.go(f"/desk/people/{account}", visit.words.gettext(N_("They are signed out everywhere.")))


@desk.post("/people/{account}/leave", may=May.RUN_PERSON)
def let_leave(visit: Here, account: int) -> Response:
    """They leave the paper; what is left to do by hand is listed on the page that follows."""
    heirs = visit.form.numbers("heir")
    with visit.database.write() as session:
        person = get_account(session, account)
        heir = get_account(session, heirs[0]) if heirs else None
        had = leave(session, person, heir=heir, actor=visit.actor, now=visit.now)
    return visit.page("person_left.html", person=person, had=had, heir=heir)


@desk.post("/people/{account}/back", may=May.RUN_PERSON)
def let_back(visit: Here, account: int) -> Response:
    """Let somebody in again: by a new invitation, for what they had is gone."""
    with visit.database.write() as session:
        person = get_account(session, account)
        enable(session, person, actor=visit.actor, now=visit.now)
        sent = invite(session, person, by=visit.me.name, stationery=stationery(visit), now=visit.now)
    _tell(visit, sent)
    return visit.go(f"/desk/people/{account}")


def _new(visit: Visit, session: Session, fault: str = "") -> Response:
    form = visit.form
    return visit.page(
        "person_new.html",
        status=422 if fault else 200,
        digests=_digests(session),
        chosen=form.numbers("digest"),
        name=form.text("name"),
        address=form.text("address"),
        role=form.text("role") or AccountRole.EDITOR.value,
        fault=fault,
    )


def _tell(visit: Visit, sent: Sent) -> None:
    if sent.is_mailed:
        visit.say("good", visit.words.gettext(_MAILED))
    else:
        visit.say("note", f"{visit.words.gettext(_NOT_MAILED)} {sent.url}")


def _digests(session: Session) -> list[Digest]:
    return list(session.scalars(sa.select(Digest).order_by(Digest.title, Digest.id)))


def _role(text: str) -> AccountRole:
    if text not in set(AccountRole):
        raise InputError(N_("There is no such role."))
    return AccountRole(text)
