"""The pictures of docs/gallery.md: hard cases of the mail side by side, as `bench.pictures` makes them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.gallery import seen
from digest.rendering.contexts import TextSize
from digest.rendering.previews import View
from tests.mail_cases import Case

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_GROUND: Final = (119, 115, 107)
_GAP: Final = 24


class Part(NamedTuple):
    """One of the pictures that stand side by side: a case, how it is looked at, and from where on."""

    case: Case
    view: View
    top: int = 0
    size: TextSize = TextSize.NORMAL


SHEETS: Final[dict[str, tuple[int, tuple[Part, ...]]]] = {
    "gallery-layouts": (
        1000,
        (
            Part(Case("paper", "en", "normal"), View("light-600", 600)),
            Part(Case("briefing", "hy", "normal"), View("dark-600", 600, is_dark=True)),
        ),
    ),
    "gallery-phones": (
        820,
        (
            Part(Case("paper", "en", "normal"), View("light-320", 320)),
            Part(Case("paper", "en", "normal"), View("light-320", 320), size=TextSize.LARGE),
            Part(Case("briefing", "hy", "normal"), View("dark-320", 320, is_dark=True)),
            Part(Case("paper", "ar", "normal"), View("light-320", 320)),
        ),
    ),
    "gallery-hard": (
        900,
        (
            Part(Case("briefing", "hy", "long-titles"), View("light-320", 320)),
            Part(Case("paper", "hy", "normal"), View("dark-600", 600, is_dark=True, has_pictures=False)),
            Part(Case("paper", "en", "other-directions"), View("light-320", 320), top=1400),
        ),
    ),
}


def sheets(browser: Browser) -> Iterator[tuple[str, bytes]]:
    """(name, PNG) of each."""
    for name, (height, parts) in SHEETS.items():
        shots = [(seen(browser, part.case, part.view, size=part.size), part.top) for part in parts]
        yield name, beside(shots, height)


def beside(shots: Sequence[tuple[bytes, int]], height: int) -> bytes:
    """Pictures side by side, each from `top` on."""
    from PIL import Image  # noqa: PLC0415  (only whoever makes pictures wants it)

    opened = [(Image.open(io.BytesIO(png)).convert("RGB"), top) for png, top in shots]
    width = sum(one.width for one, _ in opened) + _GAP * (len(opened) + 1)
    sheet = Image.new("RGB", (width, height + 2 * _GAP), _GROUND)
    left = _GAP
    for one, top in opened:
        sheet.paste(one.crop((0, top, one.width, min(top + height, one.height))), (left, _GAP))
        left += one.width + _GAP
    made = io.BytesIO()
    sheet.save(made, "PNG")
    return made.getvalue()


def small(png: bytes, colours: int = 256) -> bytes:
    """The same with a palette: a third of the bytes, and letters stay sharp."""
    from PIL import Image  # noqa: PLC0415  (as above)

    image = Image.open(io.BytesIO(png)).convert("RGB")
    made = io.BytesIO()
    # The octree keeps the few letters of a colour, which the median makes grey or brown.
    palette = image.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette.save(made, "PNG", optimize=True)
    return made.getvalue()
