"""The do-not-mail list: who is on it and why, put one on, take one off, take it away as a file."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response, StreamingResponse

from digest import audit
from digest.accounts.rights import May
from digest.addresses import parse_domain
from digest.db import Database
from digest.errors import InputError
from digest.i18n import N_
from digest.lists import suppress
from digest.lists.status import Origin
from digest.lists.suppression_export import export_suppressions
from digest.models import Suppression, SuppressionCause, SuppressionKind
from digest.web.desk.table import desk
from digest.web.desk.told import CAUSES
from digest.web.desk.visit import HEADERS, Here, Visit

_PAGE = 50


@desk.get("/do-not-mail", may=May.RUN_LISTS)
def show_do_not_mail(visit: Here) -> Response:
    """The newest first, fifty at a time."""
    return _page(visit)


@desk.post("/do-not-mail", may=May.RUN_LISTS)
def put_on(visit: Here) -> Response:
    """Put an address or a domain on the list."""
    form, key = visit.form, visit.services.keys.address_key
    target, reason = form.text("target"), form.text("reason") or "asked to"
    try:
        cause = _cause(form.text("cause"))
        with visit.database.write() as session:
            if "@" in target:
                made = suppress.suppress_address(
                    session, key, target, reason=reason, cause=cause, source=Origin.DESK, now=visit.now
                )
            else:
                made = suppress.suppress_domain(
                    session, target, reason=reason, cause=cause, source=Origin.DESK, now=visit.now
                )
            if made is not None:
                details = {"kind": made.kind.value, "cause": made.cause.value}
                audit.record(
                    session, "suppression.add", made, actor=visit.actor, now=visit.now, details=details
                )
    except InputError as error:
        return _page(visit, fault=visit.told(error))
    said = N_("It is on the do-not-mail list now.") if made else N_("It was on the do-not-mail list already.")
    return visit.go("/desk/do-not-mail", visit.words.gettext(said))


@desk.post("/do-not-mail/off", may=May.RUN_LISTS)
def take_off(visit: Here) -> Response:
    """Take an address or a domain off the list; it puts nobody back on a mailing list."""
    target = visit.form.text("off")
    try:
        with visit.database.write() as session:
            if "@" in target:
                found = suppress.release_address(session, visit.services.keys.address_key, target)
            else:
                found = suppress.release_domain(session, parse_domain(target))
            if found is not None:
                details = {"kind": found.kind.value}
                audit.record(
                    session, "suppression.remove", found, actor=visit.actor, now=visit.now, details=details
                )
    except InputError as error:
        return _page(visit, off_fault=visit.told(error))
    if found is None:
        return _page(visit, off_fault=visit.words.gettext(N_("It was not on the list.")))
    said = N_("It is off the do-not-mail list. It is put back on no mailing list by that.")
    return visit.go("/desk/do-not-mail", visit.words.gettext(said))


@desk.post("/do-not-mail/file", may=May.RUN_LISTS)
def take_list_away(visit: Here) -> Response:
    """All of it as CSV: it holds the addresses that are on record."""
    with visit.database.write() as session:
        audit.record(session, "suppression.export", Suppression(), actor=visit.actor, now=visit.now)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="do-not-mail.csv"'}
    body = _rows(visit.database)
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=headers)


def _rows(database: Database) -> Iterator[bytes | str]:
    with database.read() as session:
        yield from export_suppressions(session)


def _page(visit: Visit, *, fault: str = "", off_fault: str = "") -> Response:
    query, words = visit.request.query_params, visit.words
    asked_kind, asked_cause = query.get("kind", ""), query.get("cause", "")
    kind = SuppressionKind(asked_kind) if asked_kind in set(SuppressionKind) else None
    cause = SuppressionCause(asked_cause) if asked_cause in set(SuppressionCause) else None
    text = query.get("after", "")
    after = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
    with visit.database.read() as session:
        rows = suppress.page(session, limit=_PAGE + 1, after=after, kind=kind, cause=cause)
    causes = [(key.value, words.gettext(label)) for key, label in CAUSES.items()]
    return visit.page(
        "do_not_mail.html",
        part="rows",
        status=422 if fault or off_fault else 200,
        rows=rows[:_PAGE],
        kind=kind.value if kind else "",
        cause=cause.value if cause else "",
        causes=causes,
        labels=dict(causes),
        typed={name: visit.form.text(name) for name in ("target", "reason", "cause", "off")},
        fault=fault,
        off_fault=off_fault,
        next_url=visit.url(after=rows[_PAGE - 1].id) if len(rows) > _PAGE else "",
        first_url=visit.url(after=None) if after else "",
    )


def _cause(text: str) -> SuppressionCause:
    if text not in set(SuppressionCause):
        raise InputError(N_("There is no such cause."))
    return SuppressionCause(text)
