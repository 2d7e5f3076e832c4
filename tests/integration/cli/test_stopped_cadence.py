"""A cadence that is stopped while people are on it: who is told, and how they get mail again."""

from __future__ import annotations

import json

import pytest

from tests.integration.cli.commands import Cli

SET = ("cadence", "set", "courier")


@pytest.fixture
def ani(readers: Cli) -> Cli:
    """Three people on the Sunday cadence, one of them paused, one who has left; a fourth on the morning's."""
    readers("cadence", "add", "courier", "sunday", "--cron", "0 9 * * 0", "--zone", "Asia/Yerevan")
    readers(*SET, "morning", "--running")
    for name, cadence in (("ani", "sunday"), ("ara", "sunday"), ("eva", "sunday"), ("nare", "morning")):
        words = ("--list", "readers", "--consent", "by letter", "--cadence", cadence)
        readers("subscriber", "add", f"{name}@example.org", *words)
    readers("subscriber", "pause", "ara@example.org", "--list", "readers")
    readers("subscriber", "end", "eva@example.org", "--list", "readers")
    return readers


def doctor(cli: Cli) -> str:
    """What is found about people who get nothing."""
    found = json.loads(cli.run("doctor", "--json").stdout)["findings"]
    return " ".join(each["found"] + each["mend"] for each in found if each["check"] == "people")


def test_who_stops_a_cadence_is_told_who_gets_nothing_now(ani: Cli) -> None:
    """How many, and how to move them; the doctor and the list go on saying it until somebody acts."""
    assert doctor(ani) == ""
    said = ani(*SET, "sunday", "--stopped")
    assert "2 people have chosen it and get nothing" in said
    assert "digest cadence set courier sunday --move-to CADENCE" in said
    assert "2 people of readers get nothing: their rhythm, sunday, is stopped" in doctor(ani)
    assert "--move-to CADENCE" in doctor(ani)
    assert ani.json("list", "show", "readers")["stranded"] == {"sunday": 2}
    assert "2 on sunday" in ani("list", "show", "readers")
    ani(*SET, "sunday", "--running")
    assert doctor(ani) == ""
    assert "stopped" not in ani("list", "show", "readers")


def test_people_are_moved_with_proof(ani: Cli) -> None:
    """All who have not left, each with an event that names who did it; a pause stays; again, it is nobody."""
    said = ani(*SET, "sunday", "--stopped", "--move-to", "morning")
    assert "2 people are on morning now." in said
    assert "get nothing" not in said
    assert doctor(ani) == ""
    for name, status in (("ani", "active"), ("ara", "paused")):
        (one,) = ani.json("subscriber", "show", f"{name}@example.org")["subscriptions"]
        assert (one["status"], one["cadence"]) == (status, "morning")
        last = one["events"][-1]
        assert (last["action"], last["source"], last["status"]) == ("change", "cli", status)
        assert last["details"]["cadence_before"] == "sunday"
        assert last["details"]["actor"].startswith("cli:")
    (left,) = ani.json("subscriber", "show", "eva@example.org")["subscriptions"]
    assert (left["status"], left["cadence"]) == ("ended", "sunday")
    assert "0 people are on morning now." in ani(*SET, "sunday", "--move-to", "morning")
    assert "every chain of consent is whole" in ani("consent", "verify")


def test_nobody_is_moved_to_where_nothing_comes(ani: Cli) -> None:
    """And the cadence itself is not stopped then."""
    for target, code, sentence in (
        ("weekly", 2, "no rhythm 'weekly'"),
        ("sunday", 1, "another rhythm"),
        ("morning", 1, "does not run"),
    ):
        if target == "morning":
            ani(*SET, "morning", "--stopped")
        assert sentence in ani.refused(*SET, "sunday", "--stopped", "--move-to", target, code=code)
        assert sentence in ani.refused(*SET, "sunday", "--move-to", target, code=code)
    running = {one["name"]: one["is_running"] for one in ani.json("cadence", "list", "courier")}
    assert running == {"sunday": True, "morning": False}
