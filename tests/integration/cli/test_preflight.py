"""`digest preflight`: the findings about a locked edition, from the database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.models import Digest, Item, Revision, Variant
from tests.integration.cli.commands import Cli
from tests.integration.cli.conftest import make_paper
from tests.servers.news_site import NewsSite


@pytest.fixture
def paper(cli: Cli, site: NewsSite, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A digest with one source that was collected, and an extra edition that nobody locked yet."""
    monkeypatch.setenv("DIGEST_PUBLIC_URL", "https://mail.courier.example")
    make_paper(cli, site)
    return cli


@pytest.fixture
def edition(paper: Cli) -> int:
    """The extra edition, locked."""
    found: int = next(line["id"] for line in paper.json("edition", "list") if line["kind"] == "extra")
    paper("edition", "freeze", found)
    return found


def _change(cli: Cli, statement: sa.Update | sa.Insert) -> None:
    database = Database(f"sqlite:///{Path(cli.data) / 'digest.db'}")
    with database.write() as session:
        session.execute(statement)
    database.close()


def _contents(cli: Cli) -> list[tuple[object, ...]]:
    """Everything that is locked, as it is stored."""
    database = Database(f"sqlite:///{Path(cli.data) / 'digest.db'}")
    with database.read() as session:
        rows = [tuple(row) for table in (Revision, Variant, Item) for row in session.execute(
            sa.select(*table.__table__.columns))]  # fmt: skip
    database.close()
    return rows


def test_a_normal_edition_may_go_out(paper: Cli, edition: int) -> None:
    """A collected and locked edition has nothing that blocks, and looking changes nothing."""
    before = _contents(paper)
    assert paper("preflight", edition) == f"Edition {edition}, version 1: nothing is wrong.\n"
    assert paper.json("preflight", edition) == {"edition": edition, "revision": 1, "findings": []}
    assert _contents(paper) == before


def test_what_blocks_is_told_with_what_to_do(paper: Cli, edition: int) -> None:
    """Exit code 1, the sentence and the remedy, in both languages and for programs."""
    _change(paper, sa.update(Digest).values(postal_address="2 Weir Road, Springdale"))
    result = paper.run("preflight", edition)
    assert result.exit_code == 1
    assert result.stderr == ""
    told = result.stdout
    assert "Must not go out: The HTML part does not show the digest's postal address." in told
    assert "    If the address has changed, lock the edition again" in told
    armenian = paper.run("preflight", edition, "--language", "hy").stdout
    assert "Չպետք է ուղարկվի: Նամակի տեքստային մասը ցույց չի տալիս" in armenian
    assert '"code": "address_not_shown"' in paper.run("preflight", edition, "--json").stdout
    # What the sentence says to do, mends it.
    paper("edition", "relock", edition)
    assert "version 2: nothing is wrong" in paper("preflight", edition)
    assert paper.run("preflight", edition, "--revision", 1).exit_code == 1


def test_what_could_be_better_does_not_block(paper: Cli, edition: int) -> None:
    """Exit code 0 with a warning; one of a single variant names it."""
    _change(paper, sa.update(Revision).values(subject="THE BRIDGE IS OPEN &amp; MENDED"))
    found = paper.json("preflight", edition)["findings"]
    assert [each["code"] for each in found] == ["subject_markup", "subject_shouts", "title_differs"]
    assert {each["level"] for each in found} == {"warn"}
    assert found[0]["facts"] == {"found": "&amp;"}
    assert "Could be better: The subject shouts" in paper("preflight", edition)
    styled = Variant.html + f"<style>{'p { color: #111111; } ' * 800}</style>"
    columns = ["revision_id", "topics", "text_size", "html", "text", "mail", "fingerprint"]
    same = (Variant.text, Variant.mail, Variant.fingerprint)
    large = sa.select(Variant.revision_id, Variant.topics, sa.literal("large"), styled, *same)
    _change(paper, sa.insert(Variant).from_select(columns, large))
    assert "Could be better [large]: The styles have" in paper("preflight", edition)


def test_a_plain_public_address_is_told(paper: Cli, edition: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link to leave leads to the public address, as it is set now."""
    monkeypatch.setenv("DIGEST_PUBLIC_URL", "http://127.0.0.1:8025")
    assert "no button for it (RFC 8058)" in paper("preflight", edition)


def test_what_is_not_locked_is_refused(paper: Cli) -> None:
    """An edition without a version, and one that is not there: a sentence each."""
    coming = next(line["id"] for line in paper.json("edition", "list") if line["kind"] == "extra")
    assert "has no version yet" in paper.refused("preflight", coming)
    assert "999" in paper.refused("preflight", 999)
    assert "'xx'" in paper.refused("preflight", coming, "--language", "xx")


def test_what_was_found_is_shown_with_the_edition(paper: Cli, edition: int) -> None:
    """What the lock found and mended: in the edition, in its versions, and beside what is found now."""
    kept = [
        {
            "level": "mended",
            "code": "picture_dropped",
            "facts": {"url": "https://courier.example/lamp.jpg"},
            "variants": ["normal"],
        },
        {"level": "warn", "code": "of_another_version", "facts": {}, "variants": []},
    ]
    _change(paper, sa.update(Revision).values(findings=kept))
    shown = paper("edition", "show", edition)
    assert f"The checks (`digest preflight {edition}`):\n  Mended: A picture was left out" in shown
    assert [each["code"] for each in paper.json("edition", "show", edition)["findings"]] == [
        "picture_dropped"
    ]
    assert "1 mended" in paper("edition", "revisions", edition)
    assert [each["code"] for each in paper.json("preflight", edition)["findings"]] == ["picture_dropped"]


def test_a_mail_of_some_stories_has_its_own_line(paper: Cli, edition: int) -> None:
    """A variant by topics is looked at with its own stories and the subject that it carries."""
    _change(paper, sa.update(Revision).values(subject="Of other stories"))
    assert [each["code"] for each in paper.json("preflight", edition)["findings"]] == ["title_differs"]
    _change(paper, sa.update(Variant).values(positions=[0]))
    assert paper.json("preflight", edition)["findings"] == []
    _change(paper, sa.update(Variant).values(positions=[]))
    assert '"code": "empty_edition"' in paper.run("preflight", edition, "--json").stdout


def test_what_holds_an_edition_is_told(paper: Cli) -> None:
    """Before it has a version: what stopped it, with what to do, and exit code 1."""
    edition = next(line["id"] for line in paper.json("edition", "list") if line["kind"] == "extra")
    assert paper.run("preflight", edition).exit_code == 2  # there is nothing to look at yet
    _change(paper, sa.update(Digest).values(postal_address=" "))
    assert paper.run("edition", "freeze", edition).exit_code == 1
    result = paper.run("preflight", edition)
    assert result.exit_code == 1
    assert f"Edition {edition}, held:\n\nMust not go out: The digest has no postal address" in result.stdout
    assert "! The digest has no postal address, which every mail must carry. Set the" in paper(
        "edition", "show", edition
    )
