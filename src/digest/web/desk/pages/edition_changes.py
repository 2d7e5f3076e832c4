"""What editors do to the stories and words of a coming edition. Each act can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions import shape
from digest.editions.meanwhile import ChangedMeanwhileError, Target, check_seen
from digest.editions.show import get_edition
from digest.errors import DigestError, InputError, NotFoundError, StateError
from digest.i18n import N_
from digest.models import Account, ChangeKind, Edition
from digest.web.desk.pages.editions import NOTHING, Typed, edition_page
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

Act = Callable[[Session, Edition, dict[str, Any]], object]
NO_STORY: Final = N_("There is no such story; open the page once more.")
_WORDS: Final = {
    "subject": ChangeKind.SUBJECT,
    "preheader": ChangeKind.PREHEADER,
    "intro": ChangeKind.INTRO,
    "note": ChangeKind.NOTE,
    "sign_off": ChangeKind.SIGN_OFF,
}


@desk.post("/editions/{edition}/place", may=May.EDIT_EDITION)
def place(visit: Here, edition: int) -> Response:
    """Put a story at a place; 0 is the featured one."""
    post, item = story_asked(visit)
    where = visit.form.number("place")

    def act(session: Session, found: Edition, by: dict[str, Any]) -> object:
        if item is not None:
            return shape.place_own(session, found, item, place=max(where, 1), **by)
        return shape.pin(session, found, post or 0, place=where, **by)

    return changed_edition(
        visit, edition, act, Target(ChangeKind.PIN, post, item), N_("The story has its place.")
    )


@desk.post("/editions/{edition}/unpin", may=May.EDIT_EDITION)
def unpin(visit: Here, edition: int) -> Response:
    """Keep a story at no place any more; it stands where the rules put it."""
    post, _ = story_asked(visit)
    return changed_edition(
        visit,
        edition,
        lambda session, found, by: shape.unpin(session, found, post or 0, **by),
        Target(ChangeKind.PIN, post),
        N_("The story is kept at no place any more; the rules say where it stands."),
    )


@desk.post("/editions/{edition}/drop", may=May.EDIT_EDITION)
def drop(visit: Here, edition: int) -> Response:
    """Keep a story out of this edition."""
    post, item = story_asked(visit)

    def act(session: Session, found: Edition, by: dict[str, Any]) -> object:
        if item is not None:
            return shape.place_own(session, found, item, is_dropped=True, **by)
        return shape.drop(session, found, post or 0, **by)

    said = N_("The story is out. It stays news for the next edition.")
    return changed_edition(visit, edition, act, Target(ChangeKind.DROP, post, item), said)


@desk.post("/editions/{edition}/include", may=May.EDIT_EDITION)
def include(visit: Here, edition: int) -> Response:
    """Have a story in though a rule leaves it out."""
    post, item = story_asked(visit)
    again = visit.form.is_ticked("again")

    def act(session: Session, found: Edition, by: dict[str, Any]) -> object:
        if item is not None:
            return shape.place_own(session, found, item, again=again, **by)
        return shape.include(session, found, post or 0, again=again, **by)

    return changed_edition(
        visit, edition, act, Target(ChangeKind.INCLUDE, post, item), N_("The story is in.")
    )


@desk.post("/editions/{edition}/rewrite", may=May.EDIT_EDITION)
def rewrite(visit: Here, edition: int) -> Response:
    """Give a story other words, in this mail alone."""
    post, item = story_asked(visit)
    form = visit.form
    fields: dict[str, Any] = {name: form.text(name) for name in ("title", "excerpt", "section")}
    if item is not None:
        fields["url"] = form.text("url")
    was = {name: form.text(f"was_{name}") for name in fields}
    changed: dict[str, Any] = {name: value for name, value in fields.items() if value != was[name]}
    if not changed:
        return _shown(visit, edition, N_("Nothing was changed."))
    return changed_edition(
        visit,
        edition,
        lambda session, found, by: shape.rewrite(
            session, found, changed, post_id=post, own_item_id=item, **by
        ),
        Target(ChangeKind.REWRITE, post, item),
        N_("The story is rewritten, for this mail alone."),
        mine=Typed(story=form.text("story"), **fields),
    )


@desk.post("/editions/{edition}/words", may=May.EDIT_EDITION)
def set_words(visit: Here, edition: int) -> Response:
    """The subject, the line beside it, or the words around the stories."""
    name = visit.form.text("words")
    kind = _WORDS.get(name)
    if kind is None:
        raise InputError(N_("There are no such words."))
    text = visit.form.raw("text").strip()
    return changed_edition(
        visit,
        edition,
        lambda session, found, by: shape.set_words(session, found, kind, text, **by),
        Target(kind),
        N_("It is written."),
        mine=Typed(words=name, text=text),
    )


@desk.post("/editions/{edition}/undo", may=May.EDIT_EDITION)
def undo(visit: Here, edition: int) -> Response:
    """Take a change back."""
    change = visit.form.number("change")
    return changed_edition(
        visit,
        edition,
        lambda session, found, by: shape.undo(session, found, change, **by),
        None,
        N_("The change is taken back."),
        is_checked=False,
    )


def changed_edition(
    visit: Visit,
    edition_id: int,
    act: Act,
    about: Target | None,
    done: str,
    *,
    mine: Typed = NOTHING,
    is_checked: bool = True,
) -> Response:
    """Make a change to what the editor saw; if somebody else changed the same meanwhile, show both."""
    seen = visit.form.text("seen") or None
    try:
        with visit.database.write() as session:
            edition = get_edition(session, edition_id)
            if is_checked:
                check_seen(session, edition, seen, about)
            act(session, edition, {"actor": visit.actor, "now": visit.now})
    except ChangedMeanwhileError as error:
        return edition_page(
            visit, edition_id, fault=_theirs(visit, error), mine=mine, status=_status(visit, 409)
        )
    except (InputError, StateError, NotFoundError) as error:
        return edition_page(
            visit, edition_id, fault=_plain(visit, error), mine=mine, status=_status(visit, 422)
        )
    return _shown(visit, edition_id, done)


def _shown(visit: Visit, edition_id: int, done: str) -> Response:
    """The board where htmx asks; else the page anew, by its own address."""
    words = visit.words.gettext(done)
    if visit.is_htmx:
        return edition_page(visit, edition_id, done=words)
    return visit.go(f"/desk/editions/{edition_id}", words)


def _status(visit: Visit, status: int) -> int:
    """An answer that is an error is not shown by htmx; the words on the board say it instead."""
    return 200 if visit.is_htmx else status


def _theirs(visit: Visit, error: ChangedMeanwhileError) -> str:
    words = visit.words
    if not error.theirs:
        return words.gettext(
            "The edition was locked anew meanwhile. Nothing of yours was changed; look once more."
        )
    last = error.theirs[-1]
    with visit.database.read() as session:
        account = session.get(Account, int(last.by[8:])) if last.by.startswith("account:") else None
    return words.gettext(
        "%(name)s changed the same a moment ago. Your change is not made yet; what you typed is below. "
        "Look at theirs, and say once more what you want.",
        name=account.name if account is not None else last.by,
    )


def _plain(visit: Visit, error: DigestError) -> str:
    return visit.told(error)


def story_asked(visit: Visit) -> tuple[int | None, int | None]:
    """The story that a form is about: the id of a post, or of one of the desk's own."""
    kind, _, number = visit.form.text("story").partition(":")
    if kind not in ("post", "item") or not (number.isascii() and number.isdecimal() and len(number) <= 18):
        raise InputError(NO_STORY)
    return (int(number), None) if kind == "post" else (None, int(number))
