"""What our reader makes of a WordPress, step by step: of the one that the tests use, and of a real one.

The test compares the tests' site with what is known of a real one; the proof asks a real one for the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.feeds.oddities import OddCode, is_kept
from digest.models import Fetch, Post, PostSource, Source
from digest.net.http import Fetcher, user_agent
from digest.sources.catalogue import add_source
from digest.sources.collect import collect
from digest.sources.find import find
from digest.sources.recheck import recheck
from tests.servers.wordpress_answers import Site

_INTERVAL = dt.timedelta(minutes=15)
_FULL = dt.timedelta(hours=5)  # after so long all is looked at again
_TEXT = "YEREVAN &#8212; The river rose in the night, and by the morning it stood at the market."
_LOST = {"Draft again": "draft", "For the desk": "private"}

Step = tuple[str, object]


@dataclass
class Reading:
    """A site, and our source of it. `now` goes on with each collection."""

    site: Site
    database: Database
    fetcher: Fetcher
    now: dt.datetime
    source_id: int = 0

    def add(self) -> list[object]:
        """Find and add the site by its front page, as `digest source add` does; what was found."""
        found = find(self.site.url("/"), self.fetcher, agent=user_agent(), pause=lambda _: None)
        best = found.best
        assert best is not None, found
        assert best.api_url is not None, best
        with self.database.write() as session:
            source = add_source(
                session,
                best.url,
                backlog=dt.timedelta(days=30),
                actor="test",
                now=self.now,
                kind=best.kind,
                api_url=best.api_url,
                query=best.query,
            )
            self.source_id = source.id
        return [
            best.kind.value,
            best.why.name,
            urlsplit(best.url).path,
            urlsplit(best.api_url).path,
            best.query,
        ]

    def collect(self, *, after: dt.timedelta = _INTERVAL) -> list[object]:
        """How the feed answered, and how many posts are new, and changed."""
        self.now += after
        done = collect(self.database, self.source_id, self.fetcher, interval=_INTERVAL, now=self.now)
        with self.database.read() as session:
            latest = sa.select(Fetch.status).order_by(Fetch.id.desc()).limit(1)
            return [session.scalar(latest), done.new, done.changed, done.fault]

    def posts(self) -> dict[str, list[object]]:
        """What is stored of each post, by its title; None in place of a reason where it is offered."""
        with self.database.read() as session:
            found = session.scalars(
                sa.select(Post)
                .join(PostSource, PostSource.post_id == Post.id)
                .where(PostSource.source_id == self.source_id, PostSource.is_news)
                .order_by(Post.title)
            )
            return {
                post.title: [
                    urlsplit(post.url).path,
                    post.author,
                    sorted(post.categories),
                    sorted(post.tags),
                    post.excerpt,
                    post.body_html,
                    post.withdrawn.value if post.withdrawn else None,
                ]
                for post in found
            }

    def states(self) -> dict[str, object]:
        """Why each post is not offered, or None."""
        return {title: values[-1] for title, values in self.posts().items()}

    def recheck(self) -> list[object]:
        """What the last look before a lock finds of all posts that are offered, by their titles."""
        with self.database.read() as session:
            titles: dict[int, str] = {
                post.id: post.title
                for post in session.scalars(sa.select(Post).where(Post.withdrawn.is_(None)))
            }
        found = recheck(self.database, list(titles), self.fetcher, now=self.now)
        return [
            {titles[post_id]: why.value for post_id, why in sorted(found.dropped.items())},
            {titles[post_id]: code for post_id, code in found.unknown.items()},
            sorted(titles[post_id] for post_id in found.changed),
        ]

    def oddities(self) -> list[dict[str, Any] | str]:
        with self.database.read() as session:
            return list(session.get_one(Source, self.source_id).oddities)


def steps(site: Site, database: Database, fetcher: Fetcher) -> Iterator[Step]:
    """Each step in words, and what came of it."""
    here = Reading(site, database, fetcher, clock.utc_now())
    _fill(site)
    yield "what is found at the front page", here.add()
    yield "the first collection", [here.collect(), here.posts()]
    yield from _changes(site, here)
    yield from _last_looks(site, here)
    site.shut_rest(is_shut=True)
    _publish(site, "By the feed", slug="by-the-feed", age=0)
    yield (
        "a story while the interface is shut",
        [
            here.collect(),
            here.states().get("By the feed", "missing"),
            is_kept(OddCode.REST_SHUT, here.oddities()),
        ],
    )
    site.shut_rest(is_shut=False)
    _publish(site, "By both", slug="by-both", age=0)
    yield "a story when it is open again", [here.collect(), here.posts().get("By both"), here.oddities()]


def _changes(site: Site, here: Reading) -> Iterator[Step]:
    """What editors do between collections."""
    site.trash("A ferry")
    yield "a story in the bin behind a 304", [here.collect(), here.states()["A ferry"]]
    yield "the full check finds it", [here.collect(after=_FULL), here.states()["A ferry"]]
    site.edit("Rivers rise", title="Rivers fall", content=f"<p>{_TEXT} Then it fell.</p>")
    yield "an edited story", [here.collect(), here.posts()["Rivers fall"], "Rivers rise" in here.posts()]
    site.edit("A choir", tags=["no-digest"])
    yield "a story that is marked as not for the digest", [here.collect(), here.states()["A choir"]]
    site.edit("A choir", tags=["choirs"])
    yield "and is for it again", [here.collect(), here.states()["A choir"]]
    site.edit("A bridge", slug="old-bridge")
    yield "a story with another address", [here.collect(), here.posts()["A bridge"][0], len(here.posts())]


def _last_looks(site: Site, here: Reading) -> Iterator[Step]:
    """What becomes of stories between the last collection and the lock."""
    for place, title in enumerate(
        ("Stays", "Draft again", "For the desk", "In the bin", "Deleted", "Locked")
    ):
        _publish(site, title, slug=title.lower().replace(" ", "-"), age=0.01 * place)
    for slug in ("kept-draft", "kept-bin", "kept-deleted"):
        _publish(site, slug, slug=slug, age=0.2)
    yield "stories just before the lock", here.collect()
    for slug in ("kept-draft", "kept-bin", "kept-deleted"):
        site.keep_page(slug)
    for title, status in _LOST.items():
        site.edit(title, status=status)
    site.edit("Locked", password="sesame")
    site.edit("Stays", title="Stays longer")
    site.trash("In the bin")
    site.delete("Deleted")
    site.edit("kept-draft", status="draft")
    site.trash("kept-bin")
    site.delete("kept-deleted")
    yield "the last look before the lock", here.recheck()
    yield "what is offered then", here.states()


def _fill(site: Site) -> None:
    """One of each kind."""
    _publish(site, "Rivers rise", slug="rivers", age=3, tags=["water", "weather"])
    _publish(site, "A bridge", slug="bridge", age=2)
    _publish(site, "A ferry", slug="ferry", age=4)
    _publish(site, "A choir", slug="choir", age=1)
    _publish(site, "Pinned", slug="pinned", age=5, is_sticky=True)
    _publish(site, "Not for the digest", slug="not-for-it", age=1, tags=["no-digest"])
    _publish(site, "The locked room", slug="locked", age=2, password="sesame")
    _publish(site, "Tomorrow", slug="tomorrow", age=-3, status="future")
    _publish(site, "Half a story", slug="half", age=1, status="draft")
    _publish(site, "Among us", slug="among-us", age=1, status="private")
    _publish(site, "Brackets", slug="brackets", age=1, excerpt="<p>a ]]> b</p>")
    _publish(site, "“Ours” &amp; the town’s", slug="quotes", age=1)


def _publish(site: Site, title: str, **values: Any) -> None:
    plain = {
        "content": f"<p>{_TEXT}</p>",
        "excerpt": "<p>The river stood at the market.</p>",
        "categories": ["News"],
        "tags": [],
    }
    site.publish(title, **(plain | values))
