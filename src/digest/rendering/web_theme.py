"""A theme on the web edition: a style sheet whose address says all that is in it. Pure.

The page may have no style of its own (its content security policy), and must look for ever as it was locked.
So the address holds the colours and the names of fonts and lines; nothing is stored, nothing is looked up.
"""

from __future__ import annotations

import re
from dataclasses import astuple
from typing import Final

from digest.rendering.fonts import stacks_of
from digest.rendering.scripts import Script, script_of
from digest.rendering.theme import Font, Look, Rules, lines_of

_PATH: Final = "/look/"
_SCHEME: Final = ("page", "card", "ink", "dim", "rule", "accent")
_FIRST: Final = re.compile(r"([0-9a-f]{72})-([a-z]{1,12})-([a-z]{1,12})-([a-z]{1,12})\.css", re.ASCII)


def style_path(look: Look, language: str) -> str:
    """Where a theme's style sheet lies; "" for the house's own look, which needs none."""
    if style_name(look, language) == style_name(Look(), language):
        return ""
    return f"{_PATH}{style_name(look, language)}"


def style_name(look: Look, language: str) -> str:
    """The name of a theme's style sheet."""
    colours = (*astuple(look.light), look.accent, *astuple(look.dark), look.accent_dark)
    return f"{''.join(colours).replace('#', '').lower()}-{look.font}-{look.rules}-{script_of(language)}.css"


def style_sheet(name: str) -> str | None:
    """The style sheet of this name; None for a name that no theme has."""
    found = _FIRST.fullmatch(name)
    if found is None:
        return None
    if found[2] not in set(Font) or found[3] not in set(Rules) or found[4] not in set(Script):
        return None
    colours = [f"#{found[1][at : at + 6]}" for at in range(0, 72, 6)]
    fonts = stacks_of(Font(found[2]), Script(found[4]))
    top, bottom, section, part = lines_of(Rules(found[3]))
    own = f"--display: {fonts.display}; --serif: {fonts.serif}; --sans: {fonts.sans};"
    lines = f"--line-top: {top}; --line-bottom: {bottom}; --line-section: {section}; --line-part: {part};"
    light, dark = f"{_variables(colours[:6])} --bar: {colours[5]};", _variables(colours[6:])
    return (
        f":root:root {{ {light} {own} {lines} }}\n"
        f"@media (prefers-color-scheme: dark) {{\n:root:root {{ {dark} }}\n}}\n"
    )


def _variables(colours: list[str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in zip(_SCHEME, colours, strict=True))
