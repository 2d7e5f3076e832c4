"""The one browser of this folder's tests, and the one installation that most of them look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

    from tests.browser.sites import Site


@pytest.fixture(scope="package")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """A headless browser for the tests of this folder.

    Not for the session: while it runs, its event loop counts as this thread's, and a test that follows could
    start none of its own.
    """
    with chromium.launched(chromium_path) as launched:
        yield launched


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh reader's browser; a test may ask for options."""
    opened = browser.new_context(**getattr(request, "param", {}))
    opened.set_default_timeout(120_000)
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running installation, on SQLite. A test makes the readers that it changes."""
    from tests.browser.sites import installed, signed_templates

    folder = tmp_path_factory.mktemp("site")
    templates = signed_templates(folder / "templates")
    with installed(folder, f"sqlite:///{folder / 'digest.db'}", templates=templates) as made:
        yield made
