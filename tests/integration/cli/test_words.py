"""`digest words`, and digests in any language."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.i18n import use_words
from tests.integration.cli.commands import Cli


@pytest.fixture(autouse=True)
def _no_words_are_left() -> object:
    yield
    use_words(None)


def test_the_file_of_a_draft_is_written_and_taken_up(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every message with its use and its words; what the newsroom writes into it counts, and is counted."""
    folder = tmp_path / "templates" / "words"
    folder.mkdir(parents=True)
    path = folder / "hyw.po"
    written = cli.run("words", "--language", "hy-arevmda", "--out", path)
    assert written.exit_code == 0
    assert "messages in hyw are in" in written.stdout
    assert "a draft: nobody whose language it is has read them yet" in written.stderr
    text = path.read_text(encoding="utf-8")
    ours = 'msgid "Unsubscribe"\nmsgstr ""'
    assert ours in text
    assert '#. Used for: the mail "confirm"' in text
    assert "There is a file" in cli.refused("words", "--language", "hyw", "--out", path)
    path.write_text(text.replace(ours, 'msgid "Unsubscribe"\nmsgstr "Ելլել"'), encoding="utf-8")
    monkeypatch.setenv("DIGEST_TEMPLATES", str(tmp_path / "templates"))
    again = cli.run("words", "--language", "hyw")
    assert "1 of them are your own words already." in again.stderr
    assert "Now: Ելլել" in again.stdout


def test_a_language_that_there_is_not_is_told(cli: Cli) -> None:
    """With those that there are."""
    assert "en, hy, hyw, fr, ar" in cli.refused("words", "--language", "tlh")


def test_a_digest_may_be_in_any_language(cli: Cli) -> None:
    """A tag is kept as it is usually written; drafts and languages without words of ours are told."""
    wanted = ("--sender", "news@courier.example", "--postal-address", "12 Linden Street")
    said = cli("digest", "create", "patmour", "--title", "Պարկ", "--language", "fr_ca", *wanted)
    assert "Our words in fr are a draft" in said
    assert cli.json("digest", "show", "patmour")["language"] == "fr-CA"
    said = cli("digest", "set", "patmour", "--language", "de")
    assert "no words in de: those around the stories are English" in said
    assert "draft" not in cli("digest", "set", "patmour", "--language", "hy")
    assert "not a language tag" in cli.refused("digest", "set", "patmour", "--language", "German, please")
