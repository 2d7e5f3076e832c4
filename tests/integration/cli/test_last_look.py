"""`digest source health`, `digest edition accept|mark-seen|changes|relock`."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.models import Edition, EditionState, Post, Reason
from tests.integration.cli.commands import Cli
from tests.integration.cli.conftest import feed, make_paper
from tests.servers.news_site import NewsSite, Page


@pytest.fixture
def paper(cli: Cli, site: NewsSite) -> Cli:
    """A digest with one source that was collected, and an extra edition."""
    make_paper(cli, site)
    return cli


def _database(cli: Cli) -> Database:
    return Database(f"sqlite:///{Path(cli.data) / 'digest.db'}")


def _edition(cli: Cli) -> int:
    return next(line["id"] for line in cli.json("edition", "list") if line["kind"] == "extra")


def test_health_tells_how_a_source_does(paper: Cli, site: NewsSite) -> None:
    """The last answer and the last new post, all answers, what is wrong in words; and for programs."""
    assert "1 x 200" in paper("source", "health")
    told = paper("source", "health", 1)
    assert "Nothing is odd about it." in told
    assert "3" in told
    site.put("/feed/", Page(status=503))
    paper.run("collect", "--all")
    told = paper("source", "health", 1)
    assert "! The site answered with an error." in told
    assert "503 (http_status)" in told
    assert "Կայքը պատասխանեց սխալով" in paper("source", "health", 1, "--language", "hy")
    (found,) = paper.json("source", "health")
    assert [answer["status"] for answer in found["answers"]] == [503, 200]
    assert found["fault"] == "http_status"
    assert "no source" in paper.refused("source", "health", 99)


def test_what_changed_after_the_lock_is_told_and_locked_again(paper: Cli, site: NewsSite) -> None:
    """A corrected title, with what it was and what it is."""
    edition = _edition(paper)
    paper("edition", "freeze", edition)
    assert "as they were locked" in paper("edition", "site-changes", edition)
    database = _database(paper)
    body = feed(site.url())
    site.put("/feed/", Page(body.replace(b"Choir Seeks Tenors", b"Choir Seeks Sopranos")))
    paper("collect", "--all")
    told = paper("edition", "site-changes", edition)
    assert "- Choir Seeks Tenors" in told
    assert "+ Choir Seeks Sopranos" in told
    assert len(paper.json("edition", "site-changes", edition)) == 1
    assert "version 2" in paper("edition", "relock", edition)
    assert "as they were locked" in paper("edition", "site-changes", edition)
    with database.read() as session:
        assert session.get_one(Edition, edition).state is EditionState.FROZEN
    database.close()


def test_unusual_news_is_answered(paper: Cli) -> None:
    """The edition says what is odd; a person accepts it, or marks it as seen."""
    edition, database = _edition(paper), _database(paper)
    assert "not held because of unusual news" in paper.refused("edition", "accept", edition, code=1)
    for command, sentence in (("accept", "is accepted"), ("mark-seen", "0 posts are marked")):
        with database.write() as session:
            facts = {"source": "The Courier", "posts": 12, "usual": 2}
            remarks = [{"code": "many_at_once", "facts": facts, "source_id": 1, "arrivals": []}]
            values = {"state": EditionState.HELD, "reason": Reason.UNUSUAL_NEWS, "remarks": remarks}
            session.execute(sa.update(Edition).where(Edition.id == edition).values(**values))
        told = paper("edition", "show", edition)
        assert "! The Courier has brought 12 new stories since the last edition; some 2 are usual." in told
        assert sentence in paper("edition", command, edition)
        with database.read() as session:
            assert session.get_one(Edition, edition).state is EditionState.UPCOMING
            assert session.scalar(sa.select(sa.func.count()).select_from(Post)) == 3
    database.close()
