"""One import: how far it has come, what it did, going on with it, and taking it back."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from digest import audit
from digest.accounts.rights import May
from digest.i18n import N_
from digest.lists.import_run import import_by_id
from digest.lists.import_turns import ask_undo, go_on
from digest.models import Import, ImportState, MailingList
from digest.web.desk.import_report import report_file
from digest.web.desk.import_words import STATE_TONES, STATES, told_counts
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit


@desk.get("/imports/{import}", may=May.RUN_IMPORT)
def show_one_import(visit: Here) -> Response:
    """What one import does or did, and taking it back."""
    with visit.database.read() as session:
        row = import_by_id(session, _number(visit))
        title = session.get_one(MailingList, row.list_id).title
    return visit.page("import.html", part="run", row=row, title=title, **_told(visit, row))


@desk.get("/imports/{import}/lines", may=May.RUN_IMPORT)
def take_lines(visit: Here) -> Response:
    """Each line that was not simply added, with the reason, as CSV."""
    number = _number(visit)
    with visit.database.read() as session:
        report_id = import_by_id(session, number).report_id
    return report_file(visit.database, report_id, f"lines-{number}.csv")


@desk.post("/imports/{import}/go-on", may=May.RUN_IMPORT)
def go_on_with(visit: Here) -> Response:
    """Go on where an import ended half way."""
    number = _number(visit)
    with visit.database.write() as session:
        row = import_by_id(session, number)
        go_on(session, row, now=visit.now)
        audit.record(session, "list.import_resume", row, actor=visit.actor, now=visit.now)
    return visit.go(f"/desk/imports/{number}")


@desk.post("/imports/{import}/undo", may=May.RUN_IMPORT)
def take_back(visit: Here) -> Response:
    """End what the import made and nobody has changed since; that is done in the background."""
    number = _number(visit)
    with visit.database.write() as session:
        ask_undo(session, import_by_id(session, number), actor=visit.actor, now=visit.now)
    return visit.go(f"/desk/imports/{number}")


def _number(visit: Visit) -> int:
    return int(visit.request.path_params["import"])  # a word that no argument can have


def _told(visit: Visit, row: Import) -> dict[str, Any]:
    """What is so of an import, in words and figures."""
    is_undoing = row.undone_at is not None and row.state is not ImportState.UNDONE
    state = N_("is being taken back") if is_undoing else STATES[row.state]
    counts = row.counts
    moves = is_undoing or row.state is ImportState.RUNNING
    return {
        "state": visit.words.gettext(state),
        "tone": "warn" if is_undoing else STATE_TONES[row.state.value],
        "counts": told_counts(counts, visit.words),
        "is_undoing": is_undoing,
        "moves": moves,
        # Whoever is about to stop it reads what that means: nothing is exchanged under their hands.
        "polls": moves and not visit.request.query_params.get("stop"),
        "of_lines": max(int(row.mapping.get("lines") or 0), row.position),
        "added": counts.get("added", 0),
        "taken_back": counts.get("taken_back", 0),
        "stayed": counts.get("stayed", 0),
        "released": counts.get("released", 0),
        "barred": counts.get("barred", 0),
        "can_undo": row.state is not ImportState.UNDONE and not is_undoing,
    }
