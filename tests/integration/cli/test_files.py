"""`digest subscriber import` with its options, `digest import` and `digest export`."""

from __future__ import annotations

import csv
import errno
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.cli import common
from digest.lists import import_run
from digest.lists.import_run import FILE_KIND
from digest.lists.import_sort import Plan
from digest.lists.import_write import Proof
from digest.models import Asset
from tests.integration.cli.commands import Cli

CONTENT = (
    "E-mail;Vorname;Status\nani@example.org;=Ani;subscribed\nara@example.org;Ara;unsubscribed\n"
    "gone@example.org;;cleaned\nwrong;;\n"
)


@pytest.fixture
def words(tmp_path: Path) -> tuple[object, ...]:
    path = tmp_path / "people.csv"
    path.write_text(CONTENT, encoding="utf-8")
    columns = ("--map", "E-mail=address", "--map", "Vorname=name")
    return ("subscriber", "import", path, "--list", "readers", *columns)


def test_a_file_is_seen_imported_reported_and_undone(
    readers: Cli, words: tuple[object, ...], tmp_path: Path
) -> None:
    """Preview, dry run with a report, import, what is kept of it, and back."""
    seen = readers.json(*words, "--preview", 2)
    assert [one["address"] for one in seen] == ["ani@example.org", "ara@example.org"]
    assert "ani@example.org" in readers.run(*words, "--preview", "9").stdout
    report = tmp_path / "report.csv"
    assert "consent text" in readers.refused(*words, "--report", report)
    assert not report.exists()  # so that the next try may write it
    found = readers.json(*words, "--basis", "moved", "--dry-run", "--report", report)
    assert (found["added"], found["ended"], found["barred"], found["bad"]) == (1, 1, 1, 1)
    dry = report.read_text(encoding="utf-8")
    assert [line["outcome"] for line in csv.DictReader(dry.splitlines())] == ["bad", "ended", "barred"]
    assert readers.json("import", "list") == []
    assert "already" in readers.refused(*words, "--basis", "moved", "--report", report)
    assert readers.json("import", "list") == []  # nothing was done
    report.chmod(0o644)
    found = readers.json(*words, "--basis", "moved", "--report", report, "--force")
    assert report.read_text(encoding="utf-8") == dry
    assert report.stat().st_mode & 0o077 == 0
    readers("import", "report", 1, "--output", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text(encoding="utf-8") == dry
    assert readers.json("import", "show", 1)["basis"] == "moved"
    assert "done" in readers("import", "list")
    assert "nothing to resume" in readers.refused("import", "resume", 1, code=1)
    assert "no import 9" in readers.refused("import", "undo", 9)
    assert readers.json("import", "undo", 1) == {"ended": 2, "changed_since": 0, "released": 1}
    assert "undone" in readers("import", "show", 1)
    assert "Deleted 0 files" in readers("import", "purge")


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "given-again"])
def test_an_import_that_ended_half_way_goes_on(
    readers: Cli, words: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, *, is_kept: bool
) -> None:
    """With the file that is kept, or that is given again where it is not; another one is refused."""
    with monkeypatch.context() as disk:
        disk.setattr(import_run, "BATCH_LINES", 1)
        disk.setattr(import_run, "write_plan", _full_at_the_second(import_run.write_plan))
        assert readers.run(*words, "--basis", "moved").exit_code != 0
    found = readers.json("import", "show", 1)
    assert (found["state"], found["counts"]["added"]) == ("failed", 1)
    given: tuple[object, ...] = ()
    if not is_kept:
        with common.write() as session:  # as on the day after the last on which files are kept
            session.execute(sa.delete(Asset).where(Asset.kind == FILE_KIND))
        assert "--file" in readers.run("import", "resume", 1).stderr
        file = Path(str(words[2]))
        other = file.with_name("other.csv")
        other.write_text(CONTENT.replace("Ani", "Ano"), encoding="utf-8")
        assert "another file" in readers.refused("import", "resume", 1, "--file", other)
        given = ("--file", file)
    found = readers.json("import", "resume", 1, *given)
    assert (found["added"], found["ended"], found["barred"], found["bad"]) == (1, 1, 1, 1)
    assert readers.json("import", "show", 1)["state"] == "done"


def _full_at_the_second(write_plan: Callable[..., None]) -> Callable[..., None]:
    """A disk that is full when the second batch is written."""
    batches = itertools.count(1)

    def write(session: Session, plan: Plan, proof: Proof) -> None:
        if next(batches) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_plan(session, plan, proof)

    return write


def test_leavers_only_and_who_answers(readers: Cli, words: tuple[object, ...]) -> None:
    """An admin may sign where there is no proof; during a cut-over only leavers come."""
    assert "not the name of one account" in readers.refused(*words, "--signed-by", "Nare")
    readers("account", "add", "nare@example.org", "--name", "Nare", "--role", "admin")
    found = readers.json(*words, "--signed-by", "Nare", "--leavers-only")
    assert (found["added"], found["passed_over"], found["ended"]) == (0, 1, 1)
    assert "no mapping" in readers.refused(*words, "--basis", "x", "--mapping", "other")


def test_a_list_is_exported_without_formulas(readers: Cli, words: tuple[object, ...], tmp_path: Path) -> None:
    """To a file or to standard output, all or some; as a spreadsheet too, which comes back."""
    readers.run(*words, "--basis", "moved")
    lines = list(csv.DictReader(readers("export", "readers").splitlines()))
    assert [(one["address"], one["name"], one["status"]) for one in lines] == [
        ("ani@example.org", "'=Ani", "active"),
        ("ara@example.org", "Ara", "ended"),
    ]
    out = tmp_path / "out.xlsx"
    out.write_bytes(b"somebody else's")
    out.chmod(0o644)
    words = ("export", "readers", "--status", "active", "--format", "xlsx", "--output", out)
    assert "already" in readers.refused(*words)
    assert out.read_bytes() == b"somebody else's"
    readers(*words, "--force")
    assert out.stat().st_mode & 0o077 == 0
    found = readers.json("subscriber", "import", out, "--list", "readers", "--preview", 5)
    assert [(one["address"], one["name"]) for one in found] == [("ani@example.org", "=Ani")]
    assert "no list" in readers.refused("export", "others")
