"""A digest's theme: shown, changed, and its pictures taken in. Steps: they never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from digest import audit
from digest.errors import InputError, Word
from digest.feeds.picture_file import PictureCode, PictureError, PictureFile, mail_picture
from digest.i18n import N_
from digest.lists.kept_pictures import keep_file
from digest.models import Digest
from digest.rendering.theme import Look
from digest.rendering.theme_form import checked, flat, read_look

LARGEST: Final = 5_000_000  # bytes of a picture's file
_KINDS: Final = ("JPEG", "PNG", "GIF")
_TWICE: Final = 2  # pixels of the file for each one shown: screens are fine today
_SENTENCES: Final = {
    PictureCode.NOT_A_PICTURE: N_(
        "The %(what)s is no PNG, JPEG or GIF that can be read; mail programs show no SVG or WebP."
    ),
    PictureCode.TOO_MANY_PIXELS: N_(
        "The %(what)s has too many pixels; make it smaller, 1,200 across are plenty."
    ),
    PictureCode.COUNTER: N_("The %(what)s is so small that nobody could see it."),
}


@dataclass(frozen=True, slots=True)
class Box:
    """The most pixels at which a picture is shown."""

    width: int
    height: int


# What a theme shows, by name: a logo beside the date, a sponsor's picture within its panel.
BOXES: Final[Mapping[str, Box]] = {
    "logo": Box(400, 110),
    "logo_dark": Box(400, 110),
    "sponsor.picture": Box(480, 300),
}

_CALLED: Final = {
    "logo": N_("logo"),
    "logo_dark": N_("logo dark"),
    "sponsor.picture": N_("sponsor's picture"),
}


def look_of(digest: Digest, *, public_url: str = "") -> Look:
    """A digest's theme; whatever it leaves out has its default. Its pictures lie at `public_url`."""
    return read_look(digest.look or {}, public_url=public_url)


def changed_look(
    stored: Mapping[str, Any], given: Mapping[str, Any], unset: Iterable[str] = ()
) -> dict[str, Any]:
    """A stored theme with some values set and some taken out: `unset` names a value, or a group of them.

    Raises InputError for an unknown name, a wrong value, and colours in which words could not be read.
    """
    values = dict(flat(stored))
    for name in unset:
        gone = [key for key in values if key == name or key.startswith(f"{name}.")]
        if not gone:
            there = ", ".join(values) or "none yet"
            raise InputError(
                N_("The theme has no value %(name)r to unset; it has: %(there)s."),
                name=name[:60],
                there=there,
            )
        for key in gone:
            del values[key]
    made = checked(values | flat(given))
    read_look(made)
    return made


def set_look(
    session: Session,
    digest: Digest,
    *,
    given: Mapping[str, Any],
    unset: Iterable[str] = (),
    pictures: Mapping[str, bytes] | None = None,
    anew: bool = False,
    actor: str,
    now: dt.datetime,
) -> None:
    """Change a digest's theme; `anew` drops all that it has but its pictures first.

    `pictures` are files by the names of BOXES. What is locked already keeps its look.
    """
    kept = {
        name: value
        for name, value in flat(digest.look or {}).items()
        if not anew or name.rpartition(".")[0] in BOXES
    }
    values = dict(given)
    for name, data in (pictures or {}).items():
        values |= _taken_in(session, name, data, now=now)
    digest.look = changed_look(kept, values, unset)
    session.flush()
    audit.record(session, "digest.look", digest, actor=actor, now=now, details={"look": dict(digest.look)})


def _taken_in(session: Session, name: str, data: bytes, *, now: dt.datetime) -> dict[str, Any]:
    """A picture as values of the theme. Its file stays for good: mails that show it are read for years."""
    box = BOXES[name]
    made = theme_picture(data, box, what=name)
    _, copy = keep_file(session, made, until=None, now=now)
    width, height = shown_size(made, box)
    return {f"{name}.file": copy.name, f"{name}.width": width, f"{name}.height": height}


def theme_picture(data: bytes, box: Box, *, what: str) -> PictureFile:
    """The file for a theme: twice as fine as it is shown. Raises InputError with a sentence."""
    if len(data) > LARGEST:
        raise InputError(
            N_("The %(what)s has more than %(most)s MB; make it smaller: 1,200 pixels across are plenty."),
            what=Word(_CALLED[what]),
            most=LARGEST // 1_000_000,
        )
    try:
        return mail_picture(data, box=(box.width * _TWICE, box.height * _TWICE), kinds=_KINDS)
    except PictureError as error:
        raise InputError(_SENTENCES[error.code], what=Word(_CALLED[what])) from None


def shown_size(made: PictureFile, box: Box) -> tuple[int, int]:
    """At how many pixels a file is shown: half of its own, or all of them where it has too few for that."""
    half = made.width > box.width or made.height > box.height
    share = _TWICE if half else 1
    return max(1, round(made.width / share)), max(1, round(made.height / share))
