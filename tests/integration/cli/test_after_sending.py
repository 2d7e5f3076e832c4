"""What is put right after an edition went out, as a person types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.handover import start_due
from digest.deliveries.ledger import Result, record
from digest.models import Delivery, DeliveryStatus, Edition, EditionState
from tests.integration.cli.commands import Cli
from tests.integration.planned import Desk, make_desk
from tests.integration.printed import TITLES, print_edition


@pytest.fixture
def desk(cli: Cli) -> Iterator[Desk]:
    """A newsroom in the command line's own database."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    yield make_desk(database, cli.data)
    database.close()


@pytest.fixture
def edition(desk: Desk) -> int:
    """One that two people were handed."""
    now = clock.utc_now()
    people = desk.add_people(2)
    printed = print_edition(desk, now, is_planned=True)
    with desk.database.write() as session:
        start_due(session, now=now)
        record(
            session, printed.edition_id, [Result(person, 0, DeliveryStatus.SENT, now) for person in people]
        )
    printed.set_state(EditionState.SENT)
    return printed.edition_id


def page(desk: Desk, edition: int) -> str:
    with desk.database.read() as session:
        return session.scalars(sa.select(Edition.web_html).where(Edition.id == edition)).one() or ""


def test_a_page_is_put_right_and_back_by_commands(cli: Cli, desk: Desk, edition: int) -> None:
    """A note, a story taken down, both shown with their numbers, and one of them taken back."""
    told = cli("edition", "amend", edition, 2, "--note", "On Monday, not on Sunday.")
    assert "the page of edition" in told
    gone = cli.json("edition", "amend", edition, 3, "--take-down")
    assert gone == {"id": gone["id"], "kind": "taken_down", "is_undone": False}
    assert "Correction: On Monday, not on Sunday." in page(desk, edition)
    assert TITLES[2] not in page(desk, edition)
    shown = cli("edition", "show", edition)
    assert "Put right, number 1: story 2, note: On Monday, not on Sunday. (cli:" in shown
    assert "Put right, number 2: story 3, taken down (cli:" in shown
    cli("edition", "amend", edition, "--undo", gone["id"])
    assert TITLES[2] in page(desk, edition)
    found = cli.json("edition", "show", edition)["amendments"]
    assert [(one["story"], one["kind"], bool(one["undone_at"])) for one in found] == [
        (2, "note", False),
        (3, "taken_down", True),
    ]


def test_what_to_do_is_said_exactly_once(cli: Cli, edition: int) -> None:
    """One of the three, with the story or the number that it is about."""
    for given in ((), (2,), (2, "--note", "x", "--take-down"), ("--note", "x"), (2, "--undo", 1)):
        assert cli.refused("edition", "amend", edition, *given)
    assert "no story 9" in cli.refused("edition", "amend", edition, 9, "--take-down")


def test_a_correction_is_asked_for_by_one_command(cli: Cli, desk: Desk, edition: int, tmp_path: Path) -> None:
    """It says how many get it and when; the edition that comes of it says what it corrects."""
    body = tmp_path / "body.html"
    body.write_text("<p>Patience, anew.</p>")
    given = ("--story", 1, "--note", "It was haste.", "--title", "On Haste", "--body", body)
    made = cli.json("edition", "correct", edition, *given)
    assert (made["corrects"], made["people"]) == (edition, 2)
    told = cli("edition", "show", made["id"])
    assert f"It corrects edition {edition}" in told
    assert "On Haste" in told
    assert "Correction: On Haste" in cli("edition", "coming", made["id"])
    said = cli("edition", "explain", made["id"])
    assert "Featured by cli:" in said
    later = cli("edition", "correct", edition, "--story", 2, "--note", "x", "--at", "2027-01-15T07:00")
    assert "2027-01-15" in later
    assert "to 2 people" in later
    past = (*given[:4], "--at", "2020-01-15T07:00")
    assert "in the past" in cli.refused("edition", "correct", edition, *past)
    with desk.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 2


@pytest.mark.usefixtures("desk")
def test_an_archive_is_closed_and_opened(cli: Cli) -> None:
    """Per digest, and shown."""
    name = cli.json("digest", "list")[0]["name"]
    assert cli.json("digest", "show", name)["has_archive"] is True
    assert "has archive" in cli("digest", "set", name, "--no-archive")
    assert cli.json("digest", "show", name)["has_archive"] is False
    cli("digest", "set", name, "--archive")
    assert cli.json("digest", "show", name)["has_archive"] is True
