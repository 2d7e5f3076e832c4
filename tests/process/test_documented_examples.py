"""The examples in `docs/` are what the commands print about the demo, but for times and figures."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.models import Post
from tests.integration.cli.commands import Cli
from tests.process.demo_run import DemoRun, demo_run

__all__ = ["demo_run"]

pytestmark = pytest.mark.process

_ROOT = Path(__file__).resolve().parents[2]
_DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_AGO = re.compile(r"\d+ (?:second|minute|hour)s? ago|just now")
_IN = re.compile(r"\bin \d+ (?:d|h|min|s)\b(?: \d+ (?:h|min|s)\b)?")
_ANSWERS = re.compile(r"(?<=^answers:).*")  # how often the site was asked before it was stopped
_LEFT_OUT = "..."


@pytest.fixture
def cli(demo_run: DemoRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """The command line on a copy of what the demo left, its site and its workers stopped."""
    data = tmp_path / "demo"
    shutil.copytree(demo_run.folder, data)
    monkeypatch.setenv("DIGEST_DATA_DIR", str(data))
    monkeypatch.setenv("DIGEST_BROKER_URL", "memory://")
    monkeypatch.setenv("DIGEST_PRIVATE_HOSTS", "127.0.0.1")
    monkeypatch.setenv("LOGNAME", "nare")
    monkeypatch.chdir(tmp_path)
    return Cli(data)


def form(line: str) -> str:
    """A line without what is another each time: times, days, figures, and the widths of columns."""
    line = _IN.sub("IN", _AGO.sub("AGO", _ANSWERS.sub(" ANSWERS", line)))
    line = re.sub(rf"\b(?:{_DAYS}), (?:{_MONTHS}) \d+, \d+", "DAY", line)
    return " ".join(re.sub(r"[\d.:+-]*\d[\d.:+-]*", "#", re.sub(r"[-─]{5,}", "-----", line)).split())


def example(page: str, command: str) -> list[str]:
    """The lines that a page shows below a command, up to the next command or the block's end."""
    text = (_ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.split(r"\n(?:\$ |```)", text.partition(f"$ {command}\n")[2], maxsplit=1)[0].splitlines()


def check(shown: list[str], printed: str) -> None:
    """Each line that is shown is printed, in this order; "..." stands for any that were left out."""
    lines = iter([form(line) for line in printed.splitlines()])
    assert shown
    for line in shown:
        if line != _LEFT_OUT:
            assert form(line) in lines, f"not printed, or not there: {line}\n{printed}"


def test_the_health_of_a_source_is_as_documented(cli: Cli) -> None:
    """The paper's site is stopped, and its source asked once more."""
    assert cli.run("collect", "1").exit_code == 1
    check(example("source-health.md", "digest source health 1"), cli("source", "health", "1"))


def test_the_reasons_of_an_edition_are_as_documented(cli: Cli) -> None:
    """An extra edition for the next morning, with what editors said to it and an item of the desk."""
    zone = ZoneInfo("America/Los_Angeles")
    tomorrow = clock.utc_now().astimezone(zone) + dt.timedelta(days=1)
    cli("edition", "extra", "footbridge", "morning", "--at", f"{tomorrow:%Y-%m-%d} 07:00")
    # The demo ends with the first editions of its two papers.
    number = 3
    posts = _posts(cli.data)
    cli("edition", "pin", number, posts["A Library Is a Promise to Strangers"], "--place", 0, "--again")
    cli("edition", "drop", number, posts["Zabel Tbrian, 94, Who Set This Newspaper by Hand"])
    cli(
        "edition",
        "include",
        number,
        posts["Eighty Voices, One Stairwell: A Choir Records Where It Rehearsed"],
    )
    day = f"{tomorrow:%Y-%m-%d}"
    item = ("--kind", "event", "--title", "Open Day at the Reading Room", "--from", day, "--until", day)
    cli("item", "add", "footbridge", *item, "--text", "Come and read.")
    cli("edition", "intro", number, "Good morning.")
    check(example("selection.md", "digest edition coming 3"), cli("edition", "coming", number))
    check(example("selection.md", "digest edition explain 3"), cli("edition", "explain", number))


def _posts(data: Path) -> dict[str, int]:
    database = Database(f"sqlite:///{data / 'digest.db'}")
    try:
        with database.read() as session:
            return {title: post_id for post_id, title in session.execute(sa.select(Post.id, Post.title))}
    finally:
        database.close()
