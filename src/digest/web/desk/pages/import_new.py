"""Bring the people of a file onto a list, step by step.

The file; what its columns are and how its people agreed; what would be done; doing it in the background.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.errors import InputError
from digest.i18n import N_
from digest.lists import import_drafts as drafts
from digest.lists.attributes import all_attributes
from digest.lists.import_drafts import Draft, DraftState
from digest.lists.import_files import open_parts
from digest.lists.import_look import FileLook, look_at
from digest.lists.import_order import ImportOrder, check_basis
from digest.lists.import_read import read_people
from digest.lists.import_run import fetched
from digest.lists.import_turns import ask_again
from digest.lists.import_undo import imports
from digest.lists.mappings import Meaning, parse_map
from digest.models import Attribute, Cadence, MailingList
from digest.web.desk.import_report import bad_lines, report_file
from digest.web.desk.import_words import (
    MEANINGS,
    PRODUCTS,
    STATE_TONES,
    STATES,
    field_options,
    told_counts,
)
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_MOST_BYTES: Final = 64 * 1024 * 1024  # a million people, as a table of addresses and names
_IN_MEMORY: Final = 1 << 22
_BEFORE: Final = 20
_LONGEST: Final = 19
_SHOWN: Final = 20
_COLUMN: Final = "column:"


@desk.get("/lists/{list}/import", may=May.RUN_LIST)
def show_import(visit: Here, list: int) -> Response:  # noqa: A002  (the word of the guard)
    """Which file; and what was imported before."""
    return _first(visit, list)


@desk.post("/lists/{list}/import", may=May.RUN_LIST, most_bytes=_MOST_BYTES, has_files=True)
def upload_file(visit: Here, list: int) -> Response:  # noqa: A002
    """Keep a file for a day, if there is a table in it."""
    upload = visit.form.files.get("file")
    if upload is None:
        return _first(visit, list, fault=visit.words.gettext(N_("Choose a file.")))
    name = upload.filename or ""
    try:
        look_at(upload.file, name)
    except InputError as error:
        return _first(visit, list, fault=visit.told(error))
    upload.file.seek(0)
    try:
        with visit.database.write() as session:
            made = drafts.keep_upload(
                session, upload.file, list_id=list, account_id=visit.me.id, file_name=name, now=visit.now
            )
    except InputError as error:
        return _first(visit, list, fault=visit.told(error))
    return visit.go(_step(list, made, "columns"))


@desk.get("/lists/{list}/import/columns", may=May.RUN_LIST)
def show_columns(visit: Here, list: int) -> Response:  # noqa: A002
    """What each column is taken for, and how these people agreed."""
    found = _draft(visit, list)
    if found.import_id is not None:
        return visit.go(f"/desk/imports/{found.import_id}")
    return _columns(visit, found)


@desk.post("/lists/{list}/import/columns", may=May.RUN_LIST)
def try_file(visit: Here, list: int) -> Response:  # noqa: A002
    """Have the file be tried, which writes nothing."""
    found = _draft(visit, list)
    try:
        asked = _asked(visit, found)
        _check(visit, asked)
    except InputError as error:
        return _columns(visit, found, fault=visit.told(error))
    with visit.database.write() as session:
        held = drafts.hold_draft(session, found.id)
        asked = replace(asked, report_id=held.report_id, import_id=held.import_id)
        drafts.ask_trial(session, asked, now=visit.now)
    return visit.go(_step(list, found.id, "trial"))


@desk.get("/lists/{list}/import/trial", may=May.RUN_LIST)
def show_trial(visit: Here, list: int) -> Response:  # noqa: A002
    """What would be done; until that is known, how far the trial is."""
    found = _draft(visit, list)
    if found.import_id is not None:
        return visit.go(f"/desk/imports/{found.import_id}")
    if found.state is DraftState.ASKED:
        return visit.go(_step(list, found.id, "columns"))
    ask_again(found, now=visit.now)
    with visit.database.read() as session:
        mailing_list = session.get_one(MailingList, list)
        bad = (
            bad_lines(session, found.report_id, _SHOWN)
            if found.report_id is not None and found.state is DraftState.TRIED and found.counts.get("bad")
            else []
        )
    return visit.page(
        "import_trial.html",
        part="trial",
        list=mailing_list,
        draft=found,
        step=partial(_step, list, found.id),
        counts=told_counts(found.counts, visit.words),
        bad=bad,
    )


@desk.get("/lists/{list}/import/lines", may=May.RUN_LIST)
def take_trial_lines(visit: Here, list: int) -> Response:  # noqa: A002
    """Each line that would not simply be added, with the reason, as CSV."""
    found = _draft(visit, list)
    return report_file(visit.database, found.report_id, f"lines-{found.id}.csv")


@desk.post("/lists/{list}/import/start", may=May.RUN_LIST)
def start_import(visit: Here, list: int) -> Response:  # noqa: A002
    """Import the file in the background: once, however often it is asked."""
    found = _draft(visit, list)
    key = visit.services.keys.address_key
    with visit.database.write() as session:
        number, _ = drafts.begin_import(session, found, actor=visit.actor, address_key=key, now=visit.now)
    return visit.go(f"/desk/imports/{number}")


@desk.post("/lists/{list}/import/drop", may=May.RUN_LIST)
def drop_file(visit: Here, list: int) -> Response:  # noqa: A002
    """Throw the file away."""
    found = _draft(visit, list)
    with visit.database.write() as session:
        drafts.drop_draft(session, drafts.hold_draft(session, found.id))
    return visit.go(
        f"/desk/lists/{list}/import", visit.words.gettext(N_("The file is gone. Nothing was imported."))
    )


def _draft(visit: Visit, list_id: int) -> Draft:
    """The file that is asked for, if this person brought it; raises NotFoundError, InputError for none."""
    asked = visit.request.query_params.get("file", "")
    if not (asked.isascii() and asked.isdecimal() and len(asked) < _LONGEST):
        raise InputError(visit.words.gettext(N_("Choose a file.")))
    with visit.database.read() as session:
        return drafts.own_draft(session, int(asked), list_id=list_id, account_id=visit.me.id)


def _step(list_id: int, draft_id: int, name: str) -> str:
    """The address of a step; the file is asked for there, as the list is what the guard is of."""
    return f"/desk/lists/{list_id}/import/{name}?file={draft_id}"


def _asked(visit: Visit, draft: Draft) -> Draft:
    """The draft with what the form says; raises InputError for what cannot be."""
    form = visit.form
    said = [
        f"{name.removeprefix(_COLUMN)}={value}"
        for name, value in form.pairs
        if name.startswith(_COLUMN) and value
    ]
    meaning, mapping = form.text("meaning"), form.text("mapping")
    return replace(
        draft,
        mapping=mapping,
        own_columns=parse_map(said),
        meaning=meaning if meaning in set(Meaning) else "",
        cadence_id=form.number("cadence", 0) or None,
        leavers_only=form.is_ticked("leavers"),
        basis=form.text("basis"),
        signed_by=visit.me.name if form.is_ticked("vouch") else "",
        language=visit.language,
    )


def _check(visit: Visit, draft: Draft) -> None:
    """Whether the file can be read so, and somebody answers for it; raises InputError with the sentence."""
    order = draft.order(visit.actor, visit.services.keys.address_key)
    with _file(visit, draft) as stream, visit.database.read() as session:
        check_basis(session, order)
        _check_cadence(session, order)
        read_people(session, open_parts(stream, draft.file_name), order, now=visit.now).check()


def _check_cadence(session: Session, order: ImportOrder) -> None:
    if order.cadence_id is None:
        return
    of_list = sa.select(MailingList.digest_id).where(MailingList.id == order.list_id).scalar_subquery()
    own = sa.select(Cadence.id).where(Cadence.id == order.cadence_id, Cadence.digest_id == of_list)
    if session.scalar(own) is None:
        raise InputError(N_("Choose how often they get it."))


@contextlib.contextmanager
def _file(visit: Visit, draft: Draft) -> Iterator[BinaryIO]:
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
        stream = fetched(visit.database, draft.file_print, spool)
        stream.seek(0)
        yield stream


def _first(visit: Visit, list_id: int, *, fault: str = "") -> Response:
    with visit.database.read() as session:
        mailing_list = session.get_one(MailingList, list_id)
        before = imports(session, list_id=list_id, limit=_BEFORE, after=None)
        waiting = drafts.own_drafts(session, list_id=list_id, account_id=visit.me.id, now=visit.now)
    return visit.page(
        "list_import.html",
        status=422 if fault else 200,
        list=mailing_list,
        before=before,
        waiting=[
            (
                each,
                _step(list_id, each.id, "trial" if each.state != DraftState.ASKED else "columns"),
                _step(list_id, each.id, "drop"),
            )
            for each in waiting
        ],
        states={key.value: visit.words.gettext(text) for key, text in STATES.items()},
        tones=STATE_TONES,
        most=_MOST_BYTES // (1024 * 1024),
        fault=fault,
    )


def _columns(visit: Visit, draft: Draft, *, fault: str = "") -> Response:
    asked, words = visit.request.query_params.get("from"), visit.words
    with visit.database.read() as session:
        mailing_list = session.get_one(MailingList, draft.list_id)
        attributes = all_attributes(session)
        cadences = _cadences(session, mailing_list.digest_id)
    mapping = visit.form.text("mapping") if visit.form.pairs else (asked if asked in dict(PRODUCTS) else None)
    if mapping is None and draft.state is not DraftState.ASKED:
        mapping = draft.mapping
    with _file(visit, draft) as stream:
        look = look_at(stream, draft.file_name, mapping)
    return visit.page(
        "import_columns.html",
        status=422 if fault else 200,
        list=mailing_list,
        draft=draft,
        look=look,
        step=partial(_step, draft.list_id, draft.id),
        columns=_told_columns(visit, draft, look, attributes),
        products=[(key, words.gettext(text)) for key, text in PRODUCTS],
        product=dict(PRODUCTS).get(look.mapping, ""),
        meanings=[
            ("", words.gettext(N_("as the file says"))),
            *((key.value, words.gettext(text)) for key, text in MEANINGS.items()),
        ],
        is_asked=any(table.meaning is None for table in look.tables),
        cadences=cadences,
        typed=_typed(visit, draft),
        fault=fault,
    )


def _told_columns(
    visit: Visit, draft: Draft, look: FileLook, attributes: list[Attribute]
) -> list[dict[str, Any]]:
    """The columns of the only table, each with what it may be said to be; of several nothing is asked."""
    if len(look.tables) > 1:
        return []
    given = dict(visit.form.pairs)
    return [
        {
            "name": column.name,
            "field": _COLUMN + column.name,
            "samples": column.samples,
            "options": field_options(column.usual, attributes, visit.words),
            "chosen": given.get(_COLUMN + column.name, draft.own_columns.get(column.name.lower(), "")),
            "is_read": column.usual is not None,
        }
        for column in look.tables[0].columns
    ]


def _typed(visit: Visit, draft: Draft) -> dict[str, Any]:
    """What stands in the fields: what was typed just now, else what was said before."""
    form = visit.form
    if not form.pairs:
        return {
            "basis": draft.basis,
            "vouch": bool(draft.signed_by),
            "meaning": draft.meaning,
            "leavers": draft.leavers_only,
            "cadence": draft.cadence_id or "",
        }
    texts = {name: form.text(name) for name in ("basis", "meaning", "cadence")}
    return {**texts, **{name: form.is_ticked(name) for name in ("vouch", "leavers")}}


def _cadences(session: Session, digest_id: int) -> list[tuple[int, str]]:
    rows = session.execute(
        sa.select(Cadence.id, Cadence.name).where(Cadence.digest_id == digest_id).order_by(Cadence.id)
    )
    return [(row.id, row.name) for row in rows]
