"""Sites that fail in every way there is: a fault in words, old stories kept, other sources untouched."""

from __future__ import annotations

import datetime as dt
import gzip
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.editions.cadences import add_extra
from digest.editions.digests import use_sources
from digest.editions.freeze import FreezeSettings, freeze
from digest.feeds.challenge import Guard
from digest.feeds.types import ParseCode
from digest.i18n import LANGUAGES, translator
from digest.models import Cadence, Digest, Edition, EditionState, Item, Post, Reason, Source
from digest.net.http import Answer, FetchCode, Fetcher, Limits
from digest.sources.catalogue import add_source
from digest.sources.challenges import request_to_host
from digest.sources.collect import collect
from digest.sources.health import SENTENCES, fault_sentence
from digest.sources.looks import LookCode
from tests.factories import make_cadence, make_digest
from tests.feeds import FeedPost, rss
from tests.servers.news_site import NewsSite, Page
from tests.servers.waiting import HANG

INTERVAL = dt.timedelta(minutes=15)

_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<rss version='2.0'><channel><title>&b;</title></channel></rss>"
)
_BLANK = b"<?xml version='1.0'?><rss version='2.0'><channel><title>The Courier</title></channel></rss>"

# What the site answers, and what is then wrong with the source.
_FAULTS: dict[str, tuple[Page, str]] = {
    "server error": (Page(status=500), FetchCode.HTTP_STATUS),
    "gone": (Page(status=404), FetchCode.HTTP_STATUS),
    "slow to begin": (Page(b"late", delay=30), FetchCode.TIMEOUT),
    "slow to end": (Page(b"x" * 10_000, drip=0.05), FetchCode.TIMEOUT),
    "slow in its head": (Page(b"x", slow_headers=0.2), FetchCode.TIMEOUT),
    "endless": (Page(b"x" * 65_536, endless=True), FetchCode.TOO_LARGE),
    "endless packed": (
        Page(gzip.compress(b"x" * 300_000), headers=(("Content-Encoding", "gzip"),)),
        FetchCode.TOO_LARGE,
    ),
    "cut off": (Page(b"x" * 5_000, cut=100), FetchCode.BAD_ANSWER),
    "badly packed": (Page(b"not gzip", headers=(("Content-Encoding", "gzip"),)), FetchCode.BAD_ANSWER),
    "round and round": (Page(status=302, headers=(("Location", "/feed/"),)), FetchCode.TOO_MANY_REDIRECTS),
    "into a private network": (
        Page(status=302, headers=(("Location", "http://10.0.0.1/feed/"),)),
        FetchCode.REFUSED_ADDRESS,
    ),
    "to no address of the web": (
        Page(status=302, headers=(("Location", "ftp://news.example.org/feed/"),)),
        FetchCode.BAD_ADDRESS,
    ),
    "a page": (
        Page(b"<!doctype html><title>Welcome</title><p>Hello", content_type="text/html"),
        ParseCode.NOT_A_FEED,
    ),
    "a picture": (Page(b"\x89PNG\r\n\x1a\n" + bytes(200), content_type="image/png"), ParseCode.NOT_A_FEED),
    "a challenge": (
        Page(
            b"<!doctype html><title>Just a moment...</title><script>window._cf_chl_opt={}</script>",
            status=403,
            content_type="text/html",
            headers=(("cf-mitigated", "challenge"),),
        ),
        FetchCode.CHALLENGE,
    ),
    "a challenge that says all is well": (
        Page(b"<html><script>var sucuri_cloudproxy_js=''</script></html>", content_type="text/html"),
        FetchCode.CHALLENGE,
    ),
    "broken XML": (Page(b"<?xml version='1.0'?><channel <<< & title>Half a"), ParseCode.NOT_A_FEED),
    "a bomb": (Page(_BOMB), ParseCode.ENTITIES),
    "nothing": (Page(b""), ParseCode.EMPTY),
    "white space": (Page(b" \r\n\t "), ParseCode.EMPTY),
}


