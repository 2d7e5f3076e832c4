"""The fonts of a theme: for headlines, for text, and for the small words around them.

Each stack has Armenian letters, as names of people and places stand in any mail: Noto on Android and Linux,
Sylfaen on Windows, Mshtakan at Apple. In an Armenian mail they stand first, so that its Latin words do not
come in another face than its own. Georgia and Helvetica have no Arabic letters, and what a client puts in
their place is small and tight: an Arabic mail names fonts that have them and are there: Geeza Pro at Apple,
Segoe UI, Tahoma and Arial on Windows, Noto on Linux and Android.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from digest.rendering.scripts import Script, script_of
from digest.rendering.theme import Font


@dataclass(frozen=True, slots=True)
class Fonts:
    """Values of CSS's `font-family`: of headlines, of text, of the small words. Their quotes must stay."""

    display: str
    serif: str
    sans: str


_SERIF: Final = {
    Script.LATIN: (
        "Georgia, Cambria, 'Times New Roman', Times, 'Noto Serif Armenian', Sylfaen, Mshtakan, serif"
    ),
    Script.ARMENIAN: "'Noto Serif Armenian', Sylfaen, 'Noto Sans Armenian', Mshtakan, Georgia, serif",
    Script.ARABIC: (
        "'Geeza Pro', 'Segoe UI', Tahoma, Arial, 'Noto Naskh Arabic', 'Noto Serif Armenian', Sylfaen, "
        "Mshtakan, serif"
    ),
}
_BOOK: Final = _SERIF | {
    Script.LATIN: (
        "'Iowan Old Style', 'Palatino Linotype', Georgia, 'Noto Serif Armenian', Sylfaen, Mshtakan, serif"
    ),
}
_SANS: Final = {
    Script.LATIN: "'Helvetica Neue', Helvetica, Arial, 'Noto Sans Armenian', Sylfaen, Mshtakan, sans-serif",
    Script.ARMENIAN: "Arial, 'Noto Sans Armenian', Sylfaen, Mshtakan, sans-serif",
    Script.ARABIC: (
        "'Segoe UI', Tahoma, 'Geeza Pro', 'Noto Sans Arabic', Arial, 'Noto Sans Armenian', Sylfaen, "
        "Mshtakan, sans-serif"
    ),
}
_STACKS: Final[Mapping[Font, tuple[Mapping[Script, str], Mapping[Script, str]]]] = {
    Font.CLASSIC: (_SERIF, _SERIF),
    Font.BOOK: (_BOOK, _BOOK),
    Font.NEWS: (_SANS, _SERIF),
    Font.MODERN: (_SANS, _SANS),
}


def fonts_of(font: Font, language: str) -> Fonts:
    """The stacks of a family for words in a language."""
    return stacks_of(font, script_of(language))


def stacks_of(font: Font, script: Script) -> Fonts:
    """The stacks of a family for a script."""
    display, text = _STACKS[font]
    return Fonts(display[script], text[script], _SANS[script])
