"""What Thunderbird shows of our mails, beside Chromium: the two of them draw with engines of their own.

The pictures are kept in var/proof/mail, to be looked at. Only `make proof` takes them: Thunderbird is large,
and asks for a screen (docs/running.md has what to install).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops, ImageFilter, ImageStat

from digest.rendering.digest_email import render_mail
from digest.rendering.previews import View, as_seen
from tests.golden import message
from tests.mail_cases import Case
from tests.servers import thunderbird

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OUT = Path(__file__).resolve().parents[2] / "var" / "proof" / "mail"
WIDTH, HEIGHT, COLUMN = 900, 2_000, 600
CASES = [
    *(Case(layout, language, "normal") for layout in ("paper", "briefing") for language in ("en", "hy")),
    Case("briefing", "ar", "normal"),
]
# The mean difference of two pictures, of 255, once letters are blurred: the two engines' differ by less than
# 1, a mail without its picture's place by 6, another layout or language by 9 and more.
_ALIKE = 2.5


def in_chromium(browser: Browser, case: Case) -> Image.Image:
    """The mail in a window as wide, without pictures: as before somebody asks for them."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    try:
        page.set_content(
            as_seen(render_mail(case.context()).html, View("blocked", WIDTH, has_pictures=False))
        )
        return Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    finally:
        page.close()


def mail_in(window: Image.Image, rule: tuple[int, int, int]) -> Image.Image:
    """The column of the mail, from the coloured rule on its top down."""
    left = (WIDTH - COLUMN) // 2
    middle = left + COLUMN // 2
    top = next(y for y in range(HEIGHT) if window.getpixel((middle, y)) == rule)
    return window.crop((left, top, left + COLUMN, HEIGHT))


def difference(one: Image.Image, other: Image.Image) -> float:
    """How far apart two pictures are, beyond how letters are drawn."""
    height = min(one.height, other.height)
    blurred = [
        each.crop((0, 0, COLUMN, height)).convert("L").filter(ImageFilter.GaussianBlur(12))
        for each in (one, other)
    ]
    return ImageStat.Stat(ImageChops.difference(*blurred)).mean[0]


def kept(case: Case, name: str, picture: Image.Image) -> Image.Image:
    OUT.mkdir(parents=True, exist_ok=True)
    picture.save(OUT / f"{case}-{name}.png")
    return picture


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_looks_alike_in_thunderbird_and_chromium(
    thunderbird_path: Path, browser: Browser, case: Case
) -> None:
    """The same column, colours, words and breaks, in English, Armenian and from right to left."""
    shown = thunderbird.photograph(thunderbird_path, message(case), width=WIDTH, height=HEIGHT)
    kept(case, "thunderbird", shown)
    beside = kept(case, "chromium", in_chromium(browser, case))
    rule = beside.getpixel((WIDTH // 2, 2))
    assert difference(mail_in(shown, rule), mail_in(beside, rule)) < _ALIKE  # type: ignore[arg-type]
    other = in_chromium(
        browser, Case("paper" if case.layout == "briefing" else "briefing", "en", "one-story")
    )
    assert difference(mail_in(other, rule), mail_in(beside, rule)) > _ALIKE  # type: ignore[arg-type]


def test_by_night_it_can_be_read_in_thunderbird(thunderbird_path: Path) -> None:
    """In the dark scheme, where it has colours of its own in place of light ones: bright words on dark."""
    case = CASES[0]
    shown = thunderbird.photograph(thunderbird_path, message(case), width=WIDTH, height=HEIGHT, is_dark=True)
    kept(case, "thunderbird-dark", shown)
    left = (WIDTH - COLUMN) // 2
    column = shown.crop((left, HEIGHT // 4, left + COLUMN, HEIGHT * 3 // 4)).convert("L")
    assert ImageStat.Stat(column).median[0] < 40  # type: ignore[operator]
    assert column.getextrema()[1] > 200  # type: ignore[operator]
