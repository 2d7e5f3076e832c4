"""A post's picture as it is stored: what the site said, our copy of it, what went wrong in making one.

A new word from the site replaces the whole, so that a copy never outlives the picture it was made of.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from digest.feeds.picture_file import PictureCode, PictureFile
from digest.feeds.types import Picture

KIND: Final = "picture"  # of the files that copies are kept as
_FIRST_WAIT = dt.timedelta(minutes=15)
_LONGEST_WAIT = dt.timedelta(days=1)
_ENDINGS: Final = {"image/jpeg": "jpg", "image/png": "png"}
UNFINISHED: Final = "unfinished"
_BY_PAGE: Final = "page"
# With one of these there is nothing to be seen at the site's address either.
_NOTHING_THERE: Final = frozenset(
    {PictureCode.NOT_A_PICTURE.value, PictureCode.COUNTER.value, "http_404", "http_410"}
)

Stored = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PictureCopy:
    """Our own copy: its fingerprint is its name."""

    fingerprint: str
    media_type: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """What it is called in our addresses."""
        return f"{self.fingerprint}.{_ENDINGS[self.media_type]}"


def read_name(name: str) -> tuple[str, str] | None:
    """Fingerprint and media type of a copy's name; None if it is none."""
    fingerprint, _, ending = name.partition(".")
    kinds = {short: kind for kind, short in _ENDINGS.items()}
    is_hash = len(fingerprint) == 64 and set(fingerprint) <= set("0123456789abcdef")
    return (fingerprint, kinds[ending]) if is_hash and ending in kinds else None


def as_said(stored: Stored) -> Picture | None:
    """What the site's feed or record says of it; None of a picture that only the post's page names."""
    if stored.get("by") == _BY_PAGE:
        return None
    return Picture(stored["url"], stored.get("width"), stored.get("height"), stored.get("alt", ""))


def named_by_page(picture: Picture) -> dict[str, Any]:
    """A picture that the post's page names, for a post without one."""
    return {**asdict(picture), "by": _BY_PAGE}


def copy_of(stored: Stored) -> PictureCopy | None:
    """Our copy of the picture; None if there is none yet."""
    found = stored.get("copy")
    return PictureCopy(**found) if found else None


def is_broken(stored: Stored) -> bool:
    """Whether there is no picture to be seen at its address, as far as we know."""
    return stored.get("fault") in _NOTHING_THERE


def next_try(stored: Stored, tried_at: dt.datetime | None) -> dt.datetime | None:
    """When to try again to make a copy; None: at once. The waits grow with the faults in a row."""
    faults = int(stored.get("faults", 0))
    if tried_at is None or not faults:
        return None
    times: int = 4 ** min(faults - 1, 10)
    return tried_at + min(_FIRST_WAIT * times, _LONGEST_WAIT)


def begun(stored: Stored) -> dict[str, Any]:
    """While a copy is being made: if nobody comes back from that, it counts as a fault."""
    return {**stored, "faults": int(stored.get("faults", 0)) + 1, "fault": UNFINISHED}


def with_fault(stored: Stored, fault: str) -> dict[str, Any]:
    """After one that was begun has failed."""
    return {**stored, "fault": fault}


def with_copy(stored: Stored, made: PictureFile, fingerprint: str) -> dict[str, Any]:
    """After a copy was made."""
    copy = PictureCopy(fingerprint, made.media_type, made.width, made.height)
    kept = {key: value for key, value in stored.items() if key not in {"fault", "faults"}}
    return {**kept, "copy": asdict(copy)}
