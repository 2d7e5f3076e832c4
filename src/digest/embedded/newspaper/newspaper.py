"""What the newspaper has published by a given moment."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from dataclasses import dataclass

from digest.embedded.newspaper import content
from digest.embedded.newspaper.content import Article


@dataclass(frozen=True, slots=True)
class Story:
    """An article and the moment it was published (aware, UTC, whole seconds as feeds write it)."""

    article: Article
    published_at: dt.datetime


class Newspaper:
    """Thirty articles that were there at the start, and ten that follow while it runs.

    With `publish_every` the next of them appears each time so many seconds have passed since `start`;
    without, only when `publish_next` is called. Nothing runs in the background: what is due is published
    when somebody asks. It may be asked from several threads.
    """

    def __init__(self, start: dt.datetime, *, publish_every: float | None = None) -> None:
        if start.tzinfo is None:
            raise ValueError("start must be aware")
        if publish_every is not None and publish_every <= 0:
            raise ValueError("publish_every must be more than 0 seconds")
        self._every = None if publish_every is None else dt.timedelta(seconds=publish_every)
        start = start.astimezone(dt.UTC)
        self._next_at = start + self._every if self._every else None
        self._lock = threading.Lock()
        self._stories = [
            Story(article, _whole(start - dt.timedelta(hours=article.hours)))
            for article in content.articles()
            if article.hours is not None
        ]
        later = (article for article in content.articles() if article.later is not None)
        self._to_come = deque(sorted(later, key=lambda article: article.later or 0))

    def publish_next(self, now: dt.datetime) -> Story | None:
        """Publish the next article that is still to come; None if there is none left."""
        with self._lock:
            self._publish_due(now)
            return self._publish(now)

    def stories(
        self, now: dt.datetime, *, language: str | None = None, section: str | None = None
    ) -> tuple[Story, ...]:
        """What is published by `now`, newest first, of one language or section if wanted."""
        with self._lock:
            self._publish_due(now)
            found = [
                story
                for story in self._stories
                if language in {None, story.article.language}
                and section in {None, story.article.section.slug}
            ]
        return tuple(sorted(found, key=lambda story: (story.published_at, story.article.id), reverse=True))

    def story(self, now: dt.datetime, language: str, slug: str) -> Story | None:
        """One published story by its name in addresses."""
        return next((s for s in self.stories(now, language=language) if s.article.slug == slug), None)

    @property
    def left(self) -> int:
        """How many articles are still to come."""
        with self._lock:
            return len(self._to_come)

    def _publish_due(self, now: dt.datetime) -> None:
        while self._every and self._next_at and self._next_at <= now and self._to_come:
            self._publish(self._next_at)
            self._next_at += self._every

    def _publish(self, moment: dt.datetime) -> Story | None:
        if not self._to_come:
            return None
        story = Story(self._to_come.popleft(), _whole(moment.astimezone(dt.UTC)))
        self._stories.append(story)
        return story


def _whole(moment: dt.datetime) -> dt.datetime:
    return moment.replace(microsecond=0)
