"""The reader's own pages in a browser that is nobody's: what scanners and robots do changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from digest.models import Cadence, ConsentEvent, Notice, Subscriber, Subscription
from tests.browser.page_list import PAGES
from tests.browser.sites import Site

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser

OF_READERS = ("/u/", "/undo/", "/f/", "/c/", "/k/")


@pytest.mark.slow  # the run follows the links of mails (test_crawl): most of these pages
def test_robots_and_browsers_that_follow_everything_change_nothing(
    site: Site, context: BrowserContext
) -> None:
    """A scanner with a browser that runs scripts opens each page and each link on it: no row changes."""
    page = context.new_page()
    seen = [each for each in PAGES.values() if each.press is None and each.route.startswith(OF_READERS)]
    paths = [each.path(site, "en") for each in seen if each.status < 500]
    assert len(paths) > 20

    def rows() -> list[Any]:
        with site.database.read() as session:
            tables = (Subscription, Subscriber, ConsentEvent, Notice, Cadence)
            return [session.execute(sa.select(table.__table__)).all() for table in tables]

    before = rows()
    for path in paths:
        page.goto(site.url + path)
        links = page.eval_on_selector_all("a[href]", "all => all.map(each => each.href)")
        for link in links:
            if link.startswith(site.url):
                page.goto(link)
    assert rows() == before
