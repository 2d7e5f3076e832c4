"""A story is held back by command, as a person types it."""

from __future__ import annotations

import datetime as dt

from digest.db import Database
from tests.integration.cli.commands import Cli
from tests.integration.newsroom import make_newsroom


def test_a_story_is_held_back_and_let_go(cli: Cli) -> None:
    """In a zone; the reason stands where the edition is explained, a locked edition is named."""
    room = make_newsroom(Database(f"sqlite:///{cli.data / 'digest.db'}"))
    post = room.publish("The council's budget")
    coming, locked = room.edition(), room.edition(hours=2)
    room.freeze(locked)
    until = f"{room.now + dt.timedelta(days=1):%Y-%m-%dT%H:%M}"
    told = cli("post", "embargo", post, until, "--zone", "Asia/Yerevan")
    assert "The council's budget: held back until" in told
    assert f"Edition {locked} is locked with it and goes out before" in told
    assert f"digest edition relock {locked}" in told
    assert f"Edition {coming}" not in told
    assert "Under embargo until" in cli("edition", "explain", coming)
    assert "it may go out" in cli("post", "release", post)
    assert "Under embargo until" not in cli("edition", "explain", coming)
    assert "moment is past" in cli.refused("post", "embargo", post, "2020-01-01")
    assert "No site brought a story 999" in cli.refused("post", "release", 999)
