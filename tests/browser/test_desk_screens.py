"""Every screen of the desk, by the route table, for everybody: axe-core, day and night, both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from digest import clock, keys
from digest.db import Database
from digest.db.schema import upgrade
from digest.embedded.newspaper.newspaper import Newspaper
from digest.embedded.newspaper.site import running
from digest.models import Account
from digest.rendering.environment import template_folders
from digest.web.desk.table import desk
from tests.browser import axe
from tests.browser.desk_scene import Scene, make_beginning, make_scene, quiet
from tests.browser.desk_screens import NAMED, NO_PAGES, QUERIES, WHO, Screen, beginnings, routes, screens
from tests.browser.sites import complaints
from tests.browser.test_every_page import COLOURS, too_wide
from tests.integration.web.rows import make_settings
from tests.integration.web.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

READERS = 60
# Shown by a change alone, where something is not right: a form again, or one sentence.
NEVER_ASKED_FOR = {"person_left"}


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
    with quiet(), running(Newspaper(now)) as site:
        full = _house(tmp_path_factory.mktemp("full"), site.url)
        empty = _house(tmp_path_factory.mktemp("empty"), "")
        yield next(full), next(empty)
        for each in (full, empty):
            next(each, None)


def _house(folder: Path, site: str) -> Iterator[House]:
    settings = make_settings(
        folder / "data",
        f"sqlite:///{folder / 'digest.db'}",
        templates=marked_templates(folder / "templates"),
        private_hosts=(site.rpartition("/")[2],),
    )
    database = Database(settings.database)
    upgrade(database)
    made, now = keys.load(settings.secrets_folder), clock.utc_now()
    scene = (
        make_scene(database, made, readers=READERS, now=now, site=site)
        if site
        else make_beginning(database, made, now=now)
    )
    with served(settings, folder) as running_web:
        yield House(running_web.url, scene, tuple((screens if site else beginnings)(scene)))
    database.close()


def marked_templates(folder: Path) -> Path:
    """The desk's pages, each with its name in a comment, to tell what made a page."""
    (folder / "web" / "desk").mkdir(parents=True)
    for name in page_templates():
        text = (template_folders()[0] / "web" / "desk" / f"{name}.html").read_text(encoding="utf-8")
        marked = text.replace("{% block main %}", f"{{% block main %}}<!-- made by {name} -->", 1)
        (folder / "web" / "desk" / f"{name}.html").write_text(marked, encoding="utf-8")
    return folder


def page_templates() -> set[str]:
    """The templates that are pages, not parts of them."""
    folder = template_folders()[0] / "web" / "desk"
    return {path.stem for path in folder.iterdir() if not path.name.startswith("_")}


@pytest.mark.parametrize("language", ["en", "hy"])
def test_every_screen_of_the_desk_is_for_everybody(
    houses: tuple[House, House], browser: Browser, language: str
) -> None:
    """axe-core finds nothing by day or by night, nothing is wider than a telephone, no policy is broken."""
    # Still: colours that are on their way from day to night are neither's.
    context = browser.new_context(locale=language, reduced_motion="reduce")
    context.set_default_timeout(120_000)
    axe.keep_at_hand(context)
    page = context.new_page()
    found, faults, templates = complaints(page), {}, set[str]()
    for house in houses:
        with house.scene.database.write() as session:
            session.execute(sa.update(Account).values(language=language))
        for number, screen in enumerate(house.screens):
            if screen.is_further and number % 2 != (language == "hy") and not screen.then:
                continue  # further states of a page are looked at in one of the languages
            page.set_viewport_size({"width": 1280, "height": 800})
            status = screen.open(page, context, house.url, house.scene)
            assert status == (404 if screen.name == "not-found" else 200), screen.name
            assert page.locator("html").get_attribute("lang") == language, screen.name
            assert page.locator("h1").count() == 1, screen.name
            templates |= set(re.findall(r"<!-- made by (\w+) -->", page.content()))
            wrong: list[object] = []
            for scheme, only in zip(("light", "dark"), ((), COLOURS), strict=True):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                wrong += axe.faults(page, only=only if language == "en" else COLOURS)
            page.set_viewport_size({"width": 360, "height": 700})
            if wrong := [*wrong, *too_wide(page)]:
                faults[screen.name] = wrong
    context.close()
    assert faults == {}
    assert [text for text in found if "Failed to load resource" not in text] == []
    assert templates == page_templates() - NEVER_ASKED_FOR


def test_no_page_of_the_desk_is_missing_from_the_screens(houses: tuple[House, House]) -> None:
    """What is said of single routes is said of routes that there are; every other one has its screen."""
    assert NAMED.keys() | QUERIES.keys() | WHO.keys() <= set(routes())
    assert {each.path for each in desk.entries} >= NO_PAGES.keys()
    shown = [screen for house in houses for screen in house.screens if not screen.is_further]
    assert len(shown) == len(routes()) + 1  # and what there is not
    names = [screen.name for house in houses for screen in house.screens]
    assert len(names) == len(set(names))
