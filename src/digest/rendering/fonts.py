"""The fonts of a theme: for headlines, for text, and for the small words around them.

Each stack has Armenian letters: Noto on Android and Linux, Sylfaen on Windows, Mshtakan at Apple. In an
Armenian mail they stand first, so that its Latin words do not come in another face than its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from digest.rendering.theme import Font


@dataclass(frozen=True, slots=True)
class Fonts:
    """Values of CSS's `font-family`: of headlines, of text, of the small words. Their quotes must stay."""

    display: str
    serif: str
    sans: str


_SERIF: Final = (
    "Georgia, Cambria, 'Times New Roman', Times, 'Noto Serif Armenian', Sylfaen, Mshtakan, serif",
    "'Noto Serif Armenian', Sylfaen, 'Noto Sans Armenian', Mshtakan, Georgia, serif",
)
_BOOK: Final = (
    "'Iowan Old Style', 'Palatino Linotype', Georgia, 'Noto Serif Armenian', Sylfaen, Mshtakan, serif",
    _SERIF[1],
)
_SANS: Final = (
    "'Helvetica Neue', Helvetica, Arial, 'Noto Sans Armenian', Sylfaen, Mshtakan, sans-serif",
    "Arial, 'Noto Sans Armenian', Sylfaen, Mshtakan, sans-serif",
)
_STACKS: Final = {
    Font.CLASSIC: (_SERIF, _SERIF),
    Font.BOOK: (_BOOK, _BOOK),
    Font.NEWS: (_SANS, _SERIF),
    Font.MODERN: (_SANS, _SANS),
}


def fonts_of(font: Font, language: str) -> Fonts:
    """The stacks of a family for a mail in a language."""
    kind = 1 if language.split("-", maxsplit=1)[0].lower() in {"hy", "hyw"} else 0
    display, text = _STACKS[font]
    return Fonts(display[kind], text[kind], _SANS[kind])
