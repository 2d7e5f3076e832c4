"""What a script asks of a mail's look: sides, slant, size. A mail's styles know no logical sides.

The fonts for each script are those of a theme: see `fonts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digest.i18n import direction, spoken


class Script(StrEnum):
    """The scripts that we set with care. Whatever runs from right to left is set as Arabic is."""

    LATIN = "latin"
    ARMENIAN = "armenian"
    ARABIC = "arabic"


@dataclass(frozen=True, slots=True)
class Sides:
    """Where a line starts and where it ends: `left` and `right`, or the reverse."""

    start: str
    end: str

    def box(self, top: int, end: int, bottom: int, start: int) -> str:
        """Four lengths for `padding` or `margin`, in the order that CSS wants."""
        right, left = (end, start) if self.start == "left" else (start, end)
        return " ".join(f"{length}px" if length else "0" for length in (top, right, bottom, left))


_ARABIC_SCALE: Final = 1.1


def script_of(language: str) -> Script:
    """The script that words in a language are set for."""
    if direction(language) == "rtl":
        return Script.ARABIC
    return Script.ARMENIAN if spoken(language) in {"hy", "hyw"} else Script.LATIN


def sides_of(way: str) -> Sides:
    """The sides for a direction, `ltr` or `rtl`."""
    return Sides("right", "left") if way == "rtl" else Sides("left", "right")


def turned(sides: Sides) -> Sides:
    """The sides of the other direction."""
    return Sides(sides.end, sides.start)


def slant_of(language: str) -> str:
    """`italic` where a script has it; Arabic letters are only pushed askew by it."""
    return "normal" if script_of(language) is Script.ARABIC else "italic"


def scale_of(language: str) -> float:
    """How much larger letters must be to be read as well: Arabic ones are small for their size."""
    return _ARABIC_SCALE if script_of(language) is Script.ARABIC else 1.0


def has_capitals(text: str) -> bool:
    """Whether words may be set in capitals and spaced.

    Not Armenian (the ligature եւ becomes two letters) and not Arabic, whose letters must touch.
    """
    return not any("\u0530" <= letter <= "\u08ff" for letter in text)
