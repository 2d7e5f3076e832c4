"""Lists: how many people are on each, how people come to it, and the form for the paper's own site."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from digest import audit
from digest.accounts.mails import can_mail, tell_taken_away
from digest.accounts.rights import May
from digest.errors import InputError
from digest.i18n import N_
from digest.lists import counts, manage
from digest.lists.export import check_rows, export_list
from digest.lists.export_xlsx import MEDIA_TYPE, xlsx_pieces
from digest.lists.form import open_lists
from digest.lists.form_code import form_code
from digest.models import (
    Account,
    AccountRole,
    Digest,
    MailingList,
    NetworkRecord,
    OptIn,
    SubscriptionStatus,
    UncertainPolicy,
)
from digest.web.desk.stationery import stationery
from digest.web.desk.table import desk
from digest.web.desk.told import OPT_INS, STATUSES
from digest.web.desk.visit import HEADERS, Here, Visit

_NETWORKS: Final = {
    NetworkRecord.TRUNCATED: N_("its network only"),
    NetworkRecord.FULL: N_("the whole address"),
    NetworkRecord.NONE: N_("nothing"),
}
_UNCERTAIN: Final = {
    UncertainPolicy.HOLD: N_("show it to somebody, who decides"),
    UncertainPolicy.RESEND: N_("send it once more: they may get it twice"),
}


@desk.get("/lists", may=May.RUN_LISTS)
def show_lists(visit: Here) -> Response:
    """Every list with how many people are on it."""
    with visit.database.read() as session:
        found = counts.all_lists(session)
        titles = {row.name: row.title for row in session.execute(sa.select(Digest.name, Digest.title))}
    return visit.page("lists.html", lists=found, titles=titles)


@desk.get("/lists/new", may=May.RUN_LISTS)
def show_new_list(visit: Here) -> Response:
    """What the new list is called, and whose readers it has."""
    return _new(visit)


@desk.post("/lists/new", may=May.RUN_LISTS)
def add_list(visit: Here) -> Response:
    """Make a list of a digest; it is closed until somebody opens it."""
    form = visit.form
    try:
        with visit.database.write() as session:
            digest = _digest(session, form.number("digest", 0))
            made = manage.create_list(
                session, digest, name=form.text("name"), title=form.text("title"), now=visit.now
            )
            details = {"digest": digest.id, "uncertain_policy": made.uncertain_policy.value}
            audit.record(session, "list.create", made, actor=visit.actor, now=visit.now, details=details)
    except InputError as error:
        return _new(visit, fault=visit.told(error))
    said = N_("The list is there. It is closed: nobody can sign up yet.")
    return visit.go(f"/desk/lists/{made.id}", visit.words.gettext(said))


@desk.get("/lists/{list}", may=May.RUN_LIST)
def show_list(visit: Here, list: int) -> Response:  # noqa: A002  (the word of the guard)
    """One list: its people in numbers, its settings, the form to copy."""
    return _list(visit, list)


@desk.post("/lists/{list}", may=May.RUN_LIST)
def save_list(visit: Here, list: int) -> Response:  # noqa: A002
    """Another title, other ways to sign up."""
    try:
        with visit.database.write() as session:
            found = session.get_one(MailingList, list)
            changed = manage.set_list(found, _changes(visit, found))
            if changed:
                audit.record(session, "list.set", found, actor=visit.actor, now=visit.now, details=changed)
    except InputError as error:
        return _list(visit, list, fault=visit.told(error))
    return visit.go(f"/desk/lists/{list}", visit.words.gettext(N_("Saved.")))


@desk.post("/lists/{list}/open", may=May.RUN_LIST)
def open_or_close(visit: Here, list: int) -> Response:  # noqa: A002
    """Let anybody sign up by the public page, or nobody any more."""
    is_open = visit.form.is_ticked("open")
    with visit.database.write() as session:
        found = session.get_one(MailingList, list)
        changed = manage.set_list(found, manage.ListChanges(is_open=is_open))
        if changed:
            audit.record(session, "list.set", found, actor=visit.actor, now=visit.now, details=changed)
    said = N_("The list is open: anybody can sign up.") if is_open else N_("The list is closed now.")
    return visit.go(f"/desk/lists/{list}", visit.words.gettext(said))


@desk.post("/lists/{list}/file", may=May.RUN_LIST)
def take_people_away(visit: Here, list: int) -> Response:  # noqa: A002
    """The people of a list as CSV or spreadsheet, which an import reads back; the other admins are told."""
    asked = visit.form.text("status")
    statuses = [SubscriptionStatus(asked)] if asked in set(SubscriptionStatus) else []
    kind = "xlsx" if visit.form.text("format") == "xlsx" else "csv"
    if kind == "xlsx":
        with visit.database.read() as session:
            check_rows(session, list, statuses)
    with visit.database.write() as session:
        found = session.get_one(MailingList, list)
        me = session.get_one(Account, visit.me.id)
        told = tell_taken_away(session, me, stationery=stationery(visit), now=visit.now)
        details = {"statuses": [one.value for one in statuses], "format": kind, "told": told}
        audit.record(session, "list.export", found, actor=visit.actor, now=visit.now, details=details)
        name = found.name
    headers = {
        **HEADERS,
        "Content-Disposition": f'attachment; filename="{name}.{kind}"',
        "Cache-Control": "no-store",
    }
    body = export_list(visit.database, list, statuses=statuses)
    if kind == "xlsx":
        return StreamingResponse(xlsx_pieces(body), media_type=MEDIA_TYPE, headers=headers)
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=headers)


def _changes(visit: Visit, found: MailingList) -> manage.ListChanges:
    form = visit.form
    opt_in = _one_of(OptIn, form.text("opt_in"))
    if opt_in is OptIn.SINGLE and found.opt_in is not OptIn.SINGLE and not form.is_ticked("sure"):
        raise InputError(
            N_("With sign-ups that count at once anybody can sign up anybody else. Tick that you are sure.")
        )
    return manage.ListChanges(
        title=form.text("title"),
        uncertain_policy=_one_of(UncertainPolicy, form.text("uncertain")),
        opt_in=opt_in,
        welcomes_with_latest=form.is_ticked("latest"),
        network_record=_one_of(NetworkRecord, form.text("network")),
        network_days=form.number("days"),
        form_origins=form.text("origins").split(),
    )


def _one_of(kind: Any, text: str) -> Any:
    if text not in set(kind):
        raise InputError(N_("There is no such choice."))
    return kind(text)


def _list(visit: Visit, list_id: int, *, fault: str = "") -> Response:
    settings, words, form = visit.settings, visit.words, visit.form
    with visit.database.read() as session:
        found = counts.one_list(session, session.get_one(MailingList, list_id))
        digest = session.scalars(sa.select(Digest).where(Digest.name == found.digest)).one()
        offered = open_lists(session, [found.name])
        others = _other_admins(visit, session)
    code = (
        form_code(offered, public_url=settings.public_url, templates=settings.templates, now=visit.now)
        if offered
        else None
    )
    typed = {
        "title": form.text("title") or found.title,
        "origins": form.text("origins") if fault else "\n".join(found.form_origins),
        "days": form.text("days") or found.network_days,
        "opt_in": form.text("opt_in") or found.opt_in.value,
    }
    return visit.page(
        "list.html",
        status=422 if fault else 200,
        list=found,
        digest=digest,
        total=sum(found.people.values()),
        code=code,
        others=others,
        statuses=[(key.value, words.gettext(text)) for key, text in STATUSES.items()],
        typed=typed,
        fault=fault,
        opt_ins=[(key.value, words.gettext(text), "") for key, text in OPT_INS.items()],
        networks=[(key.value, words.gettext(text)) for key, text in _NETWORKS.items()],
        uncertain=[(key.value, words.gettext(text)) for key, text in _UNCERTAIN.items()],
    )


def _other_admins(visit: Visit, session: Session) -> int:
    """How many would be told if this person took the list away."""
    others = sa.select(sa.func.count()).select_from(Account)
    others = others.where(
        Account.role == AccountRole.ADMIN, Account.disabled_at.is_(None), Account.id != visit.me.id
    )
    return (session.scalar(others) or 0) if can_mail(session) else 0


def _new(visit: Visit, fault: str = "") -> Response:
    form = visit.form
    with visit.database.read() as session:
        digests = _digests(session)
    return visit.page(
        "list_new.html",
        status=422 if fault else 200,
        digests=digests,
        digest=form.text("digest"),
        name=form.text("name"),
        title=form.text("title"),
        fault=fault,
    )


def _digest(session: Session, digest_id: int) -> Digest:
    found = session.get(Digest, digest_id)
    if found is None:
        raise InputError(N_("Choose the digest that its people get."))
    return found


def _digests(session: Session) -> list[tuple[int, str]]:
    rows = session.execute(sa.select(Digest.id, Digest.title).order_by(Digest.title, Digest.id))
    return [(row.id, row.title) for row in rows]
