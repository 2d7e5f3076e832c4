"""Papers that do to their feeds what sites do: a seeded life of feeds, each article marked in its text.

    paper = Paper(seed)
    for feed in paper.life(8):
        ... feed.posts is what a parser would give; marker(post) tells which article it is ...

Between two feeds a paper changes what its software promises to survive: where the id is a thing of its own,
two things at once; where it is the address, or the same for all, one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from digest.feeds.types import ParsedPost

FEED_URL = "https://paper.example.org/feed/"
START = dt.datetime(2026, 3, 2, 6, 0, tzinfo=dt.UTC)
_WINDOW = 8  # articles in a feed
_MARK = re.compile(r"article-(\d+)-end")
_WORDS = ("harbour", "mill", "orchard", "choir", "bridge", "library", "market", "school", "river", "stage")

# Where the id is the address, or no id, a change of two things at once leaves nothing to know a post by.
KINDS = ("wordpress", "uuid", "permalink", "none", "constant", "positional", "front page")
_TWO_AT_ONCE = {"wordpress", "uuid"}


@dataclass
class Article:
    number: int
    title: str
    published_at: dt.datetime
    slug: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """One answer of a paper; `changes` is what it has done since the last one."""

    at: dt.datetime
    posts: tuple[ParsedPost, ...]
    changes: tuple[str, ...]


@dataclass
class Paper:
    seed: int
    kind: str = ""
    articles: list[Article] = field(default_factory=list)
    scheme: str = "http"
    host: str = "paper.example.org"
    tail: str = ""
    slash: bool = True
    ids: int = 0  # how often its ids were made anew
    is_reversed: bool = False
    dated_now: bool = False
    undated: bool = False
    repeats: bool = False

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.kind = self.kind or KINDS[self.seed % len(KINDS)]

    def life(self, feeds: int) -> Iterator[Feed]:
        """The feeds of some days; in each there may be new articles, and something else than before."""
        now = START
        for number in range(feeds):
            now += dt.timedelta(hours=self.random.randint(2, 30))
            self._publish(now, self.random.randint(1, 3))
            changes = self._change() if number else ()
            yield Feed(now, tuple(self._feed(now)), changes)

    def in_feed(self) -> set[int]:
        return {article.number for article in self.articles[-_WINDOW:]}

    def _publish(self, now: dt.datetime, count: int) -> None:
        for _ in range(count):
            number = len(self.articles)
            words = " ".join(self.random.choice(_WORDS) for _ in range(3))
            minutes = self.random.randint(1, 90)
            title = f"The {words} and its year, {number}"
            self.articles.append(
                Article(
                    number, title, now - dt.timedelta(minutes=minutes), f"{number}-{words.replace(' ', '-')}"
                )
            )

    def _change(self) -> tuple[str, ...]:
        # That the dates are as before is a change as well.
        were_changed = self.dated_now or self.undated
        self.dated_now = self.undated = self.repeats = False
        harmless = self.random.sample(sorted(HARMLESS), self.random.randint(0, 2))
        most = (2 if self.kind in _TWO_AT_ONCE else 1) - were_changed
        telling = self.random.sample(sorted(self._telling()), self.random.randint(0, most))
        for name in (*harmless, *telling):
            CHANGES[name](self)
        return (*harmless, *telling)

    def _telling(self) -> set[str]:
        left_out = {
            "permalink": {"new ids"},
            "none": {"new ids"},
            # An id that is used again is told by the date, among others.
            "constant": {"new ids", "undated"},
            "positional": {"new ids", "undated"},
        }
        return set(TELLING) - left_out.get(self.kind, set())

    def _feed(self, now: dt.datetime) -> Iterator[ParsedPost]:
        newest_first = self.articles[: -_WINDOW - 1 : -1]
        posts = [self._post(article, place, now) for place, article in enumerate(newest_first)]
        if self.repeats:
            posts.insert(1, posts[-1])
        yield from reversed(posts) if self.is_reversed else posts

    def _post(self, article: Article, place: int, now: dt.datetime) -> ParsedPost:
        path = "/" if self.kind == "front page" else f"/2026/{article.slug}{'/' if self.slash else ''}"
        url = f"{self.scheme}://{self.host}{path}"
        date = now - dt.timedelta(seconds=place) if self.dated_now else article.published_at
        return ParsedPost(
            guid=self._guid(article, place, url),
            url=url + self.tail,
            title=article.title,
            published_at=None if self.undated else date,
            body_html=f"<p>Version {article.version} of article-{article.number}-end</p>",
        )

    def _guid(self, article: Article, place: int, url: str) -> str:
        number = f"{self.ids * 1000 + article.number:012d}"
        match self.kind:
            case "wordpress":
                return f"{self.scheme}://{self.host}/?p={self.ids * 1000 + article.number + 1}"
            case "uuid" | "front page":
                return f"urn:uuid:00000000-0000-4000-8000-{number}"
            case "permalink":
                return url
            case "constant":
                return "news"
            case "positional":
                return f"item-{place}"
            case _:
                return ""


def marker(text: str) -> int:
    """Which article a body is of."""
    found = _MARK.search(text)
    assert found
    return int(found[1])


def _set(**values: object) -> Callable[[Paper], None]:
    return lambda paper: [setattr(paper, name, value) for name, value in values.items()] and None


def _host(paper: Paper) -> None:
    paper.host = f"paper-{paper.random.randint(0, 10**6)}.example.net"


def _slugs(paper: Paper) -> None:
    for article in paper.articles:
        article.slug = f"{article.number}-at-{paper.random.randint(0, 10**6)}"


def _titles(paper: Paper) -> None:
    for article in paper.random.sample(paper.articles, min(3, len(paper.articles))):
        article.title = f"Put right: number {article.number} of the year, {paper.random.randint(0, 10**6)}"


def _bodies(paper: Paper) -> None:
    for article in paper.articles:
        article.version += 1


def _ids(paper: Paper) -> None:
    paper.ids += 1


def _turn(paper: Paper) -> None:
    paper.is_reversed = not paper.is_reversed


def _tail(paper: Paper) -> None:
    paper.tail = "" if paper.tail else "?utm_source=rss&fbclid=1#more"


def _slash(paper: Paper) -> None:
    paper.slash = not paper.slash


HARMLESS: dict[str, Callable[[Paper], None]] = {
    "https": _set(scheme="https"),
    "reversed": _turn,
    "campaign": _tail,
    "slash": _slash,
    "edited": _bodies,
    "repeated": _set(repeats=True),
}
TELLING: dict[str, Callable[[Paper], None]] = {
    "host": _host,
    "slugs": _slugs,
    "titles": _titles,
    "new ids": _ids,
    "dated now": _set(dated_now=True),
    "undated": _set(undated=True),
}
CHANGES = HARMLESS | TELLING


def as_of(post: ParsedPost, **values: object) -> ParsedPost:
    return dataclasses.replace(post, **values)  # type: ignore[arg-type]
