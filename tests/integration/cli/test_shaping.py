"""Rules, own items and changes of a coming edition by command, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digest.db import Database
from digest.models import EditionState
from tests.integration.cli.commands import Cli
from tests.integration.newsroom import Newsroom, make_newsroom


@pytest.fixture
def room(cli: Cli) -> Newsroom:
    """A newsroom in the command line's own database: a commentary, two reports, one old story."""
    room = make_newsroom(Database(f"sqlite:///{cli.data / 'digest.db'}"))
    room.publish("On patience", categories=["Commentary"])
    room.publish("The mill bridge opens", hours=3, categories=["News"])
    room.publish("Choir seeks tenors", hours=4, categories=["Sports"])
    room.publish("An old story", hours=24 * 9)
    return room


def test_an_edition_is_explained(cli: Cli, room: Newsroom) -> None:
    """Each story with its sentence, in both languages and for programs; afterwards as it was."""
    edition = room.edition()
    told = cli("edition", "explain", edition)
    assert "As it looks now" in told
    assert "In it as the featured story." in told
    assert "Older than 7 days." in told
    assert "7 օրից հին է։" in cli("edition", "explain", edition, "--language", "hy")
    found = cli.json("edition", "explain", edition)
    assert [one["why"] for one in found["candidates"]] == ["featured", "listed", "listed", "too_old"]
    assert found["is_live"] is True
    room.freeze(edition)
    assert "As it was when it was locked:" in cli("edition", "explain", edition)
    assert "There is no edition 99" in cli.refused("edition", "explain", 99)


def test_only_the_first_forty_are_shown_unless_all_are_wanted(cli: Cli, room: Newsroom) -> None:
    """And of very many the rest is counted by its code."""
    for number in range(310):
        room.publish(f"Number {number}", hours=24 * 9)
    edition = room.edition()
    told = cli("edition", "explain", edition)
    assert "--all` shows them" in told
    assert "Number 200 " not in told
    told = cli("edition", "explain", edition, "--all")
    assert "Number 200 " in told
    assert "and 14 more: too old" in told


def test_a_coming_edition_is_looked_at_and_changed(cli: Cli, room: Newsroom) -> None:
    """Pin, drop, include, rewrite, its own words; what was changed, and taking it back."""
    edition = room.edition()
    ids = {one["title"]: one["post"] for one in cli.json("edition", "explain", edition)["candidates"]}
    assert "takes it back" in cli("edition", "pin", edition, ids["Choir seeks tenors"], "--place", 1)
    cli("edition", "drop", edition, ids["The mill bridge opens"])
    cli("edition", "include", edition, ids["An old story"])
    cli("edition", "rewrite", edition, ids["An old story"], "--title", "A good story", "--picture", "none")
    cli("edition", "intro", edition, "Good **morning**.")
    assert "its sign-off is set" in cli("edition", "sign-off", edition, "Until **tomorrow**.")
    cli("edition", "subject", edition, "{count} stories for {date}")
    cli("edition", "preheader", edition, "What the choir wants, and what the mill was once for.")
    found = cli.json("edition", "coming", edition)
    placed = [one["title"] for one in found["stories"] if "place" in one["facts"]]
    assert placed == ["Choir seeks tenors", "An old story"]
    assert found["subject"].startswith("3 stories for ")
    assert found["preheader"] == "What the choir wants, and what the mill was once for."
    assert found["changes"] == 8
    told = cli("edition", "coming", edition)
    assert "goes out with 3 stories to 1 people" in told
    assert "pinned by cli:" in told
    assert "Why others are not in it" in told
    assert "A good story" in cli("edition", "show", edition)
    rows = cli.json("edition", "changes", edition)
    assert [row["kind"] for row in rows] == [
        "pin",
        "drop",
        "include",
        "rewrite",
        "intro",
        "sign_off",
        "subject",
        "preheader",
    ]
    assert "is taken back" in cli("edition", "undo", edition, rows[0]["id"])
    assert "cli:" in cli("edition", "changes", edition)
    assert cli.json("edition", "coming")[0]["changes"] == 7
    assert "if nobody touches it" in cli("edition", "coming")
    room.freeze(edition)
    assert cli.json("edition", "coming", edition)["is_live"] is False
    assert "digest edition revise" in cli.refused("edition", "pin", edition, ids["On patience"], code=1)
    room.change(type(room.considered(edition).edition), state=EditionState.SENT)
    assert "digest edition show" in cli.refused("edition", "coming", edition, code=1)


