"""Colours as #rrggbb, and whether text in one can be read on another (WCAG 2.2, 1.4.3). Pure."""

from __future__ import annotations

import re
from typing import Final

from digest.errors import InputError
from digest.i18n import N_

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_ENOUGH: Final = 4.5  # WCAG level AA for text of normal size
_MIDDLE: Final = 0.18  # between light and dark grounds


def check_colour(colour: str) -> str:
    """Refuse what is no #rrggbb; raises InputError."""
    if not _COLOUR.fullmatch(colour):
        raise InputError(N_("%(text)r is not a colour we can use; write it like #8a1c1c."), text=colour[:40])
    return colour


def check_readable(colour: str, *, on: str, least: float = _ENOUGH) -> None:
    """Refuse what is no #rrggbb, or too faint on the ground `on`; raises InputError."""
    found = contrast(check_colour(colour), check_colour(on))
    if found < least:
        raise InputError(
            N_(
                "Words in the colour %(colour)s could hardly be read on %(ground)s: the contrast is "
                "%(found)s to 1, and %(least)s to 1 is the least. Choose a darker colour for the words."
            )
            if _luminance(on) > _MIDDLE
            else N_(
                "Words in the colour %(colour)s could hardly be read on %(ground)s: the contrast is "
                "%(found)s to 1, and %(least)s to 1 is the least. Choose a lighter colour for the words."
            ),
            colour=colour,
            ground=on,
            found=f"{found:.1f}",
            least=least,
        )


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1.0 (the same) to 21.0 (black on white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """A colour with so large a share (0 to 1) of another in it."""
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(own + (more - own) * share):02x}" for own, more in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
