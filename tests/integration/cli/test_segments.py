"""Segments, attributes and the question to the long silent, by commands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from digest.db import Database
from digest.models import Subscriber, Subscription
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.integration.cli.commands import Cli

HY = '{"language": "hy"}'


@pytest.fixture
def ready(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A digest with a cadence, a list and three people, on SQLite and on PostgreSQL."""
    monkeypatch.setenv("DIGEST_DATABASE_URL", database_url)
    database = Database(database_url)
    with database.write() as session:
        digest = make_digest(session, "courier")
        make_cadence(session, digest)
        readers = make_list(session, digest, "readers")
        for name, language in (("ani", "hy"), ("ara", "hy"), ("eva", "en")):
            person = make_subscriber(session, f"{name}@example.org", language=language)
            long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
            make_subscription(session, readers, person, created_at=long_ago)
    database.close()
    return cli


def test_a_segment_is_made_shown_changed_and_removed(ready: Cli, tmp_path: Path) -> None:
    """Its rule as JSON, from a file or from standard input; its people as they are now."""
    assert "2 people now" in ready("segment", "add", "courier", "armenian", "--rule", HY)
    found = ready.json("segment", "show", "courier", "armenian")
    assert (found["rule"], found["people"], len(found["samples"])) == ({"language": "hy"}, 2, 2)
    assert "ani@example.org" in ready("segment", "show", "courier", "armenian")
    file = tmp_path / "rule.json"
    file.write_text('{"not": {"language": "hy"}}', encoding="utf-8")
    assert "1 people now" in ready("segment", "set", "courier", "armenian", "--rule", file)
    assert ready.json("segment", "count", "courier", "armenian")["people"] == 1
    assert ready.json("segment", "count", "courier", "--rule", HY)["people"] == 2
    assert [one["name"] for one in ready.json("segment", "list")] == ["armenian"]
    ready("segment", "remove", "courier", "armenian")
    assert "no segment yet" in ready("segment", "list", "courier")


def test_a_wrong_rule_is_one_sentence(ready: Cli, tmp_path: Path) -> None:
    """Which says where; so is a rule that cannot be read, and a choice that is none."""
    wrong = '{"all": [{"list": "readers"}, {"not": {"lang": "hy"}}]}'
    assert "at all[1].not: 'lang' is unknown" in ready.refused("segment", "count", "courier", "--rule", wrong)
    assert "cannot be read" in ready.refused("segment", "count", "courier", "--rule", tmp_path / "none")
    assert "one of the two" in ready.refused("segment", "count", "courier")
    assert "called none" in ready.refused("segment", "add", "courier", "none", "--rule", HY)
    assert "There is no segment" in ready.refused("segment", "show", "courier", "x")


def test_cadences_and_editions_go_to_segments(ready: Cli) -> None:
    """By name, and to everybody again by `none`."""
    ready("segment", "add", "courier", "armenian", "--rule", HY)
    ready("cadence", "set", "courier", "morning", "--segment", "armenian")
    made = ready.json("edition", "extra", "courier", "--at", "2999-01-01T07:00")["id"]
    assert "2 people" in ready("edition", "segment", made, "--segment", "none")
    assert ready.json("cadence", "list")[0]["segment"] == "armenian"
    assert "armenian" in ready("cadence", "list")
    assert ready.json("edition", "show", made)["segment"] == "armenian"
    assert "goes to the segment armenian" in ready("edition", "show", made)
    ready("cadence", "set", "courier", "morning", "--segment", "none")
    assert "3 people" in ready("edition", "segment", made, "--segment", "none")
    assert "2 people" in ready("edition", "segment", made, "--segment", "armenian")
    ready("cadence", "set", "courier", "morning", "--segment", "armenian")
    assert "3 people" in ready("edition", "segment", made, "--everybody")
    assert "goes to everybody, whatever" in ready("edition", "show", made)
    other = ready.json("edition", "extra", "courier", "--at", "2999-01-02T07:00", "--everybody")["id"]
    assert ready.json("edition", "show", other)["segment"] == "everybody"
    both = ("--everybody", "--segment", "armenian")
    assert "one of the two" in ready.refused("edition", "segment", made, *both)
    assert "one of the two" in ready.refused("edition", "segment", made)
    ready("edition", "segment", made, "--segment", "none")
    assert "goes to it" in ready.refused("segment", "remove", "courier", "armenian", code=1)


def test_attributes_are_typed(ready: Cli) -> None:
    """Made, given, refused, counted, removed."""
    ready("attribute", "add", "city", "--kind", "text", "--fallback", "your city")
    ready("attribute", "add", "age", "--kind", "number")
    ready("attribute", "set", "city", "--title", "City")
    assert [one["kind"] for one in ready.json("attribute", "list")] == ["number", "text"]
    ani = ("subscriber", "set", "ani@example.org")
    assert ready(*ani, "--attribute", "city=Yerevan", "--attribute", "age=40") == "Changed: age, city.\n"
    assert ready.json(*ani, "--attribute", "age=") == {
        "changed": ["age"],
        "attributes": {"city": "Yerevan"},
    }
    assert "number" in ready.refused(*ani, "--attribute", "age=old")
    assert "like --attribute" in ready.refused(*ani, "--attribute", "age")
    assert ready.json("subscriber", "show", "ani@example.org")["attributes"] == {"city": "Yerevan"}
    rule = '{"attribute": {"name": "city", "is": "Yerevan"}}'
    assert ready.json("segment", "count", "courier", "--rule", rule)["people"] == 1
    assert "1 people had" in ready("attribute", "remove", "city", "--yes")
    assert ready.json("subscriber", "show", "ani@example.org")["attributes"] == {}


def test_the_long_silent_are_asked_and_the_run_is_closed(ready: Cli, database_url: str) -> None:
    """First a count, then the run; it cannot be closed before its time, but broken off."""
    spans = ("--silent-for", "365d", "--answer-within", "30d")
    assert ready.json("permission", "start", "readers", *spans, "--dry-run") == {"people": 3}
    assert "3 people" in ready("permission", "start", "readers", *spans)
    (found,) = ready.json("permission", "status", "readers")
    assert (found["waiting"], found["asked"], found["to_end"]) == (3, 0, 0)
    assert "open" in ready("permission", "status")
    assert "0 of 0" in ready("permission", "close", "readers", "--dry-run")
    assert "until" in ready.refused("permission", "close", "readers", "--yes", code=1)
    assert ready.json("permission", "close", "readers", "--end-nobody")["ended"] == 0
    assert "no open run" in ready.refused("permission", "close", "readers")
    database = Database(database_url)
    with database.read() as session:
        assert {one.status.value for one in session.query(Subscription)} == {"active"}
        assert session.query(Subscriber).count() == 3
    database.close()
