"""How a digest looks: its theme, tried on its coming edition while it is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions.look import LARGEST, changed_look, set_look
from digest.editions.one_mail import one_mail
from digest.errors import DigestError, InputError
from digest.i18n import N_
from digest.models import Cadence, Digest, Edition, EditionState
from digest.rendering import theme
from digest.rendering.contexts import TextSize
from digest.rendering.theme_form import SOCIAL, flat
from digest.web.desk import frame
from digest.web.desk.look_form import (
    COLOURS,
    PICTURES,
    SHARE_NAMES,
    Contrast,
    colour_fields,
    contrasts,
    given_in,
    named,
    typed_of,
)
from digest.web.desk.pages.edition_preview import mail_as_seen
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_COLOURS: Final = ("accent", "accent_dark", *COLOURS)
LAYOUTS: Final = (
    (theme.Layout.PAPER.value, N_("Paper: the featured story, then the headlines")),
    (theme.Layout.BRIEFING.value, N_("Briefing: the headlines, then the featured story")),
)
FONTS: Final = (
    (theme.Font.CLASSIC.value, N_("classic: serifs throughout")),
    (theme.Font.BOOK.value, N_("book: serifs of an old style")),
    (theme.Font.NEWS.value, N_("news: headlines without serifs")),
    (theme.Font.MODERN.value, N_("modern: no serifs at all")),
)
LINES: Final = (
    (theme.Rules.DOUBLE.value, N_("double")),
    (theme.Rules.THIN.value, N_("thin")),
    (theme.Rules.HEAVY.value, N_("heavy")),
    (theme.Rules.NONE.value, N_("none")),
)
TIMES: Final = (
    (theme.TimeForm.ABSOLUTE.value, N_("weekday and hour, with the place")),
    (theme.TimeForm.RELATIVE.value, N_("how long ago")),
)


@desk.get("/digests/{digest}/look", may=May.SEE_DIGEST)
def show_look(visit: Here, digest: int) -> Response:
    """The theme beside the coming edition; where colours are asked about, how well they are read."""
    return _shown(visit, digest)


@desk.get("/digests/{digest}/look/preview", may=May.SEE_DIGEST, in_frame=True)
def try_look(visit: Here, digest: int) -> Response:
    """The coming edition in the look that is asked for; nothing is kept."""
    asked = visit.request.query_params
    is_dark = asked.get("scheme") == "dark"
    with visit.database.read() as session:
        found = session.get_one(Digest, digest)
        edition_id = _coming(session, digest)
    try:
        if edition_id is None:
            raise InputError(N_("There is no coming edition to show it on."))
        mail = one_mail(
            visit.database,
            edition_id,
            size=TextSize.NORMAL,
            public_url=visit.settings.public_url,
            templates=visit.settings.templates,
            now=visit.now,
            look=changed_look(found.look or {}, _asked(visit, found)) if "layout" in asked else None,
        )
    except DigestError as error:
        told = visit.told(named(error) if isinstance(error, InputError) else error)
        return frame.answer(frame.note(visit, f"<p>{escape(told)}</p>", is_dark=is_dark))
    return frame.answer(mail_as_seen(mail, is_dark=is_dark, has_pictures=True))


@desk.post("/digests/{digest}/look", may=May.EDIT_DIGEST, most_bytes=3 * LARGEST + 100_000, has_files=True)
async def save_look(visit: Here, digest: int) -> Response:
    """Keep it; a picture is made smaller and stored anew, whatever its file was called."""
    files = {name: file for name, file in visit.form.files.items() if name in PICTURES}
    pictures: dict[str, bytes] = {name: await file.read(LARGEST + 1) for name, file in files.items()}
    try:
        await visit.services.in_turn(_keep, visit, digest, pictures)
    except InputError as error:
        return await run_in_threadpool(_shown, visit, digest, visit.told(named(error)))
    said = N_("The look is kept. It counts for every edition that is not locked yet.")
    return visit.go(f"/desk/digests/{digest}/look", visit.words.gettext(said))


def _keep(visit: Visit, digest_id: int, pictures: Mapping[str, bytes]) -> None:
    form = visit.form
    with visit.database.write() as session:
        found = session.get_one(Digest, digest_id)
        there = flat(found.look or {})
        gone = [name for name in PICTURES if form.is_ticked(f"no_{name}") and name not in pictures]
        kept = {name for name in PICTURES if f"{name}.file" in there and name not in gone} | pictures.keys()
        set_look(
            session,
            found,
            given=given_in(form.text, form.texts, there=sorted(kept)),
            unset=[name for name in gone if f"{name}.file" in there],
            pictures=pictures,
            actor=visit.actor,
            now=visit.now,
        )


def _asked(visit: Visit, digest: Digest) -> dict[str, Any]:
    """The values that the address has."""
    asked, there = visit.request.query_params, flat(digest.look or {})
    pictures = [name for name in PICTURES if f"{name}.file" in there]
    return given_in(asked.get, asked.getlist, there=pictures)


def _coming(session: Session, digest_id: int) -> int | None:
    return session.scalar(
        sa.select(Edition.id)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Cadence.digest_id == digest_id, Edition.state == EditionState.UPCOMING)
        .order_by(Edition.send_at, Edition.id)
        .limit(1)
    )


def _shown(visit: Visit, digest_id: int, fault: str = "") -> Response:
    with visit.database.read() as session:
        found = session.get_one(Digest, digest_id)
    stored = flat(found.look or {})
    typed = typed_of(given_in(visit.form.text, visit.form.texts, there=PICTURES) if fault else stored)
    words, asked = visit.words, visit.request.query_params
    offered = (("layouts", LAYOUTS), ("fonts", FONTS), ("lines", LINES), ("times", TIMES))
    choices: dict[str, Any] = {
        name: [(key, words.gettext(text)) for key, text in options] for name, options in offered
    }
    colours: list[tuple[Contrast, Contrast]] = []
    colour_fault = ""
    try:
        colours = contrasts(typed | {name: asked[name] for name in _COLOURS if name in asked})
    except InputError as error:
        colour_fault = visit.told(named(error))
    return visit.page(
        "digest_look.html",
        part="contrasts",
        status=422 if fault else 200,
        fault=fault,
        digest=found,
        typed=typed,
        pictures={name: f"{name}.file" in stored for name in PICTURES},
        schemes=[
            (key, [(name, words.gettext(text), usual) for name, text, usual in fields])
            for key, fields in colour_fields()
        ],
        networks=list(SOCIAL.items()),
        shares=[(key, words.gettext(text)) for key, text in SHARE_NAMES.items()],
        contrasts=[(words.gettext(day.what), day, dark) for day, dark in colours],
        colour_fault=colour_fault,
        **choices,
    )
