"""A picture of the desk's own for one edition: any file that is one, made small and bare, and kept with us.

Making it takes time and memory and needs no database: it is done before the transaction begins.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from sqlalchemy.orm import Session

from digest.errors import InputError
from digest.feeds.picture_file import PictureCode, PictureError, PictureFile, mail_picture
from digest.i18n import N_
from digest.lists.kept_pictures import keep_file

LARGEST: Final = 8_000_000  # bytes of the file that is handed in
_KEPT: Final = dt.timedelta(days=90)  # until an edition is locked with it; from then on for years
_KINDS: Final = ("JPEG", "PNG", "GIF", "WEBP")
_TOO_LARGE: Final = N_("The picture has more than 8 MB; make it smaller: 1,200 pixels across are plenty.")
_SENTENCES: Final = {
    PictureCode.NOT_A_PICTURE: N_(
        "The picture is no PNG, JPEG, GIF or WebP that can be read; SVG is not taken."
    ),
    PictureCode.TOO_MANY_PIXELS: N_(
        "The picture has too many pixels; make it smaller: 1,200 pixels across are plenty."
    ),
    PictureCode.COUNTER: N_("The picture is so small that nobody could see it."),
}


def made_for_mail(data: bytes) -> PictureFile:
    """The file for the mail: by its content, whatever it is called. Raises InputError with a sentence."""
    if len(data) > LARGEST:
        raise InputError(_TOO_LARGE)
    try:
        return mail_picture(data, kinds=_KINDS)
    except PictureError as error:
        raise InputError(_SENTENCES[error.code]) from None


def keep_picture(
    session: Session, made: PictureFile, *, public_url: str, alt: str, now: dt.datetime
) -> dict[str, Any]:
    """Keep a file that was made; the picture as a change or an own item holds it."""
    _, copy = keep_file(session, made, until=now + _KEPT, now=now)
    return {
        "url": f"{public_url.rstrip('/')}/p/{copy.name}",
        "alt": " ".join(alt.split())[:500],
        "width": made.width,
        "height": made.height,
    }
