"""`digest preview`: an edition's mails as files, before and after it is locked."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest

from digest.rendering.previews import all_views
from tests.integration.cli.commands import Cli
from tests.integration.cli.conftest import make_paper
from tests.servers.news_site import NewsSite


@pytest.fixture
def edition(cli: Cli, site: NewsSite, monkeypatch: pytest.MonkeyPatch) -> int:
    """An extra edition that nobody locked yet, of a digest with one source."""
    monkeypatch.setenv("DIGEST_PUBLIC_URL", "https://mail.courier.example")
    make_paper(cli, site)
    found: int = next(line["id"] for line in cli.json("edition", "list") if line["kind"] == "extra")
    return found


def test_a_coming_and_a_locked_edition_are_written_whole(cli: Cli, edition: int, tmp_path: Path) -> None:
    """Both parts, the message and the page of all looks; the places of a person are filled, for nobody."""
    coming, locked = tmp_path / "coming", tmp_path / "locked"
    told = cli("preview", edition, "--out", coming, "--no-pictures")
    assert sorted(path.name for path in coming.iterdir()) == [
        *("normal-sheet.html", "normal.eml", "normal.html", "normal.txt"),
    ]
    assert told.splitlines() == [
        str(coming / name) for name in ("normal.html", "normal.txt", "normal.eml", "normal-sheet.html")
    ]
    cli("edition", "freeze", edition)
    cli("preview", edition, "--out", locked, "--no-pictures")
    for folder in (coming, locked):
        html, text = (folder / "normal.html").read_text(), (folder / "normal.txt").read_text()
        assert "%%" not in html + text
        message = email.message_from_bytes((folder / "normal.eml").read_bytes(), policy=email.policy.default)
        assert message["To"] == "reader@example.org"
        body = message.get_body(("plain",))
        assert body is not None
        assert body.get_content().split() == text.split()
        sheet = (folder / "normal-sheet.html").read_text()
        assert sheet.count("<iframe") == len(list(all_views()))
    assert (coming / "normal.txt").read_text() == (locked / "normal.txt").read_text()


def test_what_cannot_be_previewed_is_said(cli: Cli, edition: int, tmp_path: Path) -> None:
    """A version that is not there, an edition that is not there."""
    assert "has no version" in cli.refused("preview", edition, "--out", tmp_path, "--revision", 3)
    assert "There is no edition 99" in cli.refused("preview", 99, "--out", tmp_path)
