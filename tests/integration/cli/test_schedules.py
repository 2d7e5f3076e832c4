"""`digest cadence`, `digest alerts` and `digest edition breaking`, as an editor gives them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.editions.states import move
from digest.models import Cadence, Edition, EditionKind, EditionState, Fallback, Missed, Reason, Selection
from tests.factories import make_digest
from tests.integration.cli.commands import Cli


@pytest.fixture
def paper(cli: Cli) -> Iterator[Database]:
    """The command line's own database, with the digest "courier"."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    with database.write() as session:
        make_digest(session, "courier")
    yield database
    database.close()


def the_cadence(paper: Database) -> Cadence:
    with paper.read() as session:
        return session.scalars(sa.select(Cadence)).one()


def test_a_rhythm_in_the_editors_words(cli: Cli, paper: Database) -> None:
    """Presets, what becomes of missed and held editions, the days between which it comes out."""
    zone = "America/Los_Angeles"
    said = cli("cadence", "add", "courier", "sunday", "--every", "sunday", "--at", "8:00", "--zone", zone)
    assert "its first edition goes out at" in said
    options = ("--missed", "merge", "--hold", "2h", "--hold-outcome", "send", "--approval")
    cli("cadence", "set", "courier", "sunday", "--every", "first-monday", "--at", "6:30", *options)
    made = the_cadence(paper)
    assert (made.cron, made.preset and made.preset["nth"]) == ("30 6 * * 1#1", 1)
    assert (made.missed, made.hold_seconds, made.hold_outcome) == (Missed.MERGE, 7200, Fallback.SEND)
    assert made.wants_approval
    assert "on the first Monday of each month at 6:30 am" in cli("cadence", "list")
    cli("cadence", "set", "courier", "sunday", "--cron", "0 7 * * *", "--cron", "0 18 * * 1")
    assert (the_cadence(paper).cron, the_cadence(paper).preset) == ("0 7 * * *\n0 18 * * 1", None)
    cli("cadence", "set", "courier", "sunday", "--starts", "2097-01-01", "--ends", "2097-01-02")
    said = cli("cadence", "next", "courier", "sunday", "--language", "hy")
    assert "2097-01-01 07:00 -08:00" in said
    assert len(cli.json("cadence", "next", "courier", "sunday")) == 2
    cli("cadence", "set", "courier", "sunday", "--starts", "none", "--ends", "2020-01-02")
    assert "It never comes due." in cli("cadence", "next", "courier", "sunday")
    assert "no edition of it comes any more" in cli("cadence", "set", "courier", "sunday", "--lead", "60")
    assert cli.json("cadence", "list")[0]["next_at"] is None


def test_a_best_of_beside_the_daily_rhythm(cli: Cli, paper: Database) -> None:
    """Said when it is added or later, and taken back; the daily one stays as it is."""
    when = ("--every", "day", "--at", "6:30", "--zone", "UTC")
    cli("cadence", "add", "courier", "morning", *when)
    cli("cadence", "add", "courier", "sunday", *when, "--selection", "best_of")
    kept = {one["name"]: one["selection"] for one in cli.json("cadence", "list")}
    assert kept == {"morning": "latest", "sunday": "best_of"}
    cli("cadence", "set", "courier", "morning", "--selection", "best_of")
    cli("cadence", "set", "courier", "sunday", "--selection", "latest")
    with paper.read() as session:
        rows = session.execute(sa.select(Cadence.name, Cadence.selection)).all()
    assert {row.name: row.selection for row in rows} == {
        "morning": Selection.BEST_OF,
        "sunday": Selection.LATEST,
    }


def test_the_next_slots_say_where_the_clock_changes(cli: Cli, paper: Database) -> None:
    """In the words of the language asked for; 400 days have a change in both directions."""
    del paper
    where = ("--zone", "America/Los_Angeles")
    cli("cadence", "add", "courier", "night", "--every", "day", "--at", "2:30", *where)
    english = cli("cadence", "next", "courier", "night", "--count", "400")
    assert "night: every day at 2:30 am, Los Angeles." in english
    assert english.count("The clock goes forward before it, by 60 minutes.") in {1, 2}
    assert english.count("The clock goes back before it, by 60 minutes.") in {1, 2}
    assert "The clock jumps over the wanted time that day; it comes at the jump." in english
    assert "ժամացույցն առաջ է տրվում 60 րոպեով" in cli(
        "cadence", "next", "courier", "night", "--count", "400", "--language", "hy"
    )
    found = cli.json("cadence", "next", "courier", "night", "--count", "400")
    assert {remark for one in found for remark in one["remarks"]} == {"forward", "back", "jumped"}


