"""Every page that the public sees, in each of its states, and how somebody gets to see it.

`test_every_page` holds each of them against the same checks, and this list against the routes and templates
that there are: whoever makes a page writes it down here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.lists.fresh_links import FreshKind
from digest.models import EditionState, SubscriptionStatus
from digest.tokens import Purpose
from tests.browser import page_rows as rows
from tests.browser.sites import WORDS, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

# What answers to GET and is no page of ours.
NO_PAGES = {
    "/health": "for supervisors",
    "/robots.txt": "for crawlers",
    "/favicon.ico": "the mark of a tab",
    "/sitemap.xml": "for crawlers",
    "/archive/{digest}/feed.xml": "for programs that read feeds",
    "/archive/{digest}/feed.json": "for programs that read feeds",
    "/l/{code}": "leads to a story",
    "/static": "files",
    "/p/{name}": "pictures of stories",
    "/look/{name}": "style sheets of themes",
    "/inbox/{name}/html": "somebody's mail, in a frame",
    "/inbox/{name}/source": "plain text",
    "/inbox/{name}/raw": "a file",
}
# What lies among the templates of pages and is none.
NO_PAGE_TEMPLATES = {
    "reader_parts": "macros of other templates",
    "archive_parts": "macros of other templates",
    "sign_up_plain": "a form for the paper's own page",
    "_edition_commentary": "a part of the edition",
    "_edition_headlines": "a part of the edition",
    "_edition_macros": "macros of the edition",
    "_edition_sponsor": "a part of the edition",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A page: its template, the route of its address, and how to get there.

    `path` makes what is to be seen in a language, and gives the address. `press` goes on from there as a
    reader does. `status` is that of the last answer.
    """

    template: str
    route: str
    path: Callable[[Site, str], str]
    press: Callable[[Page], object] | None = None
    status: int = 200


def _reader(tail: str = "", status: SubscriptionStatus = SubscriptionStatus.ACTIVE) -> rows.Path:
    return lambda site, language: f"/u/{site.new_reader(language, status).token}{tail}"


def _fresh(kind: FreshKind, **details: str) -> rows.Path:
    return lambda site, language: site.fresh(site.new_reader(language), kind, **details)


def _list(place: int, tail: str = "") -> rows.Path:
    return lambda _, language: f"/s/{WORDS[language].lists[place][0]}{tail}"


def _several(_: Site, language: str) -> str:
    return "/s?" + "&".join(f"list={name}" for name, _ in WORDS[language].lists)


def _click(page: Page) -> None:
    """Press the page's first button."""
    page.locator("button").first.click()


def _filled(**fields: str) -> Callable[[Page], None]:
    """Fill fields in and press the first button; the browser itself lets anything pass."""

    def fill(page: Page) -> None:
        page.locator("form").first.evaluate("form => { form.noValidate = true }")
        for name, value in fields.items():
            page.locator(f"#{name}").fill(value)
        _click(page)

    return fill


def _too_long(page: Page) -> None:
    page.locator("form").first.evaluate("""form => {
        const long = document.createElement("textarea");
        [long.name, long.value, long.hidden] = ["long", "x".repeat(9000), true];
        form.append(long);
    }""")
    _click(page)


def _erase(page: Page) -> None:
    word = page.locator("label strong").inner_text()
    _filled(word=word)(page)


_LONG = "no address " + "x" * 60
_PENDING, _PAUSED, _ENDED = SubscriptionStatus.PENDING, SubscriptionStatus.PAUSED, SubscriptionStatus.ENDED