class QuickFetcher(Fetcher):
    """As the real one, with limits that a test can wait for.

    Soon out of patience only with the site that is slow: any other may take its time on a busy machine.
    """

    slow = ""  # the start of its URLs

    def get(self, url: str, **given: Any) -> Answer:
        seconds = 0.25 if self.slow and url.startswith(self.slow) else HANG
        return super().get(url, **{**given, "limits": Limits(max_bytes=200_000, seconds=seconds)})


@dataclass
class Paper:
    """A digest of two sources: one that works, and one that is going to fail."""

    database: Database
    good: NewsSite
    bad: NewsSite
    fetcher: QuickFetcher
    good_id: int
    bad_id: int
    cadence_id: int

    def publish(self, site: NewsSite, *posts: FeedPost) -> None:
        site.put("/feed/", Page(rss(posts, site=site.url("").rstrip("/"))))

    def fail(self, kind: str) -> None:
        """From now on the bad site has this fault."""
        self.bad.put("/feed/", _FAULTS[kind][0])
        self.fetcher.slow = self.bad.url("") if kind.startswith("slow") else ""

    def collect(self, source_id: int) -> str | None:
        found = collect(self.database, source_id, self.fetcher, interval=INTERVAL, now=clock.utc_now())
        return found.fault

    def source(self, source_id: int) -> Source:
        with self.database.read() as session:
            return session.get_one(Source, source_id)

    def titles(self) -> set[str]:
        """Every story that is known."""
        with self.database.read() as session:
            return set(session.scalars(sa.select(Post.title)))

    def come_out(self) -> tuple[Edition, list[str]]:
        """Freeze an extra edition; it and the titles in it."""
        now = clock.utc_now()
        with self.database.write() as session:
            session.execute(sa.update(Source).values(last_fetch_at=None))
            cadence = session.get_one(Cadence, self.cadence_id)
            edition_id = add_extra(session, cadence, due_at=now, actor="test", now=now).id
        settings = FreezeSettings(
            self.fetcher, "https://digest.courier.example", None, INTERVAL, dt.timedelta(minutes=2)
        )
        freeze(self.database, edition_id, settings)
        with self.database.read() as session:
            edition = session.get_one(Edition, edition_id)
            stories = session.scalars(sa.select(Item.story).where(Item.revision_id == edition.revision_id))
            return edition, [story["title"] for story in stories]


@pytest.fixture
def paper(database: Database) -> Iterator[Paper]:
    """Both sources have been read once: an old story of each is known."""
    now = clock.utc_now()
    with NewsSite() as good, NewsSite() as bad, QuickFetcher([good.host, bad.host]) as fetcher:
        with database.write() as session:
            digest = make_digest(session, recent_least=0)
            cadence = make_cadence(session, digest, is_running=False)
            sources = [
                add_source(session, site.url("/feed/"), backlog=dt.timedelta(days=7), actor="test", now=now)
                for site in (good, bad)
            ]
            use_sources(session, digest, sources, actor="test", now=now)
        made = Paper(database, good, bad, fetcher, sources[0].id, sources[1].id, cadence.id)
        made.publish(good, _post(1, "Old and good"))
        made.publish(bad, _post(2, "Old and kept"))
        for source_id in (made.good_id, made.bad_id):
            assert made.collect(source_id) is None
        yield made


def _post(number: int, title: str) -> FeedPost:
    return FeedPost(number, title, clock.utc_now() - dt.timedelta(hours=number))