def test_days_of_its_own(cli: Cli, paper: Database) -> None:
    """A day without an edition, a moment besides, and both taken back."""
    del paper
    cli("cadence", "add", "courier", "morning", "--every", "day", "--at", "6:30", "--zone", "UTC")
    day = (clock.utc_now() + dt.timedelta(days=3)).date()
    assert cli("cadence", "dates", "courier", "morning") == "It comes out by its schedule alone.\n"
    cli("cadence", "skip", "courier", "morning", day, "--note", "a holiday")
    assert "already" in cli("cadence", "skip", "courier", "morning", day)
    cli("cadence", "extra", "courier", "morning", f"{day} 18:00")
    local = [one["local"][:16] for one in cli.json("cadence", "next", "courier", "morning")]
    assert f"{day} 06:30" not in local
    assert f"{day} 18:00" in local
    assert cli.json("cadence", "dates", "courier", "morning")["dates"] == [
        {"kind": "skip", "local": str(day), "note": "a holiday"},
        {"kind": "extra", "local": f"{day} 18:00", "note": ""},
    ]
    assert "a holiday" in cli("cadence", "dates", "courier", "morning")
    cli("cadence", "forget", "courier", "morning", f"{day} 18:00")
    cli("cadence", "forget", "courier", "morning", day)
    local = [one["local"][:16] for one in cli.json("cadence", "next", "courier", "morning")]
    assert f"{day} 06:30" in local


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "courier", "x", "--zone", "UTC"), "Say when it comes out"),
        (("add", "courier", "x", "--zone", "UTC", "--every", "day"), "at which time of day"),
        (
            ("add", "courier", "x", "--zone", "UTC", "--every", "day", "--at", "7:00", "--cron", "* * * * *"),
            "not both",
        ),
        (("set", "courier", "morning"), "Nothing to change was given"),
        (("skip", "courier", "morning", "Christmas"), "is not a day"),
        (("extra", "courier", "morning", "2099-12-24"), "is not a day with a time"),
        (("set", "courier", "morning", "--starts", "2099-12-24", "--ends", "2099-12-23"), "before the first"),
    ],
)
def test_what_cannot_be_is_refused(cli: Cli, paper: Database, words: tuple[str, ...], sentence: str) -> None:
    """In one sentence."""
    del paper
    cli("cadence", "add", "courier", "morning", "--every", "day", "--at", "6:30", "--zone", "UTC")
    assert sentence in cli.refused("cadence", *words)


def test_alerts(cli: Cli, paper: Database) -> None:
    """Who is told; what wants a person, with its words; silenced."""
    cli("account", "add", "nare@courier.example", "--name", "Nare")
    assert "Nobody is told" in cli("alerts", "receivers", "courier")
    assert "1 more" in cli("alerts", "add", "courier", "nare@courier.example")
    assert "nare@courier.example" in cli("alerts", "receivers", "courier")
    assert cli.json("alerts", "receivers", "courier")[0]["name"] == "Nare"
    assert cli("alerts", "list") == "Nothing wants a person now.\n"
    cli("cadence", "add", "courier", "morning", "--every", "day", "--at", "6:30", "--zone", "UTC")
    with paper.write() as session:
        edition = session.scalars(sa.select(Edition)).one()
        move(session, edition, EditionState.HELD, now=clock.utc_now(), reason=Reason.TOO_LARGE)
    assert "Held: The Courier" in cli("alerts", "list", "courier")
    said = cli("alerts", "show", 1)
    assert "it is skipped" in said
    assert f"To act on it: digest edition show {edition.id}" in said
    assert "not told yet" in said
    assert "Կասեցված է" in cli("alerts", "show", 1, "--language", "hy")
    assert cli.json("alerts", "show", 1)["kind"] == "edition_held"
    assert cli("alerts", "silence", 1) == "The alert 1 is silent.\n"
    assert cli("alerts", "silence", 1) == "The alert 1 is silent already.\n"
    assert "silenced by cli:" in cli("alerts", "list")
    with paper.write() as session:
        edition = session.scalars(sa.select(Edition)).one()
        move(session, edition, EditionState.UPCOMING, now=clock.utc_now())
    assert cli.json("alerts", "list") == []
    assert "over since" in cli("alerts", "list", "--all")
    assert "There is no alert 9" in cli.refused("alerts", "show", 9)
    assert "1 fewer" in cli("alerts", "remove", "courier", "nare@courier.example")


def test_a_breaking_edition(cli: Cli, paper: Database) -> None:
    """It is there at once; a story that the digest's sources do not have is refused."""
    cli("cadence", "add", "courier", "morning", "--every", "day", "--at", "6:30", "--zone", "UTC")
    assert "no story 7" in cli.refused("edition", "breaking", "courier", "--post", 7)
    made = cli.json("edition", "breaking", "courier")
    assert "is locked now" in cli("edition", "breaking", "courier", "morning")
    with paper.read() as session:
        assert session.get_one(Edition, made["id"]).kind is EditionKind.BREAKING
