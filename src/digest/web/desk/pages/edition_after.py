"""After an edition went out: its page put right, a correction of a story, failures tried once more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.accounts.trail import actors
from digest.deliveries import control
from digest.deliveries.answers import Answer
from digest.deliveries.control import Failed
from digest.deliveries.recipients import failed_groups
from digest.editions import amend
from digest.editions.correct import CORRECTABLE, MadeAlreadyError, Wrong
from digest.editions.correct import correct as correct_story
from digest.editions.page_again import Paper, list_amendments
from digest.editions.show import digest_of, edition_line, get_edition
from digest.editions.states import PUBLIC
from digest.editions.stories import story_of
from digest.errors import InputError, NotFoundError, StateError
from digest.i18n import N_
from digest.lists.had_story import readers_by_story
from digest.models import Amendment, AmendmentKind, Edition, Item, Role
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

# So long an editor can still look at a correction, and hold it, unless they want it at once.
_TO_LOOK: Final = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Righted:
    """A story that went out, what was put right about it, and how many have it."""

    number: int
    title: str
    excerpt: str
    is_featured: bool
    is_down: bool
    people: int
    said: tuple[Amendment, ...]


@dataclass(frozen=True, slots=True)
class Typed:
    """What an editor typed that could not be taken."""

    story: int = 0
    act: str = ""
    note: str = ""
    title: str = ""
    excerpt: str = ""
    subject: str = ""


@desk.get("/editions/{edition}/put-right", may=May.EDIT_EDITION)
def show_put_right(visit: Here, edition: int) -> Response:
    """Its stories, each with what was put right, and what can be."""
    return _page(visit, edition)


@desk.post("/editions/{edition}/amend", may=May.EDIT_EDITION)
def amend_page(visit: Here, edition: int) -> Response:
    """Put a note beside a story on the page, or take the story down."""
    form, paper = visit.form, _paper(visit)
    story, act = form.number("story"), form.text("act")
    by: dict[str, Any] = {"actor": visit.actor, "now": visit.now}

    def change(session: Session, found: Edition) -> str:
        if act == "down":
            amend.take_down(session, found, story, paper, **by)
            return N_("The story is off the page; a sentence says so.")
        amend.add_note(session, found, story, form.text("note"), paper, **by)
        return N_("The note stands beside the story.")

    return _changed(visit, edition, change, Typed(story, "note", note=form.text("note")))


@desk.post("/editions/{edition}/amend/undo", may=May.EDIT_EDITION)
def undo_amend(visit: Here, edition: int) -> Response:
    """Take a note or a taking down back."""
    number = visit.form.number("amendment")

    def change(session: Session, found: Edition) -> str:
        amend.undo_amendment(session, found, number, _paper(visit), actor=visit.actor, now=visit.now)
        return N_("It is taken back: the page is as it was.")

    return _changed(visit, edition, change, Typed())


@desk.post("/editions/{edition}/correction", may=May.EDIT_EDITION)
def send_correction(visit: Here, edition: int) -> Response:
    """Make the correction of one story, for those who had it; it can be looked at before it goes out."""
    form = visit.form
    story = form.number("story")
    typed = Typed(story, "mail", *(form.text(name) for name in ("note", "title", "excerpt", "subject")))
    due_at = visit.now if form.text("when") == "now" else visit.now + _TO_LOOK
    try:
        with visit.database.write() as session:
            found = get_edition(session, edition)
            was = {one.number: one for one in _righted(session, found)}.get(story)
            wrong = Wrong(
                story,
                typed.note,
                subject=typed.subject,
                title=typed.title if was and typed.title != was.title else None,
                excerpt=typed.excerpt if was and typed.excerpt.split() != was.excerpt.split() else None,
            )
            made = correct_story(session, found, wrong, due_at=due_at, actor=visit.actor, now=visit.now)
            people, made_id = control.count_waiting(session, made), made.id
    except MadeAlreadyError as error:
        said = visit.words.gettext(N_("This correction was made a moment ago; it is not sent twice."))
        return visit.go(f"/desk/editions/{error.edition_id}", said, kind="note")
    except (InputError, StateError) as error:
        fault = visit.told(error)
        if not typed.note:
            fault = visit.words.gettext(N_("Say what was wrong, in one sentence for the readers."))
        return _page(visit, edition, fault, typed, status=422)
    said = visit.words.ngettext(
        "This correction goes to %(count)s person who has the story, and to nobody else.",
        "This correction goes to the %(count)s people who have the story, and to nobody else.",
        people,
    )
    return visit.go(f"/desk/editions/{made_id}", said)


@desk.post("/editions/{edition}/retry", may=May.EDIT_EDITION)
def retry(visit: Here, edition: int) -> Response:
    """Try once more with those who failed: with all, or with those whose answers mean one thing."""
    kind = visit.form.text("answer")
    with visit.database.write() as session:
        which = _those(session, edition, kind) if kind else None
        found = get_edition(session, edition)
        people = (
            0
            if kind and which is None
            else control.retry(session, found, which, actor=visit.actor, now=visit.now)
        )
    if not people:
        return visit.go(_url(edition), visit.words.gettext(N_("Nobody has failed in that way any more.")))
    said = visit.words.ngettext(
        "%(count)s person is tried once more.",
        "%(count)s people are tried once more.",
        people,
    )
    return visit.go(_url(edition), said)


def _those(session: Session, edition_id: int, kind: str) -> Failed | None:
    """Whoever failed by answers that mean the same; None if nobody did."""
    if kind not in set(Answer):
        raise InputError(N_("There is no such answer."))
    groups = {group.answer: group for group in failed_groups(session, edition_id)}
    found = groups.get(Answer(kind))
    return Failed(replies=[one.reply_id for one in found.given]) if found is not None else None


def _changed(
    visit: Visit, edition_id: int, change: Callable[[Session, Edition], str], typed: Typed
) -> Response:
    try:
        with visit.database.write() as session:
            said = change(session, get_edition(session, edition_id))
    except (InputError, StateError, NotFoundError) as error:
        fault = visit.told(error)
        if typed.act == "note" and not typed.note:
            fault = visit.words.gettext(N_("Say what was wrong, in one sentence for the readers."))
        return _page(visit, edition_id, fault, typed, status=422)
    return visit.go(f"{_url(edition_id)}/put-right", visit.words.gettext(said))


def _page(
    visit: Visit, edition_id: int, fault: str = "", typed: Typed | None = None, *, status: int = 200
) -> Response:
    with visit.database.read() as session:
        line, edition = edition_line(session, edition_id), get_edition(session, edition_id)
        stories = _righted(session, edition) if edition.revision_id is not None else ()
        title = digest_of(session, edition).title
        names = dict(actors(session))
    return visit.page(
        "edition_put_right.html",
        status=status,
        edition=line,
        title=title,
        stories=stories,
        has_page=line.state in PUBLIC,
        may_mail=line.state in CORRECTABLE,
        down=AmendmentKind.TAKEN_DOWN,
        page_url=f"{visit.settings.public_url}/e/{edition.public_id}",
        names=names,
        typed=typed or Typed(),
        fault=fault,
        minutes=_TO_LOOK.seconds // 60,
    )


def _righted(session: Session, edition: Edition) -> tuple[Righted, ...]:
    items = session.scalars(
        sa.select(Item).where(Item.revision_id == edition.revision_id).order_by(Item.position)
    ).all()
    said = list_amendments(session, edition.id)
    people = readers_by_story(session, edition)
    found = []
    for number, item in enumerate(items, start=1):
        story, own = story_of(item.story), tuple(one for one in said if one.position == item.position)
        is_down = any(one.kind is AmendmentKind.TAKEN_DOWN and one.undone_at is None for one in own)
        is_featured = item.role is Role.FEATURED
        count = people.get(item.position, 0)
        found.append(Righted(number, story.title, story.excerpt, is_featured, is_down, count, own))
    return tuple(found)


def _paper(visit: Visit) -> Paper:
    return Paper(visit.settings.public_url, visit.settings.templates)


def _url(edition_id: int) -> str:
    return f"/desk/editions/{edition_id}"