def test_a_site_that_fails_is_noted_and_disturbs_nothing(paper: Paper) -> None:
    """One fault after another: each is on the source, its stories stay, and the other source is read."""
    for number, (kind, (_, code)) in enumerate(_FAULTS.items(), 1):
        paper.fail(kind)
        assert paper.collect(paper.bad_id) == code, kind
        source = paper.source(paper.bad_id)
        assert (source.fault_code, source.faults_in_a_row) == (code, number), kind
        assert source.next_fetch_at > clock.utc_now(), kind
        assert source.last_good_at is not None, kind
        assert paper.titles() == {"Old and good", "Old and kept"}, kind
    paper.publish(paper.good, _post(3, "New and good"), _post(1, "Old and good"))
    assert paper.collect(paper.good_id) is None
    assert paper.source(paper.good_id).fault_code is None
    assert paper.titles() == {"Old and good", "Old and kept", "New and good"}


@pytest.mark.parametrize("kind", ["server error", "slow to begin", "a page"])
def test_an_edition_is_made_of_what_is_known(paper: Paper, kind: str) -> None:
    """A source that fails at the freeze holds nothing up: its old story goes in beside the other's new."""
    paper.fail(kind)
    paper.publish(paper.good, _post(3, "New and good"), _post(1, "Old and good"))
    edition, titles = paper.come_out()
    assert edition.state is EditionState.FROZEN
    assert sorted(titles) == ["New and good", "Old and good", "Old and kept"]
    assert paper.source(paper.bad_id).fault_code == _FAULTS[kind][1]


def test_a_fault_is_said_in_words(paper: Paper) -> None:
    """What it is and what to do, in the editor's language, on one line, without a trace."""
    for kind in ("server error", "slow to begin", "endless", "a page", "a challenge", "a bomb", "nothing"):
        paper.fail(kind)
        paper.collect(paper.bad_id)
        source = paper.source(paper.bad_id)
        for language in LANGUAGES:
            told = fault_sentence(str(source.fault_code), source.fault_detail, translator(language))
            assert "Traceback" not in told
            assert "\n" not in told
            assert told[0].isupper()
            assert len(told) < 400
            assert bool(re.match("[\u0531-\u0587]", told)) == (language == "hy"), told


def test_a_challenge_is_told_with_what_to_send(paper: Paper) -> None:
    """The fault names the guard; the sentence for the host has the address and how we call ourselves."""
    paper.fail("a challenge")
    paper.collect(paper.bad_id)
    source = paper.source(paper.bad_id)
    assert source.fault_detail == "Cloudflare stands before the site, status 403."
    for language in LANGUAGES:
        told = request_to_host(
            source.fault_detail, address=source.url, agent="Digest/0.1 (x)", words=translator(language)
        )
        assert all(word in told for word in (source.url, "Digest/0.1 (x)", "Cloudflare", "Bot Fight Mode"))
        assert bool(re.match("[\u0531-\u0587]", told)) == (language == "hy"), told


def test_every_guard_has_words_for_its_host() -> None:
    """Each is named in what its host is asked; one that hides its name is not called anything."""
    words = translator("en")
    for guard in Guard:
        told = request_to_host(f"{guard.value} stands there", address="A", agent="B", words=words)
        assert (guard.value in told) == (guard is not Guard.UNKNOWN), told
    unknown = request_to_host("", address="A", agent="B", words=words)
    assert "proof of being a person" in unknown


def test_a_challenge_asks_for_patience_too(paper: Paper) -> None:
    """A Retry-After beside a challenge is obeyed."""
    page = Page(status=429, headers=(("Retry-After", "7200"), ("x-vercel-mitigated", "challenge")))
    paper.bad.put("/feed/", page)
    assert paper.collect(paper.bad_id) == FetchCode.CHALLENGE
    wait = (paper.source(paper.bad_id).next_fetch_at - clock.utc_now()).total_seconds()
    assert 7000 < wait <= 7200