def test_an_intro_comes_from_a_file(cli: Cli, room: Newsroom, tmp_path: Path) -> None:
    """As it stands there; one that is not there is a sentence."""
    edition = room.edition()
    (tmp_path / "intro.md").write_text("Good\n\n*morning*.", encoding="utf-8")
    cli("edition", "intro", edition, f"@{tmp_path / 'intro.md'}")
    assert cli.json("edition", "changes", edition)[0]["details"] == {"text": "Good\n\n*morning*."}
    assert "cannot be read" in cli.refused("edition", "intro", edition, f"@{tmp_path / 'none.md'}")
    assert "is no story" in cli.refused("edition", "pin", edition, "bridge")


def test_the_desks_own_items(cli: Cli, room: Newsroom) -> None:
    """Added, seen in the coming edition, moved, listed and withdrawn."""
    day = room.day().isoformat()
    item = cli.json(
        *("item", "add", "courier", "--kind", "event", "--title", "Open day", "--from", day),
        *("--text", "From *ten* to four.", "--repeat", "--position", 1),
    )["id"]
    cli("item", "add", "courier", "--kind", "note", "--title", "Next year", "--from", "2090-01-01")
    edition = room.edition()
    found = cli.json("edition", "coming", edition)["stories"]
    assert [one["title"] for one in found if one["facts"].get("place") == 1] == ["Open day"]
    assert f"item {item}" in cli("edition", "explain", edition)
    cli("edition", "pin", edition, f"item:{item}", "--place", 2)
    cli("edition", "rewrite", edition, f"item:{item}", "--title", "Open days")
    cli("edition", "drop", edition, f"item:{item}")
    assert "Dropped by cli:" in cli("edition", "explain", edition)
    assert f"item:{item}" in cli("edition", "changes", edition)
    assert [one["title"] for one in cli.json("item", "list", "courier")] == ["Open day", "Next year"]
    assert "goes out no more" in cli("item", "withdraw", item)
    assert "was withdrawn already" in cli("item", "withdraw", item)
    assert "each time" in cli("item", "list", "courier")
    assert "is not a day" in cli.refused(
        "item", "add", "courier", "--kind", "note", "--title", "x", "--from", "tomorrow"
    )
    assert "There is no item 99" in cli.refused("item", "withdraw", 99)


def test_the_rules_are_shown_and_changed(cli: Cli, room: Newsroom, tmp_path: Path) -> None:
    """One by one, from a file, for one cadence; what is in force is shown for programs."""
    edition = room.edition()
    assert "no further rules" in cli("digest", "rules", "courier")
    told = cli("digest", "rules", "courier", "--set", "recent.exclude.categories=Sports")
    assert '"Sports"' in told
    assert "The section “Sports” is left out." in cli("edition", "explain", edition)
    (tmp_path / "rules.toml").write_text('settle_seconds = 300\n[thin]\nthen = "hold"\n', encoding="utf-8")
    (tmp_path / "rules.json").write_text(json.dumps({"recent": {"days": 20}}), encoding="utf-8")
    cli("digest", "rules", "courier", "--file", tmp_path / "rules.toml", "--unset", "settle_seconds")
    cli("digest", "rules", "courier", "--cadence", "morning", "--file", tmp_path / "rules.json")
    found = cli.json("digest", "rules", "courier", "--cadence", "morning")
    assert found["rules"] == {"recent": {"days": 20}}
    assert (found["in_force"]["recent"]["days"], found["in_force"]["thin"]["then"]) == (20, "hold")
    assert "An old story" in cli("edition", "show", edition)
    assert cli.json("digest", "show", "courier")["rules"] == {"thin": {"then": "hold"}}


def test_rules_that_cannot_be_are_refused(cli: Cli, room: Newsroom, tmp_path: Path) -> None:
    """In one sentence, and nothing is changed."""
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    for words, *given in (
        ("There is no rule 'fallback'", "--set", "fallback=hold"),
        ("--recent-most", "--set", "recent.most=5"),
        ("the second must not be smaller", "--cadence", "morning", "--set", "recent.least=50"),
        ("is not what its name says", "--file", tmp_path / "broken.json"),
        ("must hold a table", "--file", tmp_path / "list.json"),
        ("cannot be read", "--file", tmp_path / "none.json"),
    ):
        assert words in cli.refused("digest", "rules", "courier", *given)
    assert cli.json("digest", "rules", "courier")["rules"] == {}
    assert room.edition()


def test_patterns_are_set_with_the_digest(cli: Cli, room: Newsroom) -> None:
    """A wrong token is refused at once."""
    cli("digest", "set", "courier", "--subject-pattern", "{featured.title}, {count}")
    assert cli.json("edition", "coming", room.edition())["subject"] == "On patience, 3"
    told = cli.refused("digest", "set", "courier", "--preheader-pattern", "{titel}")
    assert "There is no {titel} for a preheader" in told
