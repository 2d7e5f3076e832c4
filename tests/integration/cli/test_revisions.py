"""Versions, test mails and first copies by command, as a person types them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.handover import start_due
from digest.models import Cadence, EditionState, Notice
from tests.integration.cli.commands import Cli
from tests.integration.planned import Desk, make_desk
from tests.integration.printed import Printed, print_edition
from tests.servers.news_site import NewsSite


@pytest.fixture
def desk(cli: Cli) -> Iterator[Desk]:
    """A newsroom in the command line's own database."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    yield make_desk(database, cli.data)
    database.close()


@pytest.fixture
def printed(desk: Desk) -> Printed:
    """An edition to three people, paused before anybody was handed it."""
    now = clock.utc_now()
    desk.add_people(3)
    made = print_edition(desk, now, is_planned=True)
    with desk.database.write() as session:
        start_due(session, now=now)
    made.set_state(EditionState.PAUSED)
    return made


def names(cli: Cli, desk: Desk) -> tuple[str, str]:
    """The digest's and the cadence's, as commands take them."""
    with desk.database.read() as session:
        assert session.get(Cadence, desk.cadence.id) is not None
    return cli.json("digest", "list")[0]["name"], "morning"


def test_a_paused_edition_is_corrected_by_commands_alone(cli: Cli, printed: Printed, tmp_path: Path) -> None:
    """Revise, look at it, approve, go on; who approved what and who got what is shown."""
    edition = printed.edition_id
    body = tmp_path / "body.html"
    body.write_text("<p>Patience, anew.</p>")
    told = cli(
        "edition",
        "revise",
        edition,
        "--title",
        "1=On Haste = a vice",
        "--excerpt",
        "2=SPRINGDALE -- On Monday.",
        "--body",
        f"1={body}",
        "--drop",
        3,
        "--note",
        "We had the day wrong.",
    )
    assert f"Version 2 of edition {edition} is there" in told
    assert "is not approved" in cli.refused("edition", "go-on", edition, "--revision", 2, code=1)
    assert "is approved." in cli("edition", "approve", edition)
    assert "is approved already, by cli:" in cli("edition", "approve", edition, "--revision", 2)
    assert "version 2 goes to 3 people" in cli("edition", "go-on", edition, "--revision", 2)
    assert cli.json("edition", "show", edition)["state"] == "sending"
    found = cli.json("edition", "revisions", edition)
    assert [(one["number"], one["is_current"], one["handed_over"]) for one in found] == [
        (1, False, 0),
        (2, True, 0),
    ]
    assert found[1]["stories"] == ["On Haste = a vice", "Mill Bridge Opens"]
    assert found[1]["deliveries"]["pending"] == 3
    table = cli("edition", "revisions", edition)
    for words in ("2 (current)", "freeze, ", "3 pending", "  1. On Haste = a vice"):
        assert words in table


@pytest.mark.parametrize(
    ("args", "word"),
    [
        ((), "Nothing to correct"),
        (("--title", "On Haste"), "does not say of which story"),
        (("--title", "x=On Haste"), "does not say of which story"),
        (("--title", "1=a", "--title", "1=b"), "given twice"),
        (("--title", "9=a"), "no story 9"),
        (("--body", "1=/no/such/file"), "cannot be read"),
        (("--body", "1=/proc/self/mem"), "cannot be read"),
        (("--drop", "4"), "no story 4"),
        (("--subject", "x" * 400), "longer than"),
    ],
)
def test_what_cannot_be_corrected_is_one_sentence(
    cli: Cli, printed: Printed, args: tuple[str, ...], word: str
) -> None:
    """And makes no version."""
    assert word in cli.refused("edition", "revise", printed.edition_id, *args)
    assert len(cli.json("edition", "revisions", printed.edition_id)) == 1


def test_versions_and_editions_that_are_not_there(cli: Cli, printed: Printed) -> None:
    """Each is a sentence; an edition on its way must be paused first."""
    edition = printed.edition_id
    assert "no version 7" in cli.refused("edition", "approve", edition, "--revision", 7)
    assert "no version 7" in cli.refused("edition", "go-on", edition, "--revision", 7)
    for command in ("approve", "revisions"):
        assert "no edition" in cli.refused("edition", command, 99)
    printed.set_state(EditionState.SENDING)
    assert "pause it first" in cli.refused("edition", "revise", edition, "--note", "x", code=1)


def test_test_mails_are_for_accounts_alone(cli: Cli, printed: Printed) -> None:
    """As a notice each; for a stranger nothing is asked for."""
    edition = printed.edition_id
    cli("account", "add", "nare@courier.example", "--name", "Nare")
    assert "1 test mails" in cli("edition", "test", edition, "--to", "NARE@courier.example")
    assert "No account that is active" in cli.refused("edition", "test", edition, "--to", "r@mail.test")
    assert "no mail in the text size" in cli.refused(
        "edition", "test", edition, "--to", "nare@courier.example", "--large"
    )
    with printed.desk.database.read() as session:
        (notice,) = session.scalars(sa.select(Notice))
    assert (notice.kind, notice.address) == ("test", "nare@courier.example")


def test_a_coming_edition_can_be_tested(cli: Cli, site: NewsSite) -> None:
    """Made of what would go into it now; a template that fails is a sentence, and nothing is asked for."""
    sender = ("--sender", "news@courier.example", "--postal-address", "1 Mill Lane, Springdale")
    cli("digest", "create", "courier", "--title", "The Courier", "--language", "en", *sender)
    cli("source", "add", site.url("/feed/"), "--include-backlog", "7d", "--digest", "courier")
    cli("cadence", "add", "courier", "morning", "--cron", "30 6 * * *", "--zone", "Asia/Yerevan")
    cli("account", "add", "nare@courier.example", "--name", "Nare")
    edition = cli.json("edition", "list", "--state", "upcoming")[0]["id"]
    to = ("--to", "nare@courier.example")
    assert "nothing new" in cli.refused("edition", "test", edition, *to, code=1)
    cli("collect")
    assert "1 test mails" in cli("edition", "test", edition, *to)
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    with database.read() as session:
        (notice,) = session.scalars(sa.select(Notice))
    database.close()
    assert b"Subject: [Test] On Patience\r\n" in notice.message
    assert cli.json("edition", "show", edition)["state"] == "upcoming"


def test_first_copies_are_given_and_taken_back(cli: Cli, desk: Desk) -> None:
    """Several people at once, only those with an account; the list shows them."""
    digest, cadence = names(cli, desk)
    group = ("cadence", "first-copy")
    for name in ("nare", "ara"):
        cli("account", "add", f"{name}@courier.example", "--name", name.title())
    both = ("nare@courier.example", "ara@courier.example")
    assert "2 more get the first copies" in cli(*group, "add", digest, cadence, *both)
    assert "0 more" in cli(*group, "add", digest, cadence, both[0])
    assert "600 seconds" in cli(*group, "lead", digest, cadence, 600)
    shown = cli.json(*group, "list", digest, cadence)
    assert (shown["seconds"], {one["address"] for one in shown["people"]}) == (600, set(both))
    assert "No account" in cli.refused(*group, "add", digest, cadence, "reader@mail.test")
    assert "cannot be sent before" in cli.refused(*group, "lead", digest, cadence, 601)
    assert "no rhythm" in cli.refused(*group, "list", digest, "evening")
    assert "1 fewer" in cli(*group, "remove", digest, cadence, both[1])
    assert "Nare" in cli(*group, "list", digest, cadence)
    cli(*group, "remove", digest, cadence, both[0])
    assert "Nobody gets its first copies." in cli(*group, "list", digest, cadence)
