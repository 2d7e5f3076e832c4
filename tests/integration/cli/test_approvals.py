"""`digest cadence approval` and `digest edition approve|void|approvals|differences`, as an editor types."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.editions.slots import add_edition
from digest.models import Cadence, Edition, EditionKind, EditionState
from tests.factories import make_cadence, make_digest, make_revision
from tests.factories.moments import NOW
from tests.integration.cli.commands import Cli


@pytest.fixture
def paper(cli: Cli) -> Iterator[Database]:
    """The command line's own database, with the digest "courier" and its two rhythms."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    with database.write() as session:
        digest = make_digest(session, "courier")
        for name in ("morning", "sunday"):
            make_cadence(session, digest, name, is_running=False)
    yield database
    database.close()


def test_a_digest_wants_approval_or_not(cli: Cli, paper: Database) -> None:
    """Of all its rhythms or of one; too little time for approvers is refused with what to do."""
    said = cli("cadence", "approval", "courier")
    assert said.count("no approval is wanted") == 2
    wrong = cli.refused("cadence", "approval", "courier", "--by", "20m")
    assert "approvers need 5 minutes at least to look" in wrong
    said = cli("cadence", "approval", "courier", "--by", "20m", "--lead", "1h", "--else", "without_featured")
    line = "is locked 1h before its slot and is to be approved 20m before; else: without_featured."
    assert said.count(line) == 2
    cli("cadence", "approval", "courier", "sunday", "--not-wanted")
    morning, sunday = cli.json("cadence", "approval", "courier")
    assert (morning["wants_approval"], sunday["wants_approval"]) == (True, False)
    cli("cadence", "approval", "courier", "morning", "--by", "none")
    assert "waits for approval, as long as a held one" in cli("cadence", "approval", "courier", "morning")
    wrong = cli.refused("cadence", "approval", "courier", "--not-wanted", "--by", "20m")
    assert "leave --by and --else out" in wrong


def test_approving_and_taking_it_back(cli: Cli, paper: Database) -> None:
    """By its fingerprint, if one is given; the list says who, how, and why it does not hold."""
    with paper.write() as session:
        cadence = session.scalars(sa.select(Cadence)).first()
        assert cadence is not None
        number = add_edition(session, cadence, kind=EditionKind.EXTRA, due_at=NOW, now=NOW)
        assert number is not None
        edition = session.get_one(Edition, number)
        made = make_revision(session, number, fingerprint="ab" * 32, approved_at=None, approved_by="")
        make_revision(session, number, number=2, subject="On Haste", fingerprint="cd" * 32, approved_at=None)
        edition.revision_id, edition.state = made.id, EditionState.FROZEN
    assert "Nobody has approved it." in cli("edition", "approvals", number)
    wrong = cli.refused("edition", "approve", number, "--revision", "1", "--fingerprint", "ffff", code=1)
    assert "it is not what was looked at" in wrong
    cli("edition", "approve", number, "--revision", "1", "--fingerprint", "abab")
    assert "stands" in cli("edition", "approvals", number)
    assert "no longer approved" in cli("edition", "void", number)
    assert "Nobody has approved" in cli("edition", "void", number)
    (line,) = cli.json("edition", "approvals", number)
    assert (line["way"], line["void_cause"], line["revision"]) == ("command", "withdrawn", 1)
    assert "void: withdrawn" in cli("edition", "approvals", number)
    assert "The subject is now: On Haste" in cli("edition", "differences", number)
    assert "Թեման այժմ՝ On Haste" in cli("edition", "differences", number, "--language", "hy")
    assert "They are the same." in cli("edition", "differences", number, "--to", "1")
