"""Who is a bot by rule."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.editions.links import Followed
from digest.web.link_visits import BURST, Visit, is_bot, tally, visit_of

HOUR = dt.datetime(2026, 11, 23, 13, tzinfo=dt.UTC)
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
_KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
PEOPLE = (
    CHROME,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    f"Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) {_KHTML} Chrome/96.0.4664.45 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; wv) {_KHTML} Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/444.0.0.0;]",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; Microsoft Outlook 16.0.14026)",
)
ROBOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; LinkScanner/2.0)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
    "BarracudaCentral/1.0",
    "curl/8.5.0",
    "python-requests/2.32",
    "Java/17.0.2",
    "WhatsApp/2.23.20.0",
    "  ",
    "",
)


@pytest.mark.parametrize("agent", PEOPLE)
def test_a_person_is_a_person(agent: str) -> None:
    """Browsers, also of telephones and inside of other programs."""
    assert not is_bot("GET", {"user-agent": agent})
    navigation = {"sec-fetch-dest": "document", "sec-fetch-mode": "navigate", "sec-fetch-user": "?1"}
    assert not is_bot("GET", {"user-agent": agent, **navigation})


@pytest.mark.parametrize("agent", ROBOTS)
def test_a_robot_says_that_it_is_one(agent: str) -> None:
    """By its name; without a name it is one too."""
    assert is_bot("GET", {"user-agent": agent})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
        ("sec-fetch-dest", "image"),
        ("sec-fetch-dest", "iframe"),
        ("from", "crawler@example.org"),
    ],
)
def test_what_is_loaded_ahead_is_not_followed(name: str, value: str) -> None:
    """A browser that loads ahead, a picture or frame, a robot that says whose it is."""
    assert is_bot("GET", {"user-agent": CHROME, name: value})


def test_who_asks_for_headers_alone_reads_nothing() -> None:
    """HEAD is of programs."""
    assert is_bot("HEAD", {"user-agent": CHROME})


def test_who_opens_many_links_at_once_is_a_bot() -> None:
    """All that visitor's visits of the round; the same link again and again, or by many, is none of that."""
    scanner = [Visit(f"code{number}", HOUR, is_bot=False, who=b"scanner") for number in range(BURST)]
    person = [Visit(f"code{number}", HOUR, is_bot=False, who=b"person") for number in range(BURST - 1)]
    again = [Visit("code0", HOUR, is_bot=False, who=b"again")] * (BURST + 1)
    unknown = [Visit(f"code{number}", HOUR, is_bot=False) for number in range(BURST)]
    found = {each.code: (each.people, each.bots) for each in tally([*scanner, *person, *again, *unknown])}
    last = f"code{BURST - 1}"
    assert found == {"code0": (7, 1), "code1": (2, 1), "code2": (2, 1), last: (1, 1)}


def test_hours_are_kept_apart() -> None:
    """Each visit counts for its own hour, as a person's or a bot's."""
    later = HOUR + dt.timedelta(hours=1)
    visits = [Visit("a", HOUR, is_bot=False), Visit("a", later, is_bot=True), Visit("a", later, is_bot=False)]
    assert tally(visits) == [Followed("a", HOUR, 1, 0), Followed("a", later, 1, 1)]
    assert tally([]) == []


def test_a_visitor_is_known_by_a_salted_hash_alone() -> None:
    """The same for the same network and browser, another one for another; and by another salt."""

    def who(network: str, agent: str = CHROME, salt: bytes = b"one") -> bytes:
        headers = {"user-agent": agent}
        now = HOUR + dt.timedelta(minutes=59, seconds=59, microseconds=9)
        made = visit_of("a", method="GET", headers=headers, network=network, salt=salt, now=now)
        assert made.hour == HOUR
        return made.who

    assert who("192.0.2.1") == who("192.0.2.1")
    others = {who("192.0.2.2"), who("192.0.2.1", "Other"), who("192.0.2.1", salt=b"two")}
    assert len(others | {who("192.0.2.1")}) == 4
    assert who("") == b""
