"""A theme's pictures, and changes of what is stored. No database."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from digest.editions.look import BOXES, LARGEST, changed_look, shown_size, theme_picture
from digest.errors import InputError

LOGO = BOXES["logo"]


def file_of(kind: str, size: tuple[int, int] = (90, 60), mode: str = "RGB", **options: Any) -> bytes:
    """A picture's file of a kind."""
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is no PNG, JPEG or GIF"),
        (b"<html>", "is no PNG, JPEG or GIF"),
        (b"", "is no PNG, JPEG or GIF"),
        (file_of("WEBP"), "is no PNG, JPEG or GIF"),
        (file_of("BMP"), "is no PNG, JPEG or GIF"),
        (file_of("PNG")[:60], "is no PNG, JPEG or GIF"),
        (file_of("PNG", (1, 1)), "is so small"),
        (file_of("PNG", (6_000, 6_000), "1"), "too many pixels"),
        (bytes(LARGEST + 1), "more than 5 MB; make it smaller"),
    ],
)
def test_what_is_no_picture_for_a_mail_is_refused(data: bytes, says: str) -> None:
    """By a sentence that says what it is and what to do."""
    with pytest.raises(InputError, match=f"The logo .*{says}"):
        theme_picture(data, LOGO, what="logo")


@pytest.mark.parametrize(
    ("size", "stored", "shown"),
    [
        ((1600, 400), (800, 200), (400, 100)),
        ((600, 120), (600, 120), (300, 60)),
        ((300, 90), (300, 90), (300, 90)),
        ((200, 1_000), (44, 220), (22, 110)),
    ],
)
def test_a_picture_is_twice_as_fine_as_it_is_shown(
    size: tuple[int, int], stored: tuple[int, int], shown: tuple[int, int]
) -> None:
    """Never blown up, never out of its box; one that is too small for twice is shown at its own pixels."""
    for kind in ("PNG", "JPEG", "GIF"):
        made = theme_picture(file_of(kind, size), LOGO, what="logo")
        assert (made.width, made.height) == stored
        assert shown_size(made, LOGO) == shown


def test_values_are_laid_over_those_there_are() -> None:
    """Tables and dotted names alike; a group goes as a whole; what is stored is flat."""
    stored = changed_look({"accent": "#0b5563"}, {"sponsor": {"words": "Bread", "label": "Friends"}})
    assert stored == {"accent": "#0b5563", "sponsor.words": "Bread", "sponsor.label": "Friends"}
    assert changed_look(stored, {"accent": ""}, ["sponsor"]) == {}
    with pytest.raises(InputError, match="has no value 'spons' to unset; it has: accent"):
        changed_look(stored, {}, ["spons"])
    with pytest.raises(InputError, match="could hardly be read"):
        changed_look(stored, {"light.card": "#0b5563"})
