"""The demo's own mails in a real browser: one of each kind, as its readers would see them.

Slow, for the demo must have run: each run looks at the same templates in `test_email_looks`, and at what the
demo has sent in `tests/process/test_demo.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from digest.embedded import newspaper
from tests.browser import axe
from tests.browser.test_email_looks import overflow
from tests.process.demo_run import DemoRun, caught, demo_run

__all__ = ["demo_run"]

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.slow]

PICTURES = Path(newspaper.__file__).parent / "pictures"
VARIANTS = [("en", "normal"), ("en", "large"), ("hy", "normal"), ("hy", "large")]


@pytest.fixture(scope="module")
def variants(demo_run: DemoRun) -> dict[tuple[str, str], str]:
    """The HTML of one mail of each language and text size."""
    return {(mail.stored.language, mail.stored.text_size): mail.part("html") for mail in caught(demo_run)}


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[Page]:
    """The smallest phone; the newspaper's pictures come from its own files."""
    context = browser.new_context(viewport={"width": 320, "height": 800})
    context.route("**/*", _serve)
    yield context.new_page()
    context.close()


def _serve(route: Route) -> None:
    path = PurePosixPath(urlsplit(route.request.url).path)
    # The demo that served its own copies of them has ended: any picture stands in for one.
    picture = next(PICTURES.glob("*.png")) if path.parent.name == "p" else PICTURES / path.name
    if picture.is_file():
        route.fulfill(path=picture)
    else:
        route.abort()


def test_there_are_no_other_kinds_of_mail(variants: dict[tuple[str, str], str]) -> None:
    """What is judged here is all there is: two languages, two text sizes."""
    assert sorted(variants) == sorted(VARIANTS)


@pytest.mark.parametrize("kind", VARIANTS, ids="-".join)
def test_a_demo_mail_is_accessible_and_fits_a_phone(
    phone: Page, variants: dict[tuple[str, str], str], kind: tuple[str, str]
) -> None:
    """At 320 pixels nothing is scrolled sideways, every picture is drawn, and axe-core finds nothing.

    By day and by night: the colour scheme changes under the same page, as it does on a phone.
    """
    phone.set_content(variants[kind], wait_until="load")
    for scheme in ("light", "dark"):
        phone.emulate_media(color_scheme=scheme)
        assert phone.evaluate("scheme => matchMedia(`(prefers-color-scheme: ${scheme})`).matches", scheme)
        assert overflow(phone) == 0, scheme
        assert phone.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        assert phone.evaluate("document.images.length") >= 1
        assert axe.faults(phone, without=axe.PAGE_ONLY) == [], scheme
