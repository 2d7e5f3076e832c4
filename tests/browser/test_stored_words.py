"""Hostile words in every stored text: no page makes anything of them but words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from digest.db import Database
from digest.web.desk.table import ROOT, desk
from digest.web.desk.wiring import load_pages
from tests.browser.hostile_answers import Forms, answers, around
from tests.browser.hostile_rows import (
    CHECKED,
    CORPUS,
    MARK,
    PAYLOADS,
    HostileHouse,
    make_hostile_house,
    text_columns,
)
from tests.browser.sites import complaints
from tests.integration.web.rows import make_settings
from tests.integration.web.served import served
from tests.servers.migrated import migrate

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

load_pages()
# Links with a secret that is nobody's.
NOWHERE = ("/desk/set-up/", "/desk/join/", "/desk/reset/")
# What is no page but a file to take away, and what else stands in a path.
FILES, PARTS = (".csv", ".opml", "/file", "/lines"), {"tag": "hy"}
# What the words would have the page do, if they could.
_READY = f"window.{MARK} = () => {{ window.{MARK}_ran = true }}"
# What they are found by where they have become more than words.
_FOUND = f"""() => {{
    const mark = "{MARK}", found = [];
    const say = (what, each) => found.push(what + ": " + each.outerHTML.slice(0, 200));
    if (window.{MARK}_ran) found.push("a script ran");
    if (document.documentElement.textContent.includes("49" + mark)) found.push("a template was filled in");
    const loads = ["SCRIPT", "IFRAME", "OBJECT", "EMBED", "BASE", "STYLE", "TEMPLATE", "HX-PARTIAL"];
    const leads = ["href", "src", "action", "formaction", "xlink:href", "data", "poster"];
    const known = ["http:", "https:", "mailto:"];
    for (const each of document.querySelectorAll("*")) {{
        const attributes = [...each.attributes];
        if (loads.includes(each.tagName) && each.outerHTML.includes(mark) && each.id !== "draft-note")
            say("a tag that loads", each);
        if (each.namespaceURI !== "http://www.w3.org/1999/xhtml" && each.outerHTML.includes(mark))
            say("a drawing", each);
        if (each.tagName === "LINK" && each.href.includes(mark)) say("a tag that loads", each);
        if (each.tagName === "META" && each.httpEquiv && each.outerHTML.includes(mark)) say("a header", each);
        for (const {{name, value}} of attributes) {{
            if (/^(on|hx-|data-hx|x-|v-|ng-|@|:)/.test(name) && value.includes(mark)) say("an act", each);
            if (name.includes(mark)) say("an attribute", each);
            if (name === "style" && value.includes(mark)) say("a style", each);
            if (!leads.includes(name)) continue;
            let where = null;
            try {{ where = new URL(value, location.href).protocol }} catch {{ continue }}
            if (value.includes(mark) && !known.includes(where)) say("an address", each);
            if (name.endsWith("action") && new URL(value, location.href).origin !== location.origin)
                say("a form", each);
        }}
    }}
    return found;
}}"""
# In the long form each field gets so many payloads, one after another: some of each kind.
TURNS, STEP = 43, 5


def test_there_are_two_hundred_payloads_of_many_kinds() -> None:
    """Each holds the mark that it is found by, and none stands twice."""
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 200
    assert all(MARK in payload for payload in PAYLOADS)
    assert len(CORPUS) >= 12
    columns = {f"{table.name}.{column.name}" for table, column in text_columns()}
    assert len(columns) > 80
    assert not columns & set(CHECKED)


def desk_paths(house: HostileHouse) -> Iterator[str]:
    """Every page of the desk, with the things that there are, and each edition."""
    for entry in desk.entries:
        if entry.changes or entry.is_stream or entry.path.startswith("/files/") or entry.path.endswith(FILES):
            continue
        things = PARTS | {of.value: str(thing) for of, thing in house.things.items()}
        if "{edition}" in entry.path:
            # Its page in every state; what belongs to it on one that goes out and on one that comes.
            several = house.editions if entry.path == "/editions/{edition}" else house.editions[:2]
            yield from (ROOT + entry.path.replace("{edition}", str(each)) for each in several)
        elif not entry.path.startswith("/sign-in"):  # leads whoever is in to the first page
            yield ROOT + re.sub(
                r"{(\w+)(?::\w+)?}", lambda found, things=things: things.get(found[1], "1"), entry.path
            )


def visit(page: Page, house: HostileHouse, url: str, forms: Forms) -> dict[str, object]:
    """Open every page, and those that answer a form; what was found on it, by its path or its name."""
    found: dict[str, object] = {}
    said = complaints(page)
    foreign: list[str] = []

    def note(request: Request) -> None:
        here = urlsplit(request.url)
        if here.scheme in {"http", "https"} and here.netloc != urlsplit(url).netloc:
            foreign.append(f"{request.resource_type} of {request.url}")

    def look(name: str, *wrong: object) -> None:
        seen: list[Any] = [*wrong, *page.evaluate(_FOUND)]
        seen += [text for text in said if "Failed to load resource" not in text] + foreign
        if urlsplit(page.url).netloc != urlsplit(url).netloc:
            seen.append(f"led to {page.url}")
        if seen:
            found[name] = seen
        said.clear(), foreign.clear()

    page.on("request", note)
    page.on("dialog", lambda dialog: (said.append("a dialog"), dialog.dismiss()))
    for path in (*desk_paths(house), *house.public):
        answer = page.goto(url + path, wait_until="load")
        assert answer is not None
        # A page that is for another state, or for a file that nobody has chosen, says so.
        is_refused = answer.status == 409 or (answer.status == 422 and "/import/" in path)
        is_wrong = answer.status >= 400 and not is_refused and not path.startswith(NOWHERE)
        look(path, *[answer.status] * is_wrong)
    for name, (path, press) in forms.items():
        page.goto(url + path, wait_until="load")
        press(page)
        page.wait_for_load_state("load")
        look(name)
    return found


def hostile_context(browser: Browser, house: HostileHouse) -> BrowserContext:
    context = browser.new_context()
    context.add_init_script(_READY)
    cookie = {"name": "desk", "value": house.token, "domain": "127.0.0.1", "path": "/desk"}
    context.add_cookies([cookie])  # type: ignore[list-item]
    return context


def look_everywhere(browser: Browser, folder: Path, place: int = 0) -> dict[str, object]:
    with around() as outside:
        settings = make_settings(
            folder / "data",
            f"sqlite:///{folder / 'digest.db'}",
            catcher_dir=folder / "mail",
            private_hosts=(outside.site.host,),
            dns_servers=outside.dns.setting,
        )
        database = Database(settings.database)
        migrate(database)
        house = make_hostile_house(database, settings, place=place)
        assert house.used == set(PAYLOADS)
        with served(settings, folder) as running:
            context = hostile_context(browser, house)
            forms = answers(house, database, outside.site)
            found = visit(context.new_page(), house, running.url, forms)
            context.close()
        database.close()
    return found


@pytest.mark.browser
def test_words_that_are_stored_stay_words(browser: Browser, tmp_path: Path) -> None:
    """No script, no dialog, no breach of a policy, nothing loaded from elsewhere, no act: on every page."""
    assert look_everywhere(browser, tmp_path) == {}


@pytest.mark.slow  # the run has the first of them
@pytest.mark.browser
@pytest.mark.parametrize("turn", range(1, TURNS))
def test_other_words_in_each_field_stay_words_too(browser: Browser, tmp_path: Path, turn: int) -> None:
    """The same, with each field holding another payload in each turn."""
    assert look_everywhere(browser, tmp_path, turn * STEP) == {}
