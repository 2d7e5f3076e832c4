"""`digest transport ramp-up`, the export of those left over, and the spans of a cadence."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries.plan import plan
from digest.models import Cadence, Subscriber, Transport
from tests.factories.moments import NOW
from tests.integration.cli.commands import Cli
from tests.integration.planned import make_desk


@pytest.fixture
def database(cli: Cli) -> Iterator[Database]:
    opened = Database(f"sqlite:///{cli.data / 'digest.db'}")
    yield opened
    opened.close()


@pytest.fixture
def services(cli: Cli, database: Database) -> Cli:
    """An old mail service and a new one that is tried first."""
    for name, rank in (("new", 0), ("old", 1)):
        cli("transport", "add", name, "--host", "127.0.0.1", "--security", "none", "--rank", rank)
    with database.write() as session:
        session.execute(sa.update(Transport).values(accepted_at=NOW))
    return cli


def test_a_ramp_up_is_set_shown_changed_and_stopped(services: Cli) -> None:
    """It says what comes on which day; what is not given stays as it was."""
    assert "no ramp-up" in services("transport", "ramp-up", "new")
    today = dt.datetime.now(dt.UTC).date()
    said = services("transport", "ramp-up", "new", "--first-day", 500, "--growth", 50, "--rest", "old")
    assert "500 people on" in said
    assert "by old" in said
    assert "no effect" not in said
    shown = services.json("transport", "ramp-up", "new", "--growth", 100, "--order", "joined")
    assert (shown["first_day"], shown["growth_percent"], shown["rest"]) == (500, 100, "old")
    assert (shown["order"], shown["planned_today"]) == ("joined", 0)
    assert list(shown["days"].values())[:3] == [500, 1000, 2000]
    assert today <= dt.date.fromisoformat(shown["starts_on"]) <= dt.datetime.now(dt.UTC).date()
    assert "may mail everybody" in services("transport", "ramp-up", "new", "--stop")
    assert "no ramp-up" in services.refused("transport", "ramp-up", "new", "--stop")


def test_a_ramp_up_of_one_that_is_not_tried_first_says_so(services: Cli) -> None:
    """It would otherwise be waited for in vain."""
    assert "no effect" in services("transport", "ramp-up", "old", "--first-day", 5, "--growth", 50)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--first-day", 5), "--growth"),
        (("--first-day", 0, "--growth", 50), "first day"),
        (("--first-day", 5, "--growth", 901), "per cent"),
        (("--first-day", 5, "--growth", 50, "--rest", "new"), "another mail service"),
        (("--first-day", 5, "--growth", 50, "--rest", "none"), "no mail service"),
        (("--stop", "--growth", 50), "not both"),
    ],
)
def test_what_is_no_ramp_up_is_refused(services: Cli, words: tuple[object, ...], sentence: str) -> None:
    """With what is missing or wrong."""
    assert sentence in services.refused("transport", "ramp-up", "new", *words)


def test_those_left_over_are_exported_for_another_way(
    services: Cli, database: Database, tmp_path: Path
) -> None:
    """A private file that a spreadsheet computes nothing of; an existing one is not written over."""
    desk = make_desk(database, tmp_path)
    people = desk.add_people(4)
    with database.write() as session:
        session.get_one(Subscriber, people[0]).name = "=HYPERLINK(1)"
    now = dt.datetime.now(dt.UTC)
    services("transport", "ramp-up", "new", "--first-day", 1, "--growth", 50)
    edition_id = desk.frozen(now)
    with database.write() as session:
        assert plan(session, edition_id, now=now) == 4
    assert services.json("transport", "ramp-up", "new")["planned_today"] == 1
    out = tmp_path / "rest.csv"
    assert "3 people" in services("edition", "ramp-up-rest", edition_id, "--out", out)
    assert out.stat().st_mode & 0o777 == 0o600
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["address"].endswith("@mail.test")
    assert "there already" in services.refused("edition", "ramp-up-rest", edition_id, "--out", out)
    nowhere = tmp_path / "nowhere" / "x.csv"
    assert "cannot be written" in services.refused("edition", "ramp-up-rest", edition_id, "--out", nowhere)
    services.refused("edition", "ramp-up-rest", 99, "--out", tmp_path / "other.csv")


def test_a_cadences_spans_are_set_and_shown(cli: Cli, database: Database) -> None:
    """Spread and useful life in the units of people; auto is the rule by the number of people."""
    cli("digest", "create", "courier", "--title", "T", "--language", "en", "--sender", "a@courier.example")
    cli("cadence", "add", "courier", "morning", "--cron", "30 6 * * *", "--zone", "UTC")
    assert "auto" in cli("cadence", "list")
    cli("cadence", "set", "courier", "morning", "--spread", "20m", "--useful", "24h")
    (row,) = cli.json("cadence", "list")
    assert (row["spread_seconds"], row["useful_seconds"]) == (1200, 86_400)
    listed = cli("cadence", "list")
    assert "20m" in listed
    assert "1d" in listed
    cli("cadence", "set", "courier", "morning", "--spread", "0")
    with database.read() as session:
        assert session.scalar(sa.select(Cadence.spread_seconds)) == 0
    cli("cadence", "set", "courier", "morning", "--spread", "auto")
    assert cli.json("cadence", "list")[0]["spread_seconds"] is None
    for words, sentence in (
        (("--spread", "2d"), "between 0 and 1440 minutes"),
        (("--useful", "5m"), "between 10 and"),
        (("--useful", "soon"), "not a span of time"),
    ):
        assert sentence in cli.refused("cadence", "set", "courier", "morning", *words)
