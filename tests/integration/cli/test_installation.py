"""Making and checking an installation by commands."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from digest import keys
from tests.integration.cli.commands import Cli
from tests.servers.waiting import HANG


@pytest.fixture
def bare(cli: Cli) -> Cli:
    """A machine on which nothing was installed yet."""
    shutil.rmtree(cli.data)
    return cli


def test_an_upgrade_makes_everything_that_is_missing(bare: Cli) -> None:
    """Folder, database and keys, for their owner's eyes alone; a second upgrade changes nothing."""
    assert "run `digest db upgrade`" in bare.refused("db", "check")
    assert not bare.data.exists()
    assert "now at" in bare("db", "upgrade")
    assert "answers" in bare("db", "check")
    for path in (bare.data, bare.data / "digest.db", bare.data / "secrets" / "address-key"):
        assert path.stat().st_mode & 0o077 == 0
    before = {path: path.read_bytes() for path in (bare.data / "secrets").iterdir()}
    assert "already" in bare("db", "upgrade")
    assert before == {path: path.read_bytes() for path in (bare.data / "secrets").iterdir()}


def test_a_place_that_cannot_be_written_is_one_sentence(
    bare: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A data folder under a file cannot be made, and the sentence names it."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DIGEST_DATA_DIR", str(tmp_path / "file" / "data"))
    assert "data folder" in bare.refused("db", "upgrade")


def test_lost_keys_are_not_made_anew_where_there_are_people(cli: Cli) -> None:
    """New keys would void every sign-off link and revive who is marked by the old ones."""
    cli("suppression", "add", "closed.test", "--reason", "asked")
    (cli.data / "secrets" / "address-key").unlink()
    assert "no new keys are made" in cli.refused("db", "upgrade")
    assert not (cli.data / "secrets" / "address-key").exists()
    assert "address-key is missing" in cli.refused("db", "check")


def test_keys_can_be_rotated_and_old_links_still_hold(cli: Cli) -> None:
    """A new key signs; the old one still checks; the change is in the audit."""
    before = keys.load(cli.data / "secrets")
    assert cli.json("keys", "rotate") == {"key": 2}
    after = keys.load(cli.data / "secrets")
    assert after.signer.keys[1] == before.signer.keys[1]
    assert (after.signer.current, after.address_key) == (2, before.address_key)
    with sqlite3.connect(cli.data / "digest.db") as connection:
        assert connection.execute("SELECT action, details FROM audit").fetchall() == [
            ("keys.rotate", '{"key": 2}')
        ]
    connection.close()


def test_a_database_of_a_newer_version_is_left_alone(cli: Cli) -> None:
    """Commands refuse a schema that they do not know, with one sentence."""
    with sqlite3.connect(cli.data / "digest.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert "newer Digest" in cli.refused("list", "list")


def test_an_unforeseen_error_is_one_line_without_addresses(cli: Cli) -> None:
    """A database that breaks in the middle is told by the driver's own words, never with the values."""
    with sqlite3.connect(cli.data / "digest.db") as connection:
        connection.execute("DROP TABLE suppressions")
    connection.close()
    words = ("suppression", "add", "ani@example.org", "--reason", "x")
    assert cli.refused(*words, code=1) == "The database failed: no such table: suppressions"
    assert cli.run("--debug", *words).exception is not None


def test_the_programme_itself_ends_with_its_exit_codes(cli: Cli) -> None:
    """`python -m digest.cli` prints JSON alone on standard output and sentences on standard error."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "digest.cli", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANG)

    done = run("list", "list", "--json")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, [], "")
    refused = run("list", "show", "readers")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "digest: There is no list 'readers', nor any other yet.\n"
    assert run("--version").stdout.startswith("digest 0")
    assert run("lits").returncode == 2
