"""The mail itself, in a frame in which nothing runs and from which nothing leads."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from starlette.responses import Response

from digest.accounts.rights import May
from digest.accounts.visible import allows
from digest.editions.as_reader import NOT_AMONG, mail_for
from digest.editions.audience import audience_samples
from digest.editions.notes import OWN_WORDS
from digest.editions.one_mail import OneMail, one_mail
from digest.editions.shape import INTRO_LIMIT
from digest.editions.show import get_edition
from digest.errors import DigestError, NotFoundError, StateError
from digest.models import ChangeKind
from digest.rendering.contexts import TextSize
from digest.rendering.previews import View, as_seen, in_scheme
from digest.web.desk import frame
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit


@desk.get("/editions/{edition}/preview", may=May.SEE_EDITION, in_frame=True)
def show_preview(visit: Here, edition: int) -> Response:
    """One mail as somebody reads it: by `view`, `size`, `scheme`, `pictures`, `name`, `as`, `version`."""
    return _shown(visit, edition, visit.request.query_params)


@desk.post("/editions/{edition}/preview", may=May.EDIT_EDITION, in_frame=True)
def try_words(visit: Here, edition: int) -> Response:
    """The same with words around the stories that are being written. Nothing is kept."""
    form = visit.form
    asked = dict(form.pairs)
    tried = {kind: form.raw(kind.value).strip()[:INTRO_LIMIT] for kind in OWN_WORDS if kind.value in asked}
    return _shown(visit, edition, asked, tried)


def _shown(
    visit: Visit, edition: int, asked: Mapping[str, str], tried: Mapping[ChangeKind, str] | None = None
) -> Response:
    is_dark = asked.get("scheme") == "dark"
    size = TextSize.LARGE if asked.get("size") == "large" else TextSize.NORMAL
    version = asked.get("version", "")
    try:
        if (reader := _reader(visit, edition, asked.get("as", ""))) is not None and not tried:
            mail = mail_for(
                visit.database,
                edition,
                reader,
                public_url=visit.settings.public_url,
                templates=visit.settings.templates,
                now=visit.now,
            )
            return _as_asked(visit, mail, asked, is_dark=is_dark)
        mail = one_mail(
            visit.database,
            edition,
            size=size,
            name=asked.get("name", "")[:100],
            public_url=visit.settings.public_url,
            templates=visit.settings.templates,
            now=visit.now,
            version=int(version) if version.isascii() and version.isdecimal() and len(version) < 6 else None,
            tried=tried,
        )
    except (StateError, DigestError) as error:
        said = visit.told(error)
        sentence = escape(said[:1].upper() + said[1:])
        return frame.answer(frame.note(visit, f"<p>{sentence}</p>", is_dark=is_dark))
    return _as_asked(visit, mail, asked, is_dark=is_dark)


def _as_asked(visit: Visit, mail: OneMail, asked: Mapping[str, str], *, is_dark: bool) -> Response:
    if asked.get("view") == "text":
        return frame.answer(frame.note(visit, f"<pre>{escape(mail.text)}</pre>", is_dark=is_dark))
    return frame.answer(mail_as_seen(mail, is_dark=is_dark, has_pictures=asked.get("pictures") != "no"))


def _reader(visit: Visit, edition_id: int, asked: str) -> int | None:
    """Whose mail is asked for: of anybody by an admin, by others of the three whom the page names."""
    if not (asked.isascii() and asked.isdecimal() and len(asked) <= 18):
        return None
    if not allows(visit.me, May.SEE_READERS):
        with visit.database.read() as session:
            named = audience_samples(session, get_edition(session, edition_id))
        if int(asked) not in {one.subscriber_id for one in named}:
            raise NotFoundError(NOT_AMONG)
    return int(asked)


def mail_as_seen(mail: OneMail, *, is_dark: bool, has_pictures: bool) -> str:
    """The mail as a program shows it."""
    view = View("desk", 600, is_dark=is_dark, has_pictures=has_pictures)
    return in_scheme(as_seen(mail.html, view), is_dark=is_dark)
