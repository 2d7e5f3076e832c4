"""Every screen of the desk: made from the route table, so that a new page is among them by being there.

Of a route there is one screen, with the thing that its path names; `MORE` are further states of some. What
shows no page is written down with its reason, and a test holds the lists against the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from digest.models import Account
from digest.web.desk.table import ROOT, SAFE, desk
from digest.web.desk.wiring import load_pages
from tests.integration.web.desk.hands import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.browser.desk_scene import Scene

NO_PAGES: Final = {
    "/files/{mark}/{name:path}": "what pages are drawn with",
    "/trail.csv": "a file",
    "/sources/list.opml": "a file",
    "/settings/languages/{tag}/file": "a file",
    "/imports/{import}/lines": "a file",
    "/lists/{list}/import/lines": "a file",
    "/editions/{edition}/preview": "the mail in a frame",
    "/digests/{digest}/look/preview": "the mail in a frame",
}
ME: Final = "me"  # an admin
_NOBODY: Final = ""
# Who sees it, if not the admin: nobody is in yet, or only by half.
WHO: Final = {
    "/sign-in": _NOBODY,
    "/forgotten": _NOBODY,
    "/join/{token}": _NOBODY,
    "/reset/{token}": _NOBODY,
    "/set-up/{token}": _NOBODY,
    "/sign-in-code": "half",
}
# Of an installation in which nothing has been done yet; the rest of one that is in full swing.
BEGINNING: Final = "/set-up/{token}"
# What their paths name, where the usual thing has no such page.
NAMED: Final = {
    "/editions/{edition}/correct": "edition:paused",
    "/editions/{edition}/progress": "edition:sending",
    "/editions/{edition}/detail": "edition:sent",
    "/editions/{edition}/doubts": "edition:sent",
    "/editions/{edition}/people": "edition:sent",
    "/editions/{edition}/put-right": "edition:sent",
}
# Words of paths that name no thing of the database.
WORDS: Final = {"tag": "hy"}
# What stands behind them.
QUERIES: Final = {
    "/lists/{list}/import/columns": "?file={draft}",
    "/lists/{list}/import/trial": "?file={draft}",
}
# What these say before there is anything.
BEGINNINGS: Final = (
    *("", "/calendar", "/digests", "/sources", "/lists", "/lists/new", "/subscribers", "/do-not-mail"),
    *("/people", "/trail"),
)
_LIST: Final = """<opml version="2.0"><body>
<outline type="rss" text="The Footbridge" xmlUrl="https://footbridge.example/en/feed/"/>
<outline type="rss" text="The orchard" xmlUrl="https://orchard.example/feed/"/>
<outline type="rss" text="Next door" xmlUrl="https://nextdoor.example:99999/feed/"/>
<outline type="rss" text="A file" xmlUrl="ftp://orchard.example/feed/"/>
</body></opml>"""

Then = Callable[["Page", "Scene"], None]


@dataclass(frozen=True, slots=True)
class Screen:
    """A page in one of its states. `then` is what is done on it before it is looked at."""

    name: str
    path: str
    who: str = ME
    then: Then | None = None
    is_further: bool = False  # another state of a page that is among them already

    def open(self, page: Page, context: BrowserContext, url: str, scene: Scene) -> int:
        """Go to it as whoever sees it does; the status that its page came with."""
        context.clear_cookies()
        if self.who:
            cookie = {"name": "desk", "value": scene.tokens[self.who], "domain": "127.0.0.1", "path": "/desk"}
            context.add_cookies([cookie])  # type: ignore[list-item]
        answer = page.goto(url + self.path)
        assert answer is not None
        if self.then is not None:
            self.then(page, scene)
        return answer.status


def _open_all(page: Page, _: Scene) -> None:
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")


def _open_menu(page: Page, _: Scene) -> None:
    page.locator("[popovertarget=desk-menu]").evaluate("button => button.click()")


def _ask(dialog: str) -> Then:
    """Press the button of a dialog, whose id begins so, and wait until it is open."""

    def press(page: Page, _: Scene) -> None:
        page.locator(f"[commandfor^={dialog}][command=show-modal]").first.click()
        page.locator("dialog[open]").wait_for()

    return press


def _look_at_site(page: Page, scene: Scene) -> None:
    page.locator("#f-address").fill(f"{scene.site}/en/")
    page.locator("main button").first.click()
    page.locator("#f-title").wait_for()


def _look_at_dns(page: Page, _: Scene) -> None:
    page.locator("main form button.btn-primary").first.click()
    page.locator("#sheet").wait_for()


def _look_at_source(page: Page, scene: Scene) -> None:
    page.locator("#f-address").fill(f"{scene.site}/en/")
    page.locator(".site-form button").click()
    page.locator("[name=offer]").wait_for(state="attached")


def _hand_in_list(page: Page, _: Scene) -> None:
    """One that is there, one that is not (the first time), and two that lead nowhere."""
    page.locator("#f-file").set_input_files(
        {"name": "feeds.opml", "mimeType": "text/x-opml", "buffer": _LIST.encode()}
    )
    page.locator("form", has=page.locator("#f-file")).locator("button").click()
    page.locator("dl.facts").wait_for()


def _let_leave(page: Page, scene: Scene) -> None:
    """The admin leaves whom nobody needs: what they may know is to be changed. They come back each time."""
    with scene.database.write() as session:
        session.get_one(Account, scene.things["account:former"]).disabled_at = None
    page.reload()
    _ask("leave")(page, scene)
    page.locator("dialog[open] .btn-danger").click()
    page.locator("main li", has_text="relay").wait_for()


def _new_recovery_codes(page: Page, _: Scene) -> None:
    page.locator("details", has=page.locator("#renew-current")).locator("summary").click()
    page.locator("#renew-current").fill(PASSWORD)
    page.locator("#renew-current").press("Enter")
    page.locator(".codes").wait_for()


@dataclass(frozen=True, slots=True)
class _State:
    """A further state of a route's page: `word` is what its path names, if not the usual one."""

    name: str
    route: str
    word: str = ""
    query: str = ""
    then: Then | None = None
    who: str = ME


