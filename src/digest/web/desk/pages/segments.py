"""Segments: parts of a digest's readers by a rule, which is put together with a live count."""

from __future__ import annotations

import json
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.errors import InputError, StateError
from digest.i18n import N_
from digest.lists import segments
from digest.lists.segment_builder import Built, Group, Row, built_of, rule_of
from digest.lists.segments import Counted, count_rule
from digest.models import Cadence, Digest, Segment
from digest.web.desk.segment_form import Names, acted, chosen, names_of, shown
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_FIRST: Final = Built("all", (Group("all", (Row("list", "is"),)),))


@desk.get("/digests/{digest}/segments", may=May.RUN_SEGMENTS)
def show_segments(visit: Here, digest: int) -> Response:
    """Every part of a digest's readers, with what goes to it."""
    with visit.database.read() as session:
        found = session.get_one(Digest, digest)
        rows = [each for _, each in segments.segments_of(session, digest)]
        used = _used(session, digest)
    own = [each for each in rows if each.name != segments.EVERYBODY]
    return visit.page("segments.html", digest=found, segments=own, used=used)


@desk.get("/digests/{digest}/segments/new", may=May.RUN_SEGMENTS)
def show_new_segment(visit: Here, digest: int) -> Response:
    """A rule to be put together."""
    with visit.database.read() as session:
        return _page(visit, session, session.get_one(Digest, digest), None, built=_FIRST)


@desk.post("/digests/{digest}/segments/new", may=May.RUN_SEGMENTS)
def make_segment(visit: Here, digest: int) -> Response:
    """Save a rule under a name; or change its rows, or count whom it fits."""
    form = visit.form
    if form.text("act", "save") != "save":
        with visit.database.read() as session:
            return _shaped(visit, session, session.get_one(Digest, digest), None)
    try:
        with visit.database.write() as session:
            made = segments.add_segment(
                session,
                session.get_one(Digest, digest),
                name=form.text("name"),
                title=form.text("title"),
                rule=_rule(visit, names_of(session, digest)),
                actor=visit.actor,
                now=visit.now,
            )
            number = made.id
    except InputError as error:
        return _again(visit, digest, None, visit.told(error))
    return visit.go(f"/desk/segments/{number}", visit.words.gettext(N_("Saved.")))


@desk.get("/segments/{segment}", may=May.RUN_SEGMENT)
def show_segment(visit: Here, segment: int) -> Response:
    """One part of the readers, to be looked at and changed."""
    with visit.database.read() as session:
        found = session.get_one(Segment, segment)
        digest = session.get_one(Digest, found.digest_id)
        return _page(visit, session, digest, found, built=built_of(found.rule) if found.rule else _FIRST)


@desk.post("/segments/{segment}", may=May.RUN_SEGMENT)
def save_segment(visit: Here, segment: int) -> Response:
    """Another title, another rule; or change its rows, or count whom it fits."""
    form = visit.form
    with visit.database.read() as session:
        digest = session.get_one(Digest, session.get_one(Segment, segment).digest_id)
        if form.text("act", "save") != "save":
            return _shaped(visit, session, digest, session.get_one(Segment, segment))
    try:
        with visit.database.write() as session:
            found = session.get_one(Segment, segment)
            segments.set_segment(
                session,
                found,
                title=form.text("title"),
                rule=_rule(visit, names_of(session, found.digest_id)),
                actor=visit.actor,
                now=visit.now,
            )
    except InputError as error:
        return _again(visit, digest.id, segment, visit.told(error))
    return visit.go(f"/desk/segments/{segment}", visit.words.gettext(N_("Saved.")))


