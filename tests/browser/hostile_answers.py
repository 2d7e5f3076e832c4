"""The pages of the desk that answer a form, each brought by pressing it, with hostile words from all sides.

No address leads to them. A site, a list of feeds and the DNS bring words of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from digest.db import Database
from digest.models import Account
from tests.browser.hostile_rows import PAYLOADS, HostileHouse
from tests.servers.dns import DnsServer
from tests.servers.news_site import NewsSite
from tests.servers.news_site import Page as Answer

if TYPE_CHECKING:
    from playwright.sync_api import Page

Forms = dict[str, tuple[str, "Callable[[Page], None]"]]
_MOST: Final = 200  # what is said in one TXT record
_DOMAIN: Final = "courier.example"


class Around(NamedTuple):
    """What is asked outside."""

    site: NewsSite
    dns: DnsServer


@contextlib.contextmanager
def around() -> Iterator[Around]:
    """A site whose every word is hostile, and a DNS in which every text is."""
    plain = [each for each in PAYLOADS if each.isascii() and each.isprintable() and len(each) < _MOST]
    zone = {
        _DOMAIN: {"TXT": [f"v=spf1 include:a.test {plain[0]}", *plain[1:4]], "MX": [f"10 mx.{_DOMAIN}"]},
        f"_dmarc.{_DOMAIN}": {"TXT": [f"v=DMARC1; p={plain[4]}"]},
    }
    with NewsSite() as site, DnsServer(zone) as dns:
        site.put("/feed/", Answer(_feed(site.url("/"), plain).encode()))
        yield Around(site, dns)


def answers(house: HostileHouse, database: Database, site: NewsSite) -> Forms:
    """By a name: the page with the form, and what is done there until the answer has come."""
    return {
        "what the DNS says": ("/desk/settings/senders", _look_at_dns),
        "what a site has": ("/desk/sources/new", lambda page: _look_at(page, site.url("/feed/"))),
        "no site": ("/desk/sources/new", lambda page: _look_in_vain(page, site.url("/none"))),
        "what became of a list": ("/desk/sources/new", _hand_in_list),
        "who has left": (f"/desk/people/{house.leaver}", lambda page: _let_leave(page, house, database)),
    }


def _feed(url: str, words: list[str]) -> str:
    items = "".join(
        f"<item><title>{escape(each)}</title><link>{url}{number}</link><description>{escape(each)}</description>"
        f"<category>{escape(each)}</category></item>"
        for number, each in enumerate(words[:20])
    )
    head = f"<title>{escape(words[5])}</title><link>{url}</link>"
    return f'<rss version="2.0"><channel>{head}{items}</channel></rss>'


def _look_at_dns(page: Page) -> None:
    page.locator("main form button.btn-primary").first.click()
    page.locator("#sheet").wait_for()


def _look_at(page: Page, address: str) -> None:
    page.locator("#f-address").fill(address)
    page.locator(".site-form button").click()
    page.locator("[name=offer]").wait_for(state="attached")


def _look_in_vain(page: Page, address: str) -> None:
    page.locator("#f-address").fill(f"{address}?{PAYLOADS[0]}")
    page.locator(".site-form button").click()
    page.locator("#e-address").wait_for()


def _hand_in_list(page: Page) -> None:
    lines = "".join(
        f"<outline type='rss' text={quoteattr(each)} xmlUrl={quoteattr(f'https://list.example/{number}/{each}')}/>"
        for number, each in enumerate(each for each in PAYLOADS if each.isprintable())
    )
    body = f'<opml version="2.0"><body>{lines}</body></opml>'.encode()
    page.locator("#f-file").set_input_files({"name": "<b>.opml", "mimeType": "text/xml", "buffer": body})
    page.locator("form", has=page.locator("#f-file")).locator("button").click()
    page.locator("main td").first.wait_for()


def _let_leave(page: Page, house: HostileHouse, database: Database) -> None:
    page.locator("[commandfor=leave][command=show-modal]").click()
    page.locator("#f-heir").select_option(index=1)
    page.locator("dialog[open] .btn-danger").click()
    page.locator("main h2").wait_for()
    with database.read() as session:
        assert session.get_one(Account, house.leaver).disabled_at is not None
