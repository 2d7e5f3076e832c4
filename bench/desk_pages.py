"""How soon each page of the desk answers at a million subscribers, and the preview after an edit.

The pages are those of the route table: whoever adds one adds a figure. `digest web` answers as operators run
it, and every page is asked by turns with the others and with a bare page of the same server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bench import effort
from bench.audience_room import Web, web
from bench.delivery_room import Room
from bench.desk_ask import Browser, sign_in
from bench.desk_fill import Filled
from bench.figures import Figure, Target, load
from bench.load_generator import percentile
from digest.web.desk.table import ROOT, Entry, desk
from digest.web.desk.wiring import load_pages

AREA: Final = "desk"
ROUNDS: Final = 50
_IN_A_ROW: Final = 10  # a process counts its CPU by hundredths of a second
_BARE: Final = "/health"
_PAGE_MS: Final = 300.0
_PREVIEW_MS: Final = 1000.0
# Pages whose question says what is shown: those that cost the most of each.
_NAMES: Final = {"tag": "hy"}  # parts of an address that name no row
_ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    "/subscribers": ("", "?q=reader77", "?q=@mail7.test", "?list=1&status=paused"),
    "/calendar": ("", "?view=month"),
    "/trail": ("", "?action=list."),
    "/do-not-mail": ("", "?cause=complaint"),
    "/lists/{list}/import/columns": ("?file={draft}",),
    "/lists/{list}/import/trial": ("?file={draft}",),
}
# Files that are downloaded whole, and a step that leads on for whoever does not stand at it.
_NO_PAGE: Final = ("/trail.csv", "/imports/{import}/lines", "/lists/{list}/import/lines", "/account/codes")


def paths(filled: Filled) -> dict[str, str]:
    """The path of each page by its name: of every kind of thing all that were made.

    Left out is what nobody need be signed in for: the forms for coming in, and files that pages load.
    """
    load_pages()
    found: dict[str, str] = {}
    for entry in desk.entries:
        if entry.changes or entry.is_stream or entry.may.least is None or entry.path in _NO_PAGE:
            continue
        found.update(_of(entry, filled))
    return found


def _of(entry: Entry, filled: Filled) -> Iterator[tuple[str, str]]:
    """A page's paths, for each thing that it may be of and each question that is asked of it."""
    words = re.findall(r"{(\w+)", entry.path)
    is_row = bool(words) and words[0] not in _NAMES
    things = filled.things.get(words[0], {}) if is_row else {"": 0}
    if len(words) > 1 or not things:
        raise ValueError(f"the bench has nothing to put into {entry.path}: make it in bench.desk_fill")
    for what, number in things.items():
        path = re.sub(r"{\w+}", _NAMES.get(words[0], str(number)) if words else "", entry.path)
        for asked in _ASKED.get(entry.path, ("",)):
            note = f" ({what})" if what else ""
            draft = filled.things["draft"].get(what, 0)
            yield f"{entry.path or '/'}{asked}{note}", f"{ROOT}{path}{asked.replace('{draft}', str(draft))}"


def pages(made: Room, filled: Filled) -> Iterator[Figure]:
    """The first load of each in a new process, then all by turns."""
    asked = paths(filled)
    token = sign_in(made.database, filled.account)
    with web(made) as server, Browser(server.port, token) as browser:
        browser.get(_BARE)
        first = _first(browser, asked)
        taken: dict[str, list[float]] = {name: [] for name in first}
        bare = []
        for _ in range(effort.rounds(ROUNDS)):
            bare.append(_seconds(browser, _BARE))
            for name in first:
                taken[name].append(_seconds(browser, asked[name]))
        cpu = {name: _cpu(server, browser, asked[name]) for name in first}
    reference = 1000 * percentile(sorted(bare), 0.95)
    for name, times in taken.items():
        times.sort()
        yield Figure(
            AREA,
            f"{name}: p95",
            1000 * percentile(times, 0.95),
            "ms",
            reference,
            Target("<=", _PAGE_MS),
            f"p50 {1000 * percentile(times, 0.5):.0f} ms, max {1000 * times[-1]:.0f} ms in {len(times)} "
            f"rounds by turns with all pages; the first load in a new process {1000 * first[name]:.0f} ms; "
            f"the web process takes {1000 * cpu[name]:.0f} ms of CPU for one; "
            f"reference: p95 of {_BARE} of the same server; {filled.people:,} subscribers; {load()}",
        )


def _first(browser: Browser, asked: Mapping[str, str]) -> dict[str, float]:
    """The first load of each page; without those of an edition in another state than a page is for."""
    answers = {name: browser.get(path) for name, path in asked.items()}
    found = {name: answer.seconds for name, answer in answers.items() if answer.status == 200}
    refused = {name for name, answer in answers.items() if answer.status not in (200, 409)}
    shown = {name.partition(" (")[0] for name in found}
    if missing := {name.partition(" (")[0] for name in asked} - shown | refused:
        statuses = {name: answers[name].status for name in asked if missing & {name, name.partition(" (")[0]}}
        raise AssertionError(f"a page is not shown: {statuses}")
    return found


def preview(made: Room, filled: Filled) -> Iterator[Figure]:
    """A title is rewritten, and the mail in the frame shows it."""
    edition = filled.things["edition"]["coming"]
    token = sign_in(made.database, filled.account)
    times, bare = [], []
    with web(made) as server, Browser(server.port, token) as browser:
        page = browser.get(f"{ROOT}/editions/{edition}").body.decode()
        story = _field(page, "story")
        for number in range(effort.rounds(ROUNDS)):
            title = f"A bridge is mended {number} times"
            fields = {"seen": _field(page, "seen"), "story": story, "title": title}
            done = browser.post(f"{ROOT}/editions/{edition}/rewrite", fields)
            page = done.body.decode()
            mail = browser.get(f"{ROOT}/editions/{edition}/preview")
            if done.status != 200 or title.encode() not in mail.body:
                raise AssertionError(f"rewritten with {done.status}, and the mail does not show it")
            times.append(done.seconds + mail.seconds)
            bare.append(_seconds(browser, _BARE))
    times.sort()
    yield Figure(
        AREA,
        "an edit and the mail that shows it: p95",
        1000 * percentile(times, 0.95),
        "ms",
        1000 * percentile(sorted(bare), 0.95),
        Target("<=", _PREVIEW_MS),
        f"p50 {1000 * percentile(times, 0.5):.0f} ms, max {1000 * times[-1]:.0f} ms in {len(times)} rounds: "
        f"the title is sent, the board comes back, the mail is rendered anew; reference: p95 of {_BARE}; "
        f"{load()}",
    )


def _cpu(server: Web, browser: Browser, path: str) -> float:
    """The seconds that the web processes work for one answer, whatever else the machine does."""
    before = server.cpu
    for _ in range(_IN_A_ROW):
        _seconds(browser, path)
    return (server.cpu - before) / _IN_A_ROW


def _seconds(browser: Browser, path: str) -> float:
    answer = browser.get(path)
    if answer.status != 200:
        raise AssertionError(f"{path} is answered {answer.status}")
    return answer.seconds


def _field(page: str, name: str) -> str:
    """The first value that a form of the page has for a field."""
    found = re.search(rf'<input[^>]*\bname="{name}"[^>]*\bvalue="([^"]*)"', page)
    if found is None:
        raise AssertionError(f"the page has no field {name}")
    return found[1]
