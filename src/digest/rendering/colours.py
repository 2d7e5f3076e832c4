"""Colours as #rrggbb, and whether text in one can be read on another (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re

from digest.errors import InputError

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_ENOUGH = 4.5  # WCAG level AA for text of normal size


def check_readable(colour: str, *, on: str) -> None:
    """Refuse what is no #rrggbb, or too faint on the ground `on`; raises InputError."""
    if not _COLOUR.fullmatch(colour):
        raise InputError(f"{colour!r} is not a colour we can use; write it like #8a1c1c.")
    found = contrast(colour, on)
    if found < _ENOUGH:
        raise InputError(
            f"Words in the colour {colour} could hardly be read on {on}: "
            f"the contrast is {found:.1f} to 1, and {_ENOUGH} to 1 is the least."
        )


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1.0 (the same) to 21.0 (black on white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
