"""Single mails about a list: in its digest's look, made once for many, never lost to a template."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.lists.sign_up import ask
from digest.lists.stationery import Stationery
from digest.lists.welcome import ask_welcome
from digest.models import Item, MailingList, Notice, Role
from digest.preflight import single_mail
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.moments import NOW
from tests.integration.lists.sign_up_hands import SIGNER, STATIONERY, wish
from tests.integration.web.rows import make_edition
from tests.unit.rendering import samples

LOOK = {
    "accent": "#0b5563",
    "footer": "Printed by a society of readers.",
    "logo.file": f"{'a' * 64}.png",
    "logo.width": 200,
    "logo.height": 60,
}


def a_list(database: Database, look: dict[str, Any]) -> int:
    """A list of a digest with this look."""
    with database.write() as session:
        return make_list(session, make_digest(session, look=look)).id


def confirmation(database: Database, list_id: int, stationery: Stationery) -> str:
    """The HTML part of the mail that a sign-up causes."""
    with database.write() as session:
        assert ask(session, wish(list_id), stationery, now=NOW) == 1
    with database.read() as session:
        return html_of(session.scalars(sa.select(Notice.message)).one())


def html_of(message: bytes) -> str:
    body = message_from_bytes(message, policy=default).get_body(("html",))
    assert body is not None
    return str(body.get_content())


def test_a_confirmation_looks_like_its_digest(database: Database) -> None:
    """Logo from our own site, colours and the paper's words; the person's own link under the button."""
    html = confirmation(database, a_list(database, LOOK), STATIONERY)
    assert f'src="https://mail.courier.example/p/{"a" * 64}.png"' in html
    assert 'bgcolor="#0b5563"' in html
    assert "Printed by a society of readers." in html
    assert re.search(r'<a href="https://mail\.courier\.example/c/[\w-]+\?p=[\w-]+"', html)


def test_a_theme_that_cannot_be_read_costs_nobody_their_mail(database: Database) -> None:
    """What an older or a newer version has stored gives way to the look of the house."""
    html = confirmation(database, a_list(database, {"accent": "#0b5563", "sparkle": "yes"}), STATIONERY)
    assert 'bgcolor="#8a1c1c"' in html


@pytest.mark.parametrize("text", ["{{ no_such_name }}", "<script>x</script>", "%%name%%"])
def test_a_template_that_fails_costs_nobody_their_mail(database: Database, tmp_path: Path, text: str) -> None:
    """The mail is asked for in the words that come along, and its link works."""
    folder = tmp_path / "email" / "confirm"
    folder.mkdir(parents=True)
    (folder / "body.html").write_text(text, encoding="utf-8")
    own = dataclasses.replace(STATIONERY, templates=tmp_path)
    html = confirmation(database, a_list(database, LOOK), own)
    assert re.search(r'<a href="https://mail\.courier\.example/c/[\w-]+\?p=[\w-]+"', html)
    assert 'bgcolor="#0b5563"' in html


def test_a_welcome_with_the_latest_edition_is_made_once_for_many(database: Database) -> None:
    """Each has their own links in it, all else is the same; a change of the list is seen at the next one."""
    with database.write() as session:
        digest = make_digest(session, look=LOOK)
        cadence, mailing_list = make_cadence(session, digest), make_list(session, digest)
        mailing_list.welcomes_with_latest = True
        sent = make_edition(session, cadence, age=dt.timedelta(hours=2))
        item = {"revision_id": sent.revision_id, "role": Role.RECENT, "post_id": None}
        for place in range(3):
            session.add(Item(**item, position=place, story=stored(place)))
        people = [
            make_subscription(session, mailing_list, make_subscriber(session, f"reader-{number}@example.org"))
            for number in range(4)
        ]
        session.flush()
        before = single_mail._single.cache_info().misses
        for number, person in enumerate(people):
            if number == 3:
                session.get_one(MailingList, mailing_list.id).title = "Readers of the evening"
            assert ask_welcome(session, person, signer=SIGNER, public_url=STATIONERY.public_url, now=NOW)
    with database.read() as session:
        pages = [
            html_of(message) for message in session.scalars(sa.select(Notice.message).order_by(Notice.id))
        ]
    assert single_mail._single.cache_info().misses - before == 2
    links = [set(re.findall(r"/u/([\w-]+)", page)) for page in pages]
    assert [len(found) for found in links] == [1, 1, 1, 1]
    assert len(set.union(*links)) == 4
    bare = [re.sub(r"/u/[\w-]+", "/u/", page) for page in pages]
    assert bare[0] == bare[1] == bare[2] != bare[3]
    assert "Apricot growers expect harvest number 2" in bare[0]
    assert "Readers of the evening" in bare[3]


def stored(number: int) -> dict[str, Any]:
    """A story as an item keeps it."""
    story = dataclasses.asdict(samples.story(number))
    return story | {"published_at": story["published_at"].isoformat(), "picture": None}
