"""`digest subscriber import` with its options, `digest import` and `digest export`."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from digest.db import Database
from tests.factories import make_cadence, make_digest
from tests.integration.cli.conftest import Cli

CONTENT = (
    "E-mail;Vorname;Status\nani@example.org;=Ani;subscribed\nara@example.org;Ara;unsubscribed\n"
    "gone@example.org;;cleaned\nwrong;;\n"
)


@pytest.fixture
def ready(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The commands on SQLite and on PostgreSQL, with a digest, a cadence and a list."""
    monkeypatch.setenv("DIGEST_DATABASE_URL", database_url)
    database = Database(database_url)
    with database.write() as session:
        digest = make_digest(session, "courier")
        make_cadence(session, digest)
    database.close()
    cli("list", "create", "readers", "--digest", "courier", "--title", "The Courier by mail")
    return cli


@pytest.fixture
def words(tmp_path: Path) -> tuple[object, ...]:
    path = tmp_path / "people.csv"
    path.write_text(CONTENT, encoding="utf-8")
    columns = ("--map", "E-mail=address", "--map", "Vorname=name")
    return ("subscriber", "import", path, "--list", "readers", *columns)


def test_a_file_is_seen_imported_reported_and_undone(
    ready: Cli, words: tuple[object, ...], tmp_path: Path
) -> None:
    """Preview, dry run with a report, import, what is kept of it, and back."""
    seen = ready.json(*words, "--preview", 2)
    assert [one["address"] for one in seen] == ["ani@example.org", "ara@example.org"]
    assert "ani@example.org" in ready.run(*words, "--preview", "9").stdout
    report = tmp_path / "report.csv"
    assert "consent text" in ready.refused(*words)
    found = ready.json(*words, "--basis", "moved", "--dry-run", "--report", report)
    assert (found["added"], found["ended"], found["barred"], found["bad"]) == (1, 1, 1, 1)
    dry = report.read_text(encoding="utf-8")
    assert [line["outcome"] for line in csv.DictReader(dry.splitlines())] == ["bad", "ended", "barred"]
    assert ready.json("import", "list") == []
    found = ready.json(*words, "--basis", "moved", "--report", report)
    assert report.read_text(encoding="utf-8") == dry
    assert report.stat().st_mode & 0o077 == 0
    ready("import", "report", 1, "--output", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text(encoding="utf-8") == dry
    assert ready.json("import", "show", 1)["basis"] == "moved"
    assert "done" in ready("import", "list")
    assert "nothing to resume" in ready.refused("import", "resume", 1, code=1)
    assert "no import 9" in ready.refused("import", "undo", 9)
    assert ready.json("import", "undo", 1) == {"ended": 2, "changed_since": 0, "released": 1}
    assert "undone" in ready("import", "show", 1)
    assert "Deleted 0 files" in ready("import", "purge")


def test_leavers_only_and_who_answers(ready: Cli, words: tuple[object, ...]) -> None:
    """An admin may sign where there is no proof; during a cut-over only leavers come."""
    assert "not the name of one account" in ready.refused(*words, "--signed-by", "Nare")
    ready("account", "add", "nare@example.org", "--name", "Nare", "--role", "admin")
    found = ready.json(*words, "--signed-by", "Nare", "--leavers-only")
    assert (found["added"], found["passed_over"], found["ended"]) == (0, 1, 1)
    assert "no mapping" in ready.refused(*words, "--basis", "x", "--mapping", "other")


def test_a_list_is_exported_without_formulas(ready: Cli, words: tuple[object, ...], tmp_path: Path) -> None:
    """To a file or to standard output, all or some; as a spreadsheet too, which comes back."""
    ready.run(*words, "--basis", "moved")
    lines = list(csv.DictReader(ready("export", "readers").splitlines()))
    assert [(one["address"], one["name"], one["status"]) for one in lines] == [
        ("ani@example.org", "'=Ani", "active"),
        ("ara@example.org", "Ara", "ended"),
    ]
    out = tmp_path / "out.xlsx"
    ready("export", "readers", "--status", "active", "--format", "xlsx", "--output", out)
    found = ready.json("subscriber", "import", out, "--list", "readers", "--preview", 5)
    assert [(one["address"], one["name"]) for one in found] == [("ani@example.org", "=Ani")]
    assert "no list" in ready.refused("export", "others")
