"""A real WordPress beside the one that the tests use: do they answer alike, and is the same collected?"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from bench.figures import Figure, Target
from digest.db import Database
from digest.db.schema import upgrade
from digest.net.http import Fetcher
from tests.collecting_wordpress import steps
from tests.servers.wordpress import RealWordPress, find
from tests.servers.wordpress_answers import QUESTIONS, Site, fill
from tests.servers.wordpress_desks import ImitatedDesk, RealDesk
from tests.servers.wordpress_site import WordPressSite

AREA = "news"


def proofs() -> Iterator[Figure]:
    """How many answers differ, and how much of what our reader makes of them; a line for each."""
    found = find()
    if not found.url:
        print(f"news: no real WordPress to compare with: {found.text}.")
        return
    with _both() as sites:
        for site in sites:
            fill(site)
        for name, question in QUESTIONS.items():
            theirs, mine = (question(site) for site in sites)
            yield _compared(name, theirs, mine, found.text)
    with _both() as (real, ours), without_broker():
        mine_by_step = dict(_collected(ours))
        for name, theirs in _collected(real):
            yield _compared(f"collecting: {name}", theirs, mine_by_step[name], found.text)


@contextmanager
def without_broker() -> Iterator[None]:
    """No hint of what is done here goes to a broker."""
    os.environ["DIGEST_BROKER_URL"] = "memory://"
    try:
        yield
    finally:
        del os.environ["DIGEST_BROKER_URL"]


@contextmanager
def _both() -> Iterator[tuple[Site, Site]]:
    """A real site and the tests' one, both without stories."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    with RealWordPress(find()) as real, WordPressSite(now) as ours:
        yield RealDesk(real), ImitatedDesk(ours)


def _collected(site: Site) -> Iterator[tuple[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/digest.db")
        upgrade(database)
        try:
            with Fetcher([urlsplit(site.url("/")).hostname or ""]) as fetcher:
                yield from steps(site, database, fetcher)
        finally:
            database.close()


def _compared(name: str, theirs: object, mine: object, version: str) -> Figure:
    note = "" if theirs == mine else f"{version}: {theirs}; the tests' site: {mine}"
    return Figure(AREA, name, float(theirs != mine), "differ", target=Target("<=", 0), note=note)
