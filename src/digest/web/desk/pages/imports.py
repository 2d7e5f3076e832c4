"""Bring the people of a file onto a list: tried first, then done, and taken back if it was wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.responses import Response

from digest import audit
from digest.accounts.rights import May
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.import_order import ImportOrder, ImportReport
from digest.lists.import_run import import_by_id, import_subscribers
from digest.lists.import_undo import imports, undo
from digest.lists.mappings import parse_map
from digest.models import ImportState, MailingList
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

# What a browser brings while somebody waits; larger files by the command line.
_MOST_BYTES: Final = 16 * 1024 * 1024
_SHOWN: Final = 50
_COUNTS: Final = {
    "lines": N_("lines in the file"),
    "added": N_("new on the list"),
    "known": N_("on it already"),
    "left": N_("had left or were erased, and stay so"),
    "suppressed": N_("on the do-not-mail list, and not brought"),
    "repeated": N_("stood in the file before"),
    "ended": N_("left there, and are ended here"),
    "barred": N_("put on the do-not-mail list"),
    "unconfirmed": N_("never agreed there, and not brought"),
    "offices": N_("addresses of offices such as info@, worth a look"),
    "bad": N_("lines that cannot be used"),
}
_STATES: Final = {
    ImportState.RUNNING: N_("is running"),
    ImportState.DONE: N_("done"),
    ImportState.FAILED: N_("ended half way"),
    ImportState.UNDONE: N_("taken back"),
}


@desk.get("/lists/{list}/import", may=May.RUN_LIST)
def show_import(visit: Here, list: int) -> Response:  # noqa: A002  (the word of the guard)
    """What file, on what basis; and what was imported before."""
    return _form(visit, list)


@desk.post("/lists/{list}/import", may=May.RUN_LIST, most_bytes=_MOST_BYTES, has_files=True)
def import_file(visit: Here, list: int) -> Response:  # noqa: A002
    """Try a file, which writes nothing, or bring its people."""
    is_trial = visit.form.text("act") != "import"
    try:
        upload = visit.form.files.get("file")
        order = _order(visit, list, upload.filename or "" if upload else None)
        assert upload is not None  # or there is no order
        report = import_subscribers(
            visit.database, upload.file, replace(order, is_dry_run=is_trial), now=visit.now
        )
    except InputError as error:
        return _form(visit, list, fault=str(error))
    if report.import_id is None:
        return _form(visit, list, report=report)
    with visit.database.write() as session:
        row = import_by_id(session, report.import_id)
        details = {"lines": report.lines, "added": report.added}
        audit.record(session, "list.import", row, actor=visit.actor, now=visit.now, details=details)
    return visit.go(f"/desk/imports/{report.import_id}", visit.words.gettext(N_("The file is imported.")))


@desk.get("/imports/{import}", may=May.RUN_IMPORT)
def show_one_import(visit: Here) -> Response:
    """What one import did, and taking it back."""
    with visit.database.read() as session:
        row = import_by_id(session, _number(visit))
        title = session.get_one(MailingList, row.list_id).title
    return visit.page(
        "import.html",
        row=row,
        title=title,
        state=visit.words.gettext(_STATES[row.state]),
        counts=_told(visit, row.counts),
        can_undo=row.state is not ImportState.UNDONE,
    )


@desk.post("/imports/{import}/undo", may=May.RUN_IMPORT)
def take_back(visit: Here) -> Response:
    """End what the import made and nobody has changed since."""
    number = _number(visit)
    found = undo(visit.database, number, actor=visit.actor, now=visit.now)
    with visit.database.write() as session:
        row = import_by_id(session, number)
        details = {"ended": found.ended, "kept": found.changed_since, "released": found.released}
        audit.record(session, "list.import_undo", row, actor=visit.actor, now=visit.now, details=details)
    said = visit.words.ngettext(
        "It is taken back: %(count)s subscription has ended.",
        "It is taken back: %(count)s subscriptions have ended.",
        found.ended,
    )
    return visit.go(f"/desk/imports/{number}", said)


def _number(visit: Visit) -> int:
    return int(visit.request.path_params["import"])  # a word that no argument can have


def _order(visit: Visit, list_id: int, file_name: str | None) -> ImportOrder:
    if file_name is None:
        raise InputError(visit.words.gettext(N_("Choose a file.")))
    form = visit.form
    return ImportOrder(
        list_id,
        form.text("basis"),
        visit.actor,
        visit.services.keys.address_key,
        file_name=file_name,
        mapping=form.text("mapping") or None,
        own_columns=parse_map([line for line in form.text("columns").splitlines() if line.strip()]),
    )


def _form(visit: Visit, list_id: int, *, fault: str = "", report: ImportReport | None = None) -> Response:
    with visit.database.read() as session:
        mailing_list = session.get_one(MailingList, list_id)
        before = imports(session, list_id=list_id, limit=20, after=None)
    counts = {name: getattr(report, name) for name in _COUNTS} if report else {}
    return visit.page(
        "list_import.html",
        status=422 if fault else 200,
        list=mailing_list,
        before=before,
        states={key.value: visit.words.gettext(text) for key, text in _STATES.items()},
        report=report,
        counts=_told(visit, counts),
        bad=report.bad_lines[:_SHOWN] if report else (),
        typed={name: visit.form.text(name) for name in ("basis", "mapping", "columns")},
        fault=fault,
    )


def _told(visit: Visit, counts: dict[str, int]) -> list[tuple[str, int]]:
    """What was counted, in words; the lines always, of the rest what there was."""
    return [
        (visit.words.gettext(label), counts.get(name, 0))
        for name, label in _COUNTS.items()
        if counts.get(name) or name == "lines"
    ]
