"""Who did what: to be read, and to be taken away as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Final

from starlette.responses import Response, StreamingResponse

from digest.accounts.rights import May
from digest.accounts.trail import PAGE, actors, read_trail, whole_trail
from digest.db import Database
from digest.i18n import N_
from digest.web.desk.act_words import act_in_words, thing_in_words
from digest.web.desk.detail_words import details_in_words
from digest.web.desk.table import desk
from digest.web.desk.visit import HEADERS, Here, Visit

KINDS: Final = (
    ("", N_("everything")),
    ("edition.", N_("editions")),
    ("digest.", N_("digests")),
    ("source.", N_("sources")),
    ("subscriber.", N_("subscribers")),
    ("list.", N_("lists")),
    ("account.", N_("people")),
    ("transport.", N_("mail services")),
)
_HEADS: Final = ("at", "actor", "name", "action", "target", "id", "details")


@desk.get("/trail", may=May.RUN_PEOPLE)
def show_trail(visit: Here) -> Response:
    """The newest first, fifty at a time."""
    actor, action, before = _asked(visit)
    with visit.database.read() as session:
        lines = read_trail(session, before=before, actor=actor, action=action, limit=PAGE + 1)
        people = actors(session)
    next_url = visit.url(before=lines[PAGE - 1].id) if len(lines) > PAGE else ""
    return visit.page(
        "trail.html",
        part="rows",
        lines=lines[:PAGE],
        people=people,
        act=partial(act_in_words, words=visit.words),
        more=partial(details_in_words, words=visit.words),
        thing=partial(thing_in_words, words=visit.words),
        kinds=[(key, visit.words.gettext(text)) for key, text in KINDS],
        actor=actor,
        action=action,
        next_url=next_url,
        first_url=visit.url(before=None) if before else "",
    )


@desk.get("/trail.csv", may=May.RUN_PEOPLE)
def export_trail(visit: Here) -> Response:
    """All that is asked for, as CSV."""
    actor, action, _ = _asked(visit)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="trail.csv"'}
    body = _rows(visit.database, actor, action)
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=headers)


def _asked(visit: Visit) -> tuple[str, str, int | None]:
    query = visit.request.query_params
    before = query.get("before", "")
    number = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    return query.get("actor", "")[:120], query.get("action", "")[:60], number


def _rows(database: Database, actor: str, action: str) -> Iterator[str]:
    yield _line(_HEADS)
    with database.read() as session:
        for each in whole_trail(session, actor=actor, action=action):
            details = json.dumps(each.details, ensure_ascii=False, sort_keys=True)
            target = "" if each.target_id is None else str(each.target_id)
            moment = each.at.isoformat(timespec="seconds")
            yield _line((moment, each.actor, each.who, each.action, each.target_kind, target, details))


def _line(cells: tuple[str, ...]) -> str:
    """One row; what a table program would take for a formula is made a text."""
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in cells])
    return out.getvalue()
