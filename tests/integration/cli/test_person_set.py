"""`digest subscriber set`: what is known of a person, and how often and about what they are mailed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from digest import keys
from digest.db import Database
from digest.lists.change_address import Moved, change_address
from digest.lists.fresh_links import Fresh, FreshKind, make_fresh_link
from digest.lists.stationery import Stationery
from digest.models import AuditEntry, Cadence, MailingList, Subscriber
from digest.tokens import Signer
from tests.factories.moments import NOW
from tests.integration.cli.commands import Cli

ADD = ("subscriber", "add", "ani@example.org", "--list", "readers", "--consent", "asked by letter")
SET = ("subscriber", "set", "ani@example.org")
OF_LIST = (*SET, "--list", "readers")


@pytest.fixture
def ani(readers: Cli, database_url: str) -> Cli:
    """A person on a list whose digest has two cadences that run, one that does not, and two topics."""
    readers("cadence", "add", "courier", "sunday", "--cron", "0 9 * * 0", "--zone", "Asia/Yerevan")
    readers("cadence", "add", "courier", "monthly", "--cron", "0 9 1 * *", "--zone", "Asia/Yerevan")
    database = Database(database_url)
    with database.write() as session:
        session.execute(sa.update(Cadence).values(is_running=Cadence.name != "monthly"))
    database.close()
    for name in ("culture", "sport"):
        readers("topic", "add", "courier", name, "--title", name.title(), "--section", name)
    readers(*ADD, "--name", "Ani", "--cadence", "morning")
    return readers


def test_what_is_known_of_a_person_is_changed(ani: Cli, database_url: str) -> None:
    """Once, and then taken away; it is no sign of life, and the audit names no value."""
    new = ("--name", "Anna", "--zone", "Europe/Paris", "--language", "fr", "--text-size", "large")
    assert ani(*SET, *new) == "Changed: name, zone, language, text_size.\n"
    assert ani(*SET, *new) == "Nothing was changed.\n"
    shown = ani.json("subscriber", "show", "ani@example.org")
    fields = ("name", "zone", "language", "text_size", "last_sign_of_life_at")
    assert [shown[name] for name in fields] == ["Anna", "Europe/Paris", "fr", "large", None]
    assert ani(*SET, "--name", "", "--zone", "", "--language", "") == "Changed: name, zone, language.\n"
    shown = ani.json("subscriber", "show", "ani@example.org")
    assert [shown[name] for name in fields[:3]] == ["", None, None]
    database = Database(database_url)
    with database.read() as session:
        audited = sa.select(AuditEntry).where(AuditEntry.action == "subscriber.set").order_by(AuditEntry.id)
        first, second = session.scalars(audited)
    database.close()
    assert first.details == {"changed": ["name", "zone", "language", "text_size"]}
    assert (second.target_kind, first.actor[:4]) == (Subscriber.__name__, "cli:")


def test_rhythm_and_topics_are_changed_with_proof(ani: Cli) -> None:
    """The steps of the reader's page: an event each, which names the clerk; a pause stays."""
    ani("subscriber", "pause", "ani@example.org", "--list", "readers")
    assert ani(*OF_LIST, "--cadence", "sunday", "--topic", "sport") == "Changed: cadence, topics.\n"
    assert ani(*OF_LIST, "--cadence", "sunday", "--topic", "sport") == "Nothing was changed.\n"
    assert ani(*OF_LIST, "--all-topics") == "Changed: topics.\n"
    shown = ani.json("subscriber", "show", "ani@example.org")
    assert shown["last_sign_of_life_at"] is None
    (subscription,) = shown["subscriptions"]
    assert (subscription["status"], subscription["cadence"]) == ("paused", "sunday")
    changes = [each["details"] for each in subscription["events"] if each["action"] == "change"]
    assert [set(each) - {"actor"} for each in changes] == [
        {"cadence", "cadence_before"},
        {"topics", "topics_before"},
        {"topics", "topics_before"},
    ]
    assert all(each["actor"].startswith("cli:") for each in changes)
    assert {each["source"] for each in subscription["events"]} == {"cli"}
    assert "every chain of consent is whole" in ani("consent", "verify")


def test_what_cannot_be_set_is_said(ani: Cli) -> None:
    """And nothing of the same command is kept then."""
    for words, code, sentence in (
        (SET, 2, "Nothing to change"),
        ((*SET, "--cadence", "sunday"), 2, "give --list"),
        (OF_LIST, 2, "give --list"),
        ((*OF_LIST, "--topic", "sport", "--all-topics"), 2, "not both"),
        ((*OF_LIST, "--name", "Eva", "--cadence", "weekly"), 2, "no rhythm 'weekly'"),
        ((*OF_LIST, "--name", "Eva", "--cadence", "monthly"), 1, "does not run"),
        ((*OF_LIST, "--name", "Eva", "--topic", "chess"), 2, "no topic 'chess'"),
        ((*SET, "--zone", "Yerevan"), 2, "no time zone"),
        ((*SET, "--attribute", "city"), 2, "city=Yerevan"),
        (("subscriber", "set", "eva@example.org", "--name", "Eva"), 2, "Nobody subscribes"),
    ):
        assert sentence in ani.refused(*words, code=code)
    assert ani.json("subscriber", "show", "ani@example.org")["name"] == "Ani"
    ani("subscriber", "end", "ani@example.org", "--list", "readers")
    assert "has ended" in ani.refused(*OF_LIST, "--cadence", "sunday", code=1)


def test_a_former_address_makes_no_second_person_by_mistake(ani: Cli, database_url: str) -> None:
    """Who moved is on the list already, under the new address; somebody else who has the old one may come."""
    database = Database(database_url)
    with database.write() as session:
        person = session.scalars(sa.select(Subscriber)).one()
        link = make_fresh_link(
            session, person.id, FreshKind.NEW_ADDRESS, now=NOW, details={"address": "new@example.org"}
        )
        stationery = Stationery(
            Signer({1: b"a" * 32}, 1), keys.load(ani.data / "secrets").address_key, "https://mail.example.org"
        )
        list_id = session.scalars(sa.select(MailingList.id)).one()
        assert change_address(session, Fresh(link, list_id), stationery, now=NOW) is Moved.DONE
        number = person.id
    said = ani.refused(*ADD, code=1)
    assert f"was subscriber {number}'s" in said
    assert "--anyway" in said
    assert "@" not in said
    assert ani.json("subscriber", "show", number)["address"] == "new@example.org"
    assert "no subscriber 99" in ani.refused("subscriber", "show", 99)
    assert ani(*ADD, "--anyway").startswith("Added")
    assert ani(*ADD).startswith("Already on the list")  # somebody has the address now
    ani("subscriber", "erase", "ani@example.org", "--yes")
    ani("subscriber", "erase", "new@example.org", "--yes")
    assert "person left" in ani.refused(*ADD, code=1)  # not: was somebody's
    database.close()
