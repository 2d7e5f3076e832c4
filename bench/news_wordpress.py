"""A real WordPress beside the one that the tests use: do they answer alike, and is the same collected?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from bench.figures import Figure, Target
from tests.servers.wordpress import RealWordPress, find
from tests.servers.wordpress_answers import QUESTIONS, Site, fill
from tests.servers.wordpress_desks import ImitatedDesk, RealDesk
from tests.servers.wordpress_site import WordPressSite

AREA = "news"


def proofs() -> Iterator[Figure]:
    """How many answers differ; a line for each that does."""
    found = find()
    if not found.url:
        print(f"news: no real WordPress to compare with: {found.text}.")
        return
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    with RealWordPress(found) as real, WordPressSite(now) as ours:
        sites: tuple[Site, Site] = (RealDesk(real), ImitatedDesk(ours))
        for site in sites:
            fill(site)
        for name, question in QUESTIONS.items():
            theirs, mine = (question(site) for site in sites)
            note = "" if theirs == mine else f"{found.text}: {theirs}; the tests' site: {mine}"
            yield Figure(AREA, name, float(theirs != mine), "differ", target=Target("<=", 0), note=note)
