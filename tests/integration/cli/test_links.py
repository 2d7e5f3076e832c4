"""Counted links by command."""

from __future__ import annotations

import datetime as dt

from digest import clock
from digest.db import Database
from digest.editions.links import Followed, add_counts
from tests.integration.cli.commands import Cli
from tests.integration.planned import make_desk
from tests.integration.printed import print_edition


def test_links_are_counted_and_led_elsewhere_by_commands(cli: Cli) -> None:
    """Set the digest, look at what is followed, lead a link elsewhere; a wrong address is a sentence."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    desk = make_desk(database, cli.data)
    name = cli.json("digest", "list")[0]["name"]
    direct = print_edition(desk, clock.utc_now())
    assert "--links counted" in cli("link", "list", direct.edition_id)
    assert cli("digest", "set", name, "--links", "counted") == "Changed: links.\n"
    assert cli.json("digest", "show", name)["links"] == "counted"
    edition = print_edition(desk, clock.utc_now() + dt.timedelta(hours=1)).edition_id
    first, second, _ = cli.json("link", "list", edition)
    with database.write() as session:
        add_counts(session, [Followed(second["code"], dt.datetime(2026, 11, 23, tzinfo=dt.UTC), 1234, 7)])
    told = cli("link", "repoint", edition, "2", "https://courier.example/right/")
    assert f"The link {second['code']} of edition {edition} leads to https://courier.example/right/." in told
    shown = cli("link", "list", edition)
    assert first["code"] in shown
    assert "1234" in shown.replace(",", "")
    assert "https://courier.example/right/" in shown
    database.close()
    assert "write it whole" in cli.refused("link", "repoint", edition, "1", "courier.example")