MORE: Final = (
    _State("home-menu", "", then=_open_menu),
    _State("calendar-week", "/calendar", query="?view=week"),
    _State("editions-edition-all-open", "/editions/{edition}", then=_open_all),
    *(
        _State(f"editions-edition-{state}", "/editions/{edition}", f"edition:{state}")
        for state in ("waiting", "held", "sending", "paused", "sent", "skipped", "cancelled")
    ),
    _State("editions-edition-void", "/editions/{edition}", "edition:void"),
    _State("editions-edition-version", "/editions/{edition}", "edition:corrected"),
    _State("editions-edition-version-asked", "/editions/{edition}", "edition:corrected", who="aram"),
    _State("account-with-codes", "/account", who="aram"),
    _State("account-recovery-codes", "/account", then=_new_recovery_codes, who="aram"),
    _State("people-account-left", "/people/{account}", "account:left"),
    _State("people-account-leaves", "/people/{account}", then=_ask("leave")),
    _State("digests-new-found", "/digests/new", then=_look_at_site),
    _State("digests-digest-armenian", "/digests/{digest}", "digest:hy"),
    _State("sources-source-well", "/sources/{source}", "source:en"),
    # The answers to a form.
    _State("sources-new-found", "/sources/new", then=_look_at_source),
    _State("sources-new-list", "/sources/new", then=_hand_in_list),
    _State("settings-senders-sheet", "/settings/senders", then=_look_at_dns),
    _State("people-account-has-left", "/people/{account}", "account:former", then=_let_leave),
    _State("subscribers-found", "/subscribers", query="?q=araxie"),
    _State("subscribers-subscriber-ends", "/subscribers/{subscriber}", then=_ask("end-")),
    _State("subscribers-subscriber-erased", "/subscribers/{subscriber}", then=_ask("erase")),
)


def routes() -> list[str]:
    """The paths below /desk that show a page."""
    load_pages()
    found = {each.path for each in desk.entries if each.method in SAFE and not each.is_stream}
    return sorted(found - NO_PAGES.keys())


def screens(scene: Scene) -> Iterator[Screen]:
    """All of an installation in full swing. Raises KeyError for a word of a path that the scene lacks."""
    for route in routes():
        if route != BEGINNING:
            yield Screen(_name_of(route), _filled(route, scene, NAMED.get(route, "")), WHO.get(route, ME))
    yield Screen("not-found", f"{ROOT}/nowhere/else")
    for one in MORE:
        path = _filled(one.route, scene, one.word) + one.query
        yield Screen(one.name, path, one.who, one.then, is_further=True)


def beginnings(scene: Scene) -> Iterator[Screen]:
    """The screens of an installation in which nothing has been done yet."""
    yield Screen(_name_of(BEGINNING), _filled(BEGINNING, scene), WHO[BEGINNING])
    for route in BEGINNINGS:
        yield Screen(f"begin-{_name_of(route)}", ROOT + route, is_further=True)


def _name_of(route: str) -> str:
    """What its picture is called: `lists-list-import`."""
    return "-".join(re.findall(r"[\w-]+", route)) or "home"


def _filled(route: str, scene: Scene, word: str = "") -> str:
    """A route's path; `{token}` is the link of the route's own kind."""

    def part(found: re.Match[str]) -> str:
        if found[1] == "token":
            return scene.links[f"token:{route.split('/')[1]}"]
        if found[1] in WORDS:
            return WORDS[found[1]]
        return str(scene.things[word or found[1]])

    return ROOT + re.sub(r"{(\w+)[^}]*}", part, route + QUERIES.get(route, ""))
