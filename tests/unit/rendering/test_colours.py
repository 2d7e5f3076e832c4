"""Colours that a digest may set."""

from __future__ import annotations

import pytest

from digest.errors import InputError
from digest.rendering.colours import contrast
from digest.rendering.theme import DARK, LIGHT, Look


def test_contrast_is_that_of_wcag() -> None:
    """Black on white is 21 to 1, a colour on itself 1 to 1, and a known grey 4.54 to 1."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#8a1c1c", "#8a1c1c") == 1
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_the_houses_colours_can_be_read(palette: object) -> None:
    """Ink and dim text reach 4.5 to 1 on card and page, in both schemes."""
    for words in ("ink", "dim"):
        for ground in ("card", "page"):
            assert contrast(getattr(palette, words), getattr(palette, ground)) >= 4.5


@pytest.mark.parametrize("colour", ["red", "#fff", "#8a1c1c;x", "url(x)", "#ffcc00", ""])
def test_a_colour_that_is_none_or_too_faint_is_refused(colour: str) -> None:
    """Only #rrggbb that can be read on the card is taken, so that no style can be smuggled in."""
    with pytest.raises(InputError):
        Look(accent=colour)


def test_a_dark_accent_must_be_light() -> None:
    """The accent of dark mode is judged on the dark card."""
    with pytest.raises(InputError, match="contrast"):
        Look(accent_dark="#8a1c1c")