@desk.post("/segments/{segment}/remove", may=May.RUN_SEGMENT)
def remove_segment(visit: Here, segment: int) -> Response:
    """Forget a rule, unless something goes to it."""
    with visit.database.read() as session:
        found = session.get_one(Segment, segment)
        digest_id, used = found.digest_id, _used(session, found.digest_id).get(segment, [])
    if used:
        fault = visit.words.gettext(
            N_("It stays: %(rhythms)s goes to it. Choose there first whom it goes to."),
            rhythms=", ".join(used),
        )
        return _again(visit, digest_id, segment, fault, status=409)
    try:
        with visit.database.write() as session:
            segments.remove_segment(
                session, session.get_one(Segment, segment), actor=visit.actor, now=visit.now
            )
    except StateError as error:
        return _again(visit, digest_id, segment, visit.told(error), status=409)
    return visit.go(
        f"/desk/digests/{digest_id}/segments",
        visit.words.gettext(N_("It is gone. Its people stay where they are.")),
    )


def _used(session: Session, digest_id: int) -> dict[int, list[str]]:
    """The rhythms that go to a segment, by it."""
    found: dict[int, list[str]] = {}
    rows = session.execute(
        sa.select(Cadence.segment_id, Cadence.name)
        .where(Cadence.digest_id == digest_id)
        .order_by(Cadence.name)
    )
    for segment_id, name in rows:
        if segment_id is not None:
            found.setdefault(segment_id, []).append(name)
    return found


def _rule(visit: Visit, names: Names) -> str:
    """The rule as text: written by hand, or of the rows."""
    if visit.form.text("written"):
        return visit.form.text("written")
    return json.dumps(rule_of(chosen(visit.form, names.kinds), names.kinds))


def _shaped(visit: Visit, session: Session, digest: Digest, segment: Segment | None) -> Response:
    """The form with its rows changed, and how many people they fit now."""
    names = names_of(session, digest.id)
    form = visit.form
    built = None if form.text("written") else acted(chosen(form, names.kinds), form.text("act"))
    fault, counted = "", None
    try:
        rule = form.text("written") or json.dumps(rule_of(built or Built(), names.kinds))
        counted = count_rule(session, digest.id, rule, now=visit.now)
    except InputError as error:
        fault = visit.told(error)
    return _page(
        visit, session, digest, segment, built=built, counted=counted, count_fault=fault, names=names
    )


def _again(
    visit: Visit, digest_id: int, segment_id: int | None, fault: str, *, status: int = 422
) -> Response:
    """The page once more, with everything that was typed."""
    with visit.database.read() as session:
        digest = session.get_one(Digest, digest_id)
        segment = session.get_one(Segment, segment_id) if segment_id else None
        names = names_of(session, digest_id)
        is_typed = any(name.endswith("what") for name, _ in visit.form.pairs)
        built = chosen(visit.form, names.kinds) if is_typed else None
        if built is None and segment is not None and not visit.form.text("written"):
            built = built_of(segment.rule)
        return _page(
            visit,
            session,
            digest,
            segment,
            built=built,
            fault=visit.words.gettext(fault),
            status=status,
            names=names,
        )


def _page(
    visit: Visit,
    session: Session,
    digest: Digest,
    segment: Segment | None,
    *,
    built: Built | None,
    counted: Counted | None = None,
    count_fault: str = "",
    fault: str = "",
    status: int = 200,
    names: Names | None = None,
) -> Response:
    names = names or names_of(session, digest.id)
    form = visit.form
    here = f"/desk/segments/{segment.id}" if segment else f"/desk/digests/{digest.id}/segments/new"
    typed: dict[str, Any] = {
        "title": form.text("title") or (segment.title if segment else ""),
        "name": form.text("name"),
        "written": form.text("written")
        or (json.dumps(segment.rule, ensure_ascii=False, indent=1) if segment and built is None else ""),
    }
    return visit.page(
        "segment.html",
        part="count" if visit.request.query_params.get("part") == "count" else "builder",
        status=status,
        digest=digest,
        segment=segment,
        here=here,
        mode=built.mode if built else "all",
        groups=shown(built, names, visit.words) if built else [],
        by_hand=built is None,
        counted=counted,
        count_fault=count_fault,
        used=_used(session, digest.id).get(segment.id, []) if segment else [],
        typed=typed,
        fault=fault,
    )
