"""Every screen of the desk, by the route table, for everybody: axe-core, day and night, both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from digest import clock, keys
from digest.db import Database
from digest.embedded.newspaper.newspaper import Newspaper
from digest.embedded.newspaper.site import running
from digest.models import Account
from digest.web.desk.table import desk
from tests.browser import axe
from tests.browser.desk_scene import ZONE, Scene, make_beginning, make_scene, quiet
from tests.browser.desk_screens import NAMED, NO_PAGES, QUERIES, WHO, Screen, beginnings, routes, screens
from tests.browser.first_load import MOST_BYTES, MOST_MOVED, FirstLoad
from tests.browser.sites import complaints
from tests.browser.test_every_page import is_accessible, too_wide
from tests.integration.web.rows import make_settings
from tests.integration.web.served import served
from tests.servers.dns import DnsServer
from tests.servers.migrated import migrate

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

READERS = 60
LANGUAGES = ("en", "hy")


@dataclass(frozen=True, slots=True)
class House:
    """A running installation, and its screens."""

    url: str
    scene: Scene
    screens: tuple[Screen, ...]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, House]]:
    """One in full swing, and one in which nothing has been done yet."""
    now = clock.utc_now()
    with quiet(), running(Newspaper(now)) as site, DnsServer(ZONE) as dns:
        full = _house(tmp_path_factory.mktemp("full"), site.url, dns.setting)
        empty = _house(tmp_path_factory.mktemp("empty"), "", dns.setting)
        yield next(full), next(empty)
        for each in (full, empty):
            next(each, None)


def _house(folder: Path, site: str, dns: str) -> Iterator[House]:
    settings = make_settings(
        folder / "data",
        f"sqlite:///{folder / 'digest.db'}",
        private_hosts=(site.rpartition("/")[2],),
        dns_servers=dns,
    )
    database = Database(settings.database)
    migrate(database)
    made, now = keys.load(settings.secrets_folder), clock.utc_now()
    scene = (
        make_scene(database, made, readers=READERS, now=now, site=site)
        if site
        else make_beginning(database, made, now=now)
    )
    with served(settings, folder) as running_web:
        yield House(running_web.url, scene, tuple((screens if site else beginnings)(scene)))
    database.close()


@pytest.mark.parametrize(
    ("language", "half", "with_further"),
    [
        # Each page in one language and by day or by night; `make proof` looks at it in the other too, at all
        # of its states, and at its colours at the other time.
        *(("en", 0, False), ("hy", 1, False)),
        *(
            pytest.param(language, half, True, marks=pytest.mark.slow)
            for language in LANGUAGES
            for half in (0, 1)
        ),
    ],
)
def test_every_screen_of_the_desk_is_for_everybody(
    houses: tuple[House, House], browser: Browser, language: str, half: int, *, with_further: bool
) -> None:
    """axe-core finds nothing by day or by night, nothing is wider than a telephone, no policy is broken."""
    # Still: colours that are on their way from day to night are neither's.
    context = browser.new_context(locale=language, reduced_motion="reduce")
    context.set_default_timeout(120_000)
    axe.keep_at_hand(context)
    page = context.new_page()
    found, faults = complaints(page), {}
    for house in houses:
        with house.scene.database.write() as session:
            session.execute(sa.update(Account).values(language=language))
        wanted = [each for each in house.screens if with_further or not each.is_further]
        for screen in wanted[half::2]:
            page.set_viewport_size({"width": 1280, "height": 800})
            status = screen.open(page, context, house.url, house.scene)
            assert status == (404 if screen.name == "not-found" else 200), screen.name
            assert page.locator("html").get_attribute("lang") == language, screen.name
            assert page.locator("h1").count() == 1, screen.name
            wrong = is_accessible(page, language, both_times=with_further)
            page.set_viewport_size({"width": 360, "height": 700})
            if wrong := [*wrong, *too_wide(page)]:
                faults[screen.name] = wrong
    context.close()
    assert faults == {}
    assert [text for text in found if "Failed to load resource" not in text] == []


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_no_screen_is_heavy_or_moves_while_it_comes(
    houses: tuple[House, House], browser: Browser, width: int, height: int
) -> None:
    """To somebody who has never been there: 300 kB at the most, and nothing jumps from where it stood."""
    found = {}
    for house in houses:
        for screen in house.screens:
            if screen.then is not None:  # what is done on it moves it
                continue
            context = browser.new_context(locale="en", viewport={"width": width, "height": height})
            context.set_default_timeout(120_000)
            page = context.new_page()
            load = FirstLoad(page)
            screen.open(page, context, house.url, house.scene)
            moved = load.moved()
            if load.bytes > MOST_BYTES or sum(far for far, _ in moved) > MOST_MOVED:
                found[screen.name] = (load.bytes, moved)
            context.close()
    assert found == {}


def test_no_page_of_the_desk_is_missing_from_the_screens(houses: tuple[House, House]) -> None:
    """What is said of single routes is said of routes that there are; every other one has its screen."""
    assert NAMED.keys() | QUERIES.keys() | WHO.keys() <= set(routes())
    assert {each.path for each in desk.entries} >= NO_PAGES.keys()
    shown = [screen for house in houses for screen in house.screens if not screen.is_further]
    assert len(shown) == len(routes()) + 1  # and what there is not
    names = [screen.name for house in houses for screen in house.screens]
    assert len(names) == len(set(names))