PAGES: dict[str, Seen] = {
    "front": Seen("front", "/", lambda *_: "/"),
    "edition": Seen("edition", "/e/{public_id}", lambda site, to: f"/e/{site.papers[to].public_id}"),
    "archive": Seen("archive", "/archive/{digest}", lambda site, to: site.archive(to)),
    "archive of a month": Seen(
        "archive_month", "/archive/{digest}/{month}", lambda site, to: f"{site.archive(to)}/2026-11"
    ),
    # Signing up.
    "sign-up": Seen("sign_up", "/s/{name}", _list(0)),
    "sign-up to several": Seen("sign_up", "/s", _several),
    "sign-up with a fault": Seen("sign_up", "/s/{name}", _list(0), _filled(address=_LONG), 400),
    "sign-up to several with a fault": Seen("sign_up", "/s", _several, _filled(address=_LONG), 400),
    "sign-up taken": Seen("sign_up_done", "/s/{name}", _list(0), _filled(address="a@mail.test")),
    "sign-up to several taken": Seen("sign_up_done", "/s", _several, _filled(address="b@mail.test")),
    "too many sign up": Seen("sign_up", "/s/{name}", rows.crowded, _filled(address="c@mail.test"), 429),
    "confirm": Seen("confirm", "/c/{token}", rows.to_confirm),
    "confirmed": Seen("confirmed", "/c/{token}", rows.to_confirm, _click),
    # The reader's page.
    "reader": Seen("reader", "/u/{token}/page", _reader("/page")),
    "reader who has changed something": Seen(
        "reader", "/u/{token}/page", _reader("/page?done=cadence&was=1")
    ),
    "reader who was mailed a link": Seen("reader", "/u/{token}/page", _reader("/page?done=mailed")),
    "reader who chose no day": Seen("reader", "/u/{token}/page", _reader("/page?done=bad_date")),
    "reader of large letters who pauses": Seen("reader", "/u/{token}/page", rows.paused_until),
    "reader who pauses": Seen("reader", "/u/{token}/page", _reader("/page", _PAUSED)),
    "reader who has not confirmed": Seen("reader", "/u/{token}/page", _reader("/page", _PENDING)),
    "reader who has left": Seen("reader_left", "/u/{token}/page", rows.left_one),
    "reader who left long ago": Seen("reader_left", "/u/{token}/page", _reader("/page", _ENDED)),
    "reader who is erased": Seen("signed_off", "/u/{token}/page", rows.erased),
    # Leaving and coming back.
    "sign-off": Seen("sign_off", "/u/{token}", _reader()),
    "sign-off of whom pauses": Seen("sign_off", "/u/{token}", _reader("", _PAUSED)),
    "sign-off of whom has not confirmed": Seen("sign_off", "/u/{token}", _reader("", _PENDING)),
    "signed off": Seen("reader_left", "/u/{token}", _reader(), _click),
    "undo": Seen("reader_undo", "/undo/{token}", rows.undo_after_leaving),
    "nothing to undo": Seen("reader_undo", "/undo/{token}", lambda s, to: s.undo(s.new_reader(to))),
    "nothing to undo, sign up": Seen(
        "reader_undo", "/undo/{token}", lambda s, to: s.undo(s.new_reader(to, _ENDED))
    ),
    # What fresh links open.
    "data": Seen("reader_data", "/f/{kind}/{token}", _fresh(FreshKind.DATA)),
    "fresh link that was used": Seen("reader_used", "/f/{kind}/{token}", rows.used, status=410),
    "erase": Seen("reader_erase", "/f/{kind}/{token}", _fresh(FreshKind.ERASE)),
    "erase with another word": Seen(
        "reader_erase", "/f/{kind}/{token}", _fresh(FreshKind.ERASE), _filled(word="x"), 422
    ),
    "erased": Seen("reader_erased", "/f/{kind}/{token}", _fresh(FreshKind.ERASE), _erase),
    "another address": Seen("reader_address", "/f/{kind}/{token}", _fresh(FreshKind.ADDRESS)),
    "another address with a fault": Seen(
        "reader_address", "/f/{kind}/{token}", _fresh(FreshKind.ADDRESS), _filled(address=_LONG), 422
    ),
    "another address asked for": Seen(
        "reader_address_asked",
        "/f/{kind}/{token}",
        _fresh(FreshKind.ADDRESS),
        _filled(address="new@mail.test"),
    ),
    "new address": Seen(
        "reader_new_address", "/f/{kind}/{token}", _fresh(FreshKind.NEW_ADDRESS, address="new@mail.test")
    ),
    "new address that is taken": Seen("reader_new_address", "/f/{kind}/{token}", rows.taken_address),
    "new address that is refused": Seen("reader_new_address", "/f/{kind}/{token}", rows.refused_address),
    # Whether it is still wanted.
    "keep": Seen("keep", "/k/{token}", rows.asked_to_keep),
    "kept": Seen("kept", "/k/{token}", rows.asked_to_keep, _click),
    "too late to keep": Seen("keep_late", "/k/{token}", rows.too_late_to_keep),
    "too late to keep, closed": Seen("keep_late", "/k/{token}", rows.too_late_and_closed),
    # For the staff.
    "stop": Seen("stop", "/stop/{token}", rows.stop(EditionState.FROZEN)),
    "stop what has begun": Seen("stop", "/stop/{token}", rows.stop(EditionState.SENDING)),
    "stopped": Seen("stopped", "/stop/{token}", rows.stop(EditionState.HELD)),
    "stopped half-way": Seen("stopped", "/stop/{token}", rows.stop(EditionState.PAUSED)),
    "approve": Seen("proof", "/proof/{token}", rows.proof()),
    "approved": Seen("proof", "/proof/{token}", rows.proof(), _click),
    "changed since it was to be approved": Seen("proof", "/proof/{token}", rows.proof(is_changed=True)),
    "nothing to approve": Seen("proof", "/proof/{token}", rows.proof(EditionState.SENT)),
    "nothing to stop": Seen("stopped", "/stop/{token}", rows.stop(EditionState.SENT)),
    "inbox without mail": Seen("inbox", "/inbox", rows.empty_inbox),
    "inbox": Seen("inbox", "/inbox", rows.full_inbox),
    "mail as it looks": Seen("message", "/inbox/{name}", rows.caught("html")),
    "mail as text": Seen("message", "/inbox/{name}", rows.caught("text")),
    "mail as source": Seen("message", "/inbox/{name}", rows.caught("source")),
    # What goes wrong.
    "no such page": Seen("error", "", lambda *_: "/other", status=404),
    "no archive": Seen("no_archive", "/archive/{digest}", lambda *_: "/archive/other", status=404),
    "no such list": Seen("error", "/s/{name}", lambda *_: "/s/other", status=404),
    "link that is not ours": Seen("link_not_valid", "/u/{token}", lambda *_: "/u/other", status=404),
    "link of another kind": Seen(
        "link_not_valid",
        "/c/{token}",
        lambda site, to: f"/c/{site.link(Purpose.UNSUBSCRIBE, site.new_reader(to))}",
        status=404,
    ),
    "question that makes no sense": Seen(
        "error", "/inbox", lambda *_: f"/inbox?before={'x' * 65}", status=400
    ),
    "form that is too long": Seen("error", "/u/{token}", _reader(), _too_long, 413),
    "our fault": Seen("error", "/u/{token}/page", rows.broken, status=500),
}
