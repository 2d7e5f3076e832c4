"""The one browser of this folder's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="package")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """A headless browser for the tests of this folder.

    Not for the session: while it runs, its event loop counts as this thread's, and a test that follows could
    start none of its own.
    """
    with chromium.launched(chromium_path) as launched:
        yield launched
