"""What the desk brings to one edition itself: a story of its own, and pictures for this mail alone."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions import shape
from digest.editions.meanwhile import Target
from digest.editions.own_pictures import LARGEST, keep_picture, made_for_mail
from digest.editions.own_story import add_story
from digest.errors import InputError
from digest.feeds.picture_file import PictureFile
from digest.i18n import N_
from digest.models import ChangeKind, Edition
from digest.web.desk.pages.edition_changes import changed_edition, story_asked
from digest.web.desk.pages.editions import Typed, edition_page
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

NEW: Final = "new"  # in place of a story's key, while it has none
_BODY: Final = LARGEST + 200_000


@desk.post("/editions/{edition}/own", may=May.EDIT_EDITION, most_bytes=_BODY, has_files=True)
async def add_own(visit: Here, edition: int) -> Response:
    """Put a story of the desk's own into this edition alone."""
    data = await _file(visit)
    return await visit.services.in_turn(_added, visit, edition, data)


@desk.post("/editions/{edition}/picture", may=May.EDIT_EDITION, most_bytes=_BODY, has_files=True)
async def set_picture(visit: Here, edition: int) -> Response:
    """Give a story another picture in this mail alone, or none, or other words for who does not see it."""
    data = await _file(visit)
    return await visit.services.in_turn(_pictured, visit, edition, data)


async def _file(visit: Visit) -> bytes:
    """The picture that came along; empty if none did."""
    upload = visit.form.files.get("file")
    return b"" if upload is None else await run_in_threadpool(upload.file.read, LARGEST + 1)


def _added(visit: Visit, edition_id: int, data: bytes) -> Response:
    form = visit.form
    title, excerpt, url, section = (form.text(name) for name in ("title", "excerpt", "url", "section"))
    mine = Typed(story=NEW, title=title, excerpt=excerpt, url=url, section=section)
    try:
        made = made_for_mail(data) if data else None
    except InputError as error:
        return _refused(visit, edition_id, error, mine)
    place = 1 if form.text("where") == "top" else None

    def act(session: Session, found: Edition, by: dict[str, Any]) -> object:
        return add_story(
            session,
            found,
            title=title,
            excerpt=excerpt,
            url=url,
            section=section,
            picture=_kept(visit, session, made),
            place=place,
            **by,
        )

    return changed_edition(
        visit,
        edition_id,
        act,
        Target(ChangeKind.OWN_ITEM),
        N_("The story is in, in this mail alone."),
        mine=mine,
    )


def _pictured(visit: Visit, edition_id: int, data: bytes) -> Response:
    form = visit.form
    post, item = story_asked(visit)
    mine = Typed(story=f"picture:{form.text('story')}", title=form.text("alt"))
    is_none = form.text("way") == "none"
    try:
        made = made_for_mail(data) if data and not is_none else None
    except InputError as error:
        return _refused(visit, edition_id, error, mine)
    if made is None and not is_none and not form.text("was_url"):
        return _refused(visit, edition_id, InputError(_NO_FILE), mine)

    def act(session: Session, found: Edition, by: dict[str, Any]) -> object:
        picture: Any = ""
        if made is not None:
            picture = _kept(visit, session, made)
        elif not is_none:
            picture = _as_it_is(visit)
        return shape.rewrite(session, found, {"picture": picture}, post_id=post, own_item_id=item, **by)

    said = N_("It has no picture in this mail.") if is_none else N_("It has its picture, in this mail alone.")
    return changed_edition(visit, edition_id, act, Target(ChangeKind.REWRITE, post, item), said, mine=mine)


_NO_FILE: Final = N_("Choose a file with a picture first.")


def _as_it_is(visit: Visit) -> dict[str, Any]:
    """The picture that it has, with other words."""
    form = visit.form
    sides = {side: form.number(f"was_{side}", 0) or None for side in ("width", "height")}
    url = form.text("was_url")
    if url.startswith("/p/"):  # our own copy of the site's picture
        url = f"{visit.settings.public_url.rstrip('/')}{url}"
    return {"url": url, "alt": form.text("alt"), **sides}


def _kept(visit: Visit, session: Session, made: PictureFile | None) -> dict[str, Any] | None:
    if made is None:
        return None
    alt = visit.form.text("alt")
    return keep_picture(session, made, public_url=visit.settings.public_url, alt=alt, now=visit.now)


def _refused(visit: Visit, edition_id: int, error: InputError, mine: Typed) -> Response:
    """The page with what is wrong, and what was typed in its place."""
    status = 200 if visit.is_htmx else 422
    return edition_page(visit, edition_id, fault=visit.told(error), mine=mine, status=status)
