"""What the commands say of topics: before an edition is locked, and of the mails that it was made into."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from digest.db import Database
from digest.lists.topics import add_topic
from digest.models import Digest, Subscription
from tests.integration.cli.commands import Cli
from tests.integration.newsroom import make_newsroom


def test_what_each_topic_has_and_who_gets_what_is_told(cli: Cli) -> None:
    """The coming edition says how many stories each topic has; the locked one lists its mails with people."""
    room = make_newsroom(Database(f"sqlite:///{Path(cli.data) / 'digest.db'}"))
    with room.database.write() as session:
        digest = session.get_one(Digest, room.digest_id)
        digest.recent_least = 2
        for name in ("arts", "chess"):
            add_topic(session, digest, name=name, title=name, sections=[name], now=room.now)
    for title, section in (("Choirs Rehearse", "Arts"), ("Rowers Win", "Chess"), ("Novels Printed", "ARTS")):
        room.publish(title, categories=[section])
    room.add_reader()
    room.add_reader()
    with room.database.write() as session:
        last = session.scalar(sa.select(sa.func.max(Subscription.id)))
        session.execute(sa.update(Subscription).values(topics=["arts"]).where(Subscription.id == last))
    edition_id = room.edition()
    told = "topics:      arts 2 stories, 2 of it; chess too few for a mail, 1 of it\n"
    assert told in cli("edition", "coming", edition_id)
    assert room.freeze(edition_id) is None
    assert told in cli("edition", "coming", edition_id)
    room.send(edition_id)
    expected = [
        {"topics": "", "text_size": "normal", "stories": 3, "people": 2},
        {"topics": "arts", "text_size": "normal", "stories": 2, "people": 1},
    ]
    assert cli.json("edition", "show", edition_id)["variants"] == expected
    assert cli.json("edition", "revisions", edition_id)[0]["variants"] == expected
    for command in ("show", "revisions"):
        lines = [line.split() for line in cli("edition", command, edition_id).splitlines()]
        assert ["everything", "normal", "3", "2"] in lines
        assert ["arts", "normal", "2", "1"] in lines
    room.database.close()


def test_the_limit_of_different_mails_is_set(cli: Cli) -> None:
    """Within what a worker can bear."""
    room = make_newsroom(Database(f"sqlite:///{Path(cli.data) / 'digest.db'}"))
    assert cli("topic", "limit", "courier", 40) == "An edition of courier is at most 40 different mails.\n"
    cli("topic", "add", "courier", "arts", "--title", "Arts", "--section", "Arts")
    assert "An edition is at most 40 different mails" in cli("topic", "list", "courier")
    assert "between 1 and 200, not 201" in cli.refused("topic", "limit", "courier", 201)
    room.database.close()
