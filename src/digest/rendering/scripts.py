"""What a script asks of a mail's look: fonts, sides, slant. A mail's styles know no logical sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from digest.i18n import direction, spoken


@dataclass(frozen=True, slots=True)
class Fonts:
    """Two font stacks, as CSS writes them. The first font that a client has is taken."""

    serif: str
    sans: str


@dataclass(frozen=True, slots=True)
class Sides:
    """Where a line starts and where it ends: `left` and `right`, or the reverse."""

    start: str
    end: str

    def box(self, top: int, end: int, bottom: int, start: int) -> str:
        """Four lengths for `padding` or `margin`, in the order that CSS wants."""
        right, left = (end, start) if self.start == "left" else (start, end)
        return " ".join(f"{length}px" if length else "0" for length in (top, right, bottom, left))


# Every stack has a font with Armenian letters for Windows (Sylfaen), Apple (Mshtakan) and all others (Noto),
# as names of people and places stand in any mail.
_LATIN: Final = Fonts(
    "Georgia, Cambria, 'Times New Roman', Times, 'Noto Serif Armenian', Sylfaen, Mshtakan, serif",
    "'Helvetica Neue', Helvetica, Arial, 'Noto Sans Armenian', Sylfaen, sans-serif",
)
_ARMENIAN: Final = Fonts(
    "'Noto Serif Armenian', Sylfaen, 'Noto Sans Armenian', Mshtakan, Georgia, serif",
    "Arial, 'Noto Sans Armenian', Sylfaen, Mshtakan, sans-serif",
)
# Georgia has no Arabic letters; what a client puts in their place is small and tight.
_ARABIC: Final = Fonts(
    "'Noto Naskh Arabic', 'Geeza Pro', 'Traditional Arabic', 'Times New Roman', 'Noto Serif Armenian', "
    "Sylfaen, serif",
    "'Segoe UI', Tahoma, 'Geeza Pro', 'Noto Sans Arabic', Arial, 'Noto Sans Armenian', Sylfaen, sans-serif",
)


_ARABIC_SCALE: Final = 1.1


def fonts_of(language: str) -> Fonts:
    """The font stacks for a language."""
    if direction(language) == "rtl":
        return _ARABIC
    return _ARMENIAN if spoken(language) in {"hy", "hyw"} else _LATIN


def sides_of(way: str) -> Sides:
    """The sides for a direction, `ltr` or `rtl`."""
    return Sides("right", "left") if way == "rtl" else Sides("left", "right")


def turned(sides: Sides) -> Sides:
    """The sides of the other direction."""
    return Sides(sides.end, sides.start)


def slant_of(language: str) -> str:
    """`italic` where a script has it; Arabic letters are only pushed askew by it."""
    return "normal" if direction(language) == "rtl" else "italic"


def scale_of(language: str) -> float:
    """How much larger letters must be to be read as well: Arabic ones are small for their size."""
    return _ARABIC_SCALE if direction(language) == "rtl" else 1.0


def has_capitals(text: str) -> bool:
    """Whether words may be set in capitals and spaced.

    Not Armenian (the ligature եւ becomes two letters) and not Arabic, whose letters must touch.
    """
    return not any("\u0530" <= letter <= "\u08ff" for letter in text)
