"""Wrong input: one sentence, an exit code, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Base, Database
from tests.integration.cli.commands import Cli
from tests.servers.news_site import NewsSite, Page

_DIGEST = ("digest", "create", "courier", "--title", "The Courier", "--language", "en")
_GOOD = (*_DIGEST, "--sender", "news@courier.example")
_CADENCE = ("cadence", "add", "courier", "morning")


def rows(cli: Cli) -> int:
    """How many rows there are in all tables."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    with database.read() as session:
        count = sum(
            session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        )
    database.close()
    return count


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        ((*_DIGEST, "--sender", "nobody"), 2, "mail address"),
        ((*_GOOD[:5], "--language", "no tag", "--sender", "a@b.example"), 2, "language"),
        (("digest", "create", "Bad Name", *_GOOD[3:]), 2, "a-z"),
        ((*_GOOD, "--accent", "#ffffff"), 2, "contrast"),
        ((*_GOOD, "--accent", "red"), 2, "colour"),
        ((*_GOOD, "--featured", "category"), 2, "featured story"),
        ((*_GOOD, "--recent-least", "9", "--recent-most", "3"), 2, "smaller"),
        ((*_GOOD, "--home-url", "courier.example"), 2, "web address"),
        (("digest", "show", "courier"), 2, "no digest"),
        ((*_CADENCE, "--cron", "30 6 * * *", "--zone", "Asia/Yerevan"), 2, "no digest"),
        (("source", "add", "ftp://courier.example/"), 2, "http://"),
        (("source", "add", "https://courier.example/", "--include-backlog", "soon"), 2, "span of time"),
        (("source", "add", "https://courier.example/", "--digest", "courier"), 2, "no digest"),
        (("source", "show", "9"), 2, "no source"),
        (("collect", "9"), 2, "no source"),
        (("edition", "show", "9"), 2, "no edition"),
        (("edition", "show", str(10**30)), 2, "no edition"),
        (("edition", "freeze", "9"), 2, "no edition"),
        (("edition", "send", "9"), 2, "no edition"),
        (("edition", "extra", "courier"), 2, "no digest"),
    ],
)
def test_wrong_input_is_one_sentence_and_writes_nothing(
    cli: Cli, args: tuple[str, ...], code: int, word: str
) -> None:
    """The sentence says what is wrong; the database is as it was."""
    assert word in cli.refused(*args, code=code)
    assert rows(cli) == 0


# Commands with one wrong word, and a word of what is said.
_WRONG: tuple[tuple[tuple[str, ...], str], ...] = (
    ((*_CADENCE, "--cron", "30 6 * *", "--zone", "Asia/Yerevan"), "five fields"),
    ((*_CADENCE, "--cron", "61 6 * * *", "--zone", "Asia/Yerevan"), "schedule"),
    ((*_CADENCE, "--cron", "0 6 30 2 *", "--zone", "Asia/Yerevan"), "day-of-month"),
    ((*_CADENCE, "--cron", "30 6 * * *", "--zone", "Asia/Erewhon"), "time zone"),
    ((*_CADENCE, "--cron", "30 6 * * *", "--zone", "Asia/Yerevan", "--lead", "-1"), "locked ahead"),
    (("digest", "set", "courier"), "Nothing to change"),
    (("digest", "set", "courier", "--title", "New", "--source", "7"), "no source"),
    (("digest", "set", "courier", "--bounce-address", "a+b@example.org"), "bounce address"),
    (("edition", "extra", "courier", "evening"), "no rhythm"),
    (("cadence", "next", "courier", "evening"), "no rhythm"),
    (("digest", "create", "courier", *_GOOD[3:]), "already"),
)


def test_wrong_input_leaves_a_digest_as_it_was(cli: Cli) -> None:
    """Of a command with one wrong word, nothing is done."""
    cli(*_GOOD)
    before = rows(cli)
    for args, word in _WRONG:
        assert word in cli.refused(*args), args
        assert rows(cli) == before, args
        assert cli.json("digest", "show", "courier")["title"] == "The Courier", args


def test_source_check_needs_no_database(
    cli: Cli, site: NewsSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows what would be collected, and leaves no file behind."""
    empty = tmp_path / "empty"
    monkeypatch.setenv("DIGEST_DATA_DIR", str(empty))
    shown = cli("source", "check", site.url("/feed/"))
    assert "On Patience" in shown
    assert "Mill Bridge Opens [Again]" in shown
    found = cli.json("source", "check", site.url("/feed/"))
    assert found["posts"][0]["title"] == "On Patience"
    assert not empty.exists()


def test_source_check_says_what_is_wrong_with_an_address(cli: Cli, site: NewsSite) -> None:
    """Unreachable, no feed, an error and no address at all each have their sentence."""
    site.put("/page/", Page(b"<html><body>Hello</body></html>", content_type="text/html"))
    site.put("/broken/", Page(b"", status=500))
    assert f"Found at {site.url('/feed/')}" in cli("source", "check", site.url("/page/"))
    site.put("/feed/", Page(b"", status=404))
    assert "no feed" in cli.refused("source", "check", site.url("/page/"), code=1)
    assert "answered with an error" in cli.refused("source", "check", site.url("/broken/"), code=1)
    assert "private network" in cli.refused("source", "check", "http://127.0.0.1:9/", code=1)
    assert "not an address" in cli.refused("source", "check", "gopher://courier.example/")


def test_unreachable_source_keeps_its_fault_and_ends_with_code_1(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site that is down is a line in the report, and the others would be collected all the same."""
    with NewsSite() as gone:
        address = gone.url("/feed/")
        monkeypatch.setenv("DIGEST_PRIVATE_HOSTS", gone.host)
    cli("source", "add", address, "--unchecked")
    result = cli.run("collect")
    assert result.exit_code == 1
    assert "The site does not answer" in result.stdout
    assert "1 of 1 sources" in result.stderr
    assert "Failed once, never read yet" in cli("source", "list")


def test_same_source_twice_is_refused(cli: Cli) -> None:
    """An address is one source."""
    cli("source", "add", "https://courier.example/feed/", "--unchecked")
    before = rows(cli)
    assert "there already" in cli.refused("source", "add", "https://courier.example/feed/", "--unchecked")
    assert rows(cli) == before


def test_unknown_setting_stops_every_command(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt variable is not passed over."""
    monkeypatch.setenv("DIGEST_PUBLIC_ULR", "https://courier.example")
    for args in (("digest", "list"), ("edition", "list"), ("web",), ("up",), ("collect",)):
        assert "did you mean DIGEST_PUBLIC_URL?" in cli.refused(*args)


def test_a_file_where_the_data_folder_should_be_is_one_sentence(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A data folder that cannot be made or written stops the start."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "data", Path("/proc/digest")):
        monkeypatch.setenv("DIGEST_DATA_DIR", str(folder))
        assert "data folder" in cli.refused("up")
    monkeypatch.setenv("DIGEST_DATA_DIR", str(tmp_path / "file"))
    assert "folder for caught mails" in cli.refused("catcher")


def test_missing_database_is_not_made_by_looking(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that reads says what to run first."""
    monkeypatch.setenv("DIGEST_DATA_DIR", str(tmp_path / "other"))
    assert "digest db upgrade" in cli.refused("edition", "list")
    assert not (tmp_path / "other").exists()