def test_a_site_that_is_away(paper: Paper) -> None:
    """Nobody listens there any more."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: a connection is refused
        with paper.database.write() as session:
            address = f"http://127.0.0.1:{taken.getsockname()[1]}/feed/"
            session.get_one(Source, paper.bad_id).url = address
        everywhere = QuickFetcher(["127.0.0.1"])
        found = collect(paper.database, paper.bad_id, everywhere, interval=INTERVAL, now=clock.utc_now())
    assert found.fault == FetchCode.UNREACHABLE
    assert paper.titles() == {"Old and good", "Old and kept"}


def test_nothing_is_mailed_when_every_site_is_down(paper: Paper) -> None:
    """There is no story left and none can be read: skipped with the reason, never a blank mail."""
    with paper.database.write() as session:
        session.execute(sa.delete(Post))
    for site in (paper.good, paper.bad):
        site.put("/feed/", Page(status=503))
    edition, titles = paper.come_out()
    assert (edition.state, edition.reason) == (EditionState.SKIPPED, Reason.SOURCES_DOWN)
    assert (edition.revision_id, titles) == (None, [])


def test_nothing_is_mailed_when_the_news_is_blank(paper: Paper) -> None:
    """A feed without posts is no fault and no news."""
    with paper.database.write() as session:
        session.execute(sa.delete(Post))
    for site in (paper.good, paper.bad):
        site.put("/feed/", Page(_BLANK))
    edition, titles = paper.come_out()
    assert (edition.state, edition.reason) == (EditionState.SKIPPED, Reason.NOTHING_NEW)
    assert titles == []
    assert paper.source(paper.bad_id).fault_code is None


def test_a_site_that_comes_back_is_well_again(paper: Paper) -> None:
    """The fault goes with the next good answer, and what came out meanwhile is news."""
    paper.bad.put("/feed/", Page(status=503))
    for number in range(1, 4):
        assert paper.collect(paper.bad_id) == FetchCode.HTTP_STATUS
        assert paper.source(paper.bad_id).faults_in_a_row == number
    paper.publish(paper.bad, _post(4, "Back again"), _post(2, "Old and kept"))
    assert paper.collect(paper.bad_id) is None
    source = paper.source(paper.bad_id)
    assert (source.fault_code, source.fault_detail, source.faults_in_a_row) == (None, "", 0)
    assert "Back again" in paper.titles()


def test_a_site_that_fails_is_asked_ever_more_rarely(paper: Paper) -> None:
    """Twice as long each time, at most six hours, with a little chance in it."""
    paper.bad.put("/feed/", Page(status=503))
    waits = []
    for _ in range(8):
        paper.collect(paper.bad_id)
        waits.append((paper.source(paper.bad_id).next_fetch_at - clock.utc_now()).total_seconds() / 60)
    for wait, wanted in zip(waits, (15, 30, 60, 120, 240, 360, 360, 360), strict=True):
        assert wanted * 0.89 <= wait <= wanted * 1.11


def test_a_site_that_asks_for_patience_gets_it(paper: Paper) -> None:
    """Retry-After is obeyed where it is longer than our own wait."""
    paper.bad.put("/feed/", Page(status=429, headers=(("Retry-After", "7200"),)))
    paper.collect(paper.bad_id)
    wait = (paper.source(paper.bad_id).next_fetch_at - clock.utc_now()).total_seconds()
    assert 7000 < wait <= 7200


def test_every_fault_is_planted() -> None:
    """Each code that can stand on a source, above; what only a look at a story's own page meets, there."""
    away = {FetchCode.UNREACHABLE}  # `test_a_site_that_is_away`
    assert {code for _, code in _FAULTS.values()} | away == {*FetchCode, *ParseCode}


def test_a_source_that_is_gone_is_no_error(paper: Paper) -> None:
    """A hint at a source that was removed meanwhile does nothing."""
    assert paper.collect(99_999) is None
    with paper.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Digest)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fault_has_its_words(language: str) -> None:
    """One sentence for each code, in each language, all different."""
    words = translator(language)
    codes = [*FetchCode, *ParseCode, *LookCode]
    assert set(SENTENCES) == set(codes)
    told = {fault_sentence(code, "", words) for code in codes}
    assert len(told) == len(codes)
    assert all(bool(re.search("[\u0531-\u0587]", each)) == (language == "hy") for each in told)
