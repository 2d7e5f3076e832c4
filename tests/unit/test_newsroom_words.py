"""A newsroom's own words: they come first, they are checked, and a wrong file is never used in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.errors import ConfigError
from digest.i18n import check_words, translator, use_words
from digest.i18n.catalogue import messages, read
from digest.i18n.newsroom import stale_words
from digest.i18n.readers import as_file, reaches_readers, reader_messages, uses_of
from digest.rendering.environment import environment

_HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Path]:
    """A folder of templates that this process takes words from, for a test."""
    (tmp_path / "words").mkdir()
    use_words(tmp_path)
    yield tmp_path
    use_words(None)


def write(folder: Path, words: dict[str, str], language: str = "en") -> Path:
    """A words file of single messages, later than any before it."""
    path = folder / "words" / f"{language}.po"
    last = path.stat().st_mtime_ns if path.exists() else 0
    lines = "\n".join(f'msgid "{key}"\nmsgstr "{said}"\n' for key, said in words.items())
    path.write_text(_HEADER + lines, encoding="utf-8")
    os.utime(path, ns=(last + 1_000_000_000, last + 1_000_000_000))
    return path


def test_own_words_come_first_and_the_rest_stays(newsroom: Path) -> None:
    """One message is the newsroom's, also in a template; its neighbours, and other languages, are ours."""
    write(newsroom, {"Unsubscribe": "Leave us", "Recent headlines": ""})
    assert translator("en-GB").gettext("Unsubscribe") == "Leave us"
    assert translator("en").gettext("Recent headlines") == "Recent headlines"
    assert translator("fr").gettext("Unsubscribe") == "Se désabonner"
    assert environment("en").from_string("{{ _('Unsubscribe') }}").render() == "Leave us"
    check_words()


def test_a_change_is_seen_without_a_new_start(newsroom: Path) -> None:
    """The next mail has the new words; a file that is taken away gives ours back."""
    path = write(newsroom, {"Unsubscribe": "Leave us"})
    assert translator("en").gettext("Unsubscribe") == "Leave us"
    write(newsroom, {"Unsubscribe": "Farewell"})
    assert translator("en").gettext("Unsubscribe") == "Farewell"
    path.unlink()
    assert translator("en").gettext("Unsubscribe") == "Unsubscribe"


@pytest.mark.parametrize(
    ("key", "said", "sentence"),
    [
        ("By %(author)s", "By nobody", "same %\\(places\\)s"),
        ("By %(author)s", "By %(who)s", "same %\\(places\\)s"),
        ("By %(author)s", "%(author)s, 100 % true", "percent sign"),
        ("Unsubscribe", "Leave %%unsubscribe_url%%", "two percent signs"),
        ("By %(author)s", "%(author)s %%%%name%%%%", "two percent signs"),
    ],
)
def test_wrong_words_are_refused_by_file_and_message(
    newsroom: Path, key: str, said: str, sentence: str
) -> None:
    """A place that is missing or not ours, and what could pass for the place of a person."""
    write(newsroom, {key: said})
    with pytest.raises(ConfigError, match=rf"words/en\.po cannot be used: '{key[:2]}.*{sentence}"):
        check_words("en-US")
    check_words("fr")
    with pytest.raises(ConfigError, match="cannot be used"):
        translator("en")


@pytest.mark.parametrize(
    "content", [b'msgid "Unsubscribe"\nmsgstr "Leave us\n', b"\xff\xfe\x00", b"not a catalogue at all"]
)
def test_a_file_that_is_no_catalogue_is_refused(newsroom: Path, content: bytes) -> None:
    """In one sentence that names it."""
    (newsroom / "words" / "fr.po").write_bytes(content)
    with pytest.raises(ConfigError, match=r"words/fr\.po are not a \.po file"):
        check_words()


def test_a_file_that_became_wrong_leaves_pages_as_they_were(newsroom: Path) -> None:
    """Readers' pages go on with the last good words, while an edition is refused until the file is mended."""
    write(newsroom, {"Unsubscribe": "Leave us"})
    assert translator("en").gettext("Unsubscribe") == "Leave us"
    write(newsroom, {"Unsubscribe": "Leave us", "By %(author)s": "wrong"})
    assert translator("en").gettext("Unsubscribe") == "Leave us"
    assert translator("en").gettext("By %(author)s") == "By %(author)s"
    with pytest.raises(ConfigError, match="cannot be used"):
        check_words("en")
    write(newsroom, {"Unsubscribe": "Farewell"})
    assert translator("en").gettext("Unsubscribe") == "Farewell"
    check_words("en")


def test_words_that_are_no_message_any_more_are_told_and_not_refused(newsroom: Path) -> None:
    """An upgrade that drops a message stops nobody's mail."""
    write(newsroom, {"A message of an older Digest": "Something"})
    check_words()
    assert stale_words() == [
        "en.po has words for 'A message of an older Digest', which Digest no longer says"
    ]


def test_a_file_of_no_language_is_told(newsroom: Path) -> None:
    """A file that would never be read."""
    write(newsroom, {"Unsubscribe": "Abmelden"}, "de")
    with pytest.raises(ConfigError, match=r"words/de\.po is of no language that there is"):
        check_words()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_written_file_has_every_reader_message_and_changes_nothing(newsroom: Path, language: str) -> None:
    """Put in place as it is written, it is right, and all words are as before; own ones are in it again."""
    before = {str(one.id): translator(language).gettext(str(one.id)) for one in reader_messages()}
    path = newsroom / "words" / f"{language}.po"
    path.write_text(as_file(language), encoding="utf-8")
    check_words()
    assert stale_words() == []
    assert {key: translator(language).gettext(key) for key in before} == before
    with path.open("rb") as file:
        written = messages(read(file, language))
    assert {str(one.id) for one in written} == set(before)
    for one in written:
        assert one.auto_comments[0].startswith("Used for: ")
        assert " ".join(one.auto_comments).endswith(before[str(one.id)])
    write(newsroom, {"Unsubscribe": "Farewell"}, language)
    assert 'msgid "Unsubscribe"\nmsgstr "Farewell"' in as_file(language)


def test_a_message_is_a_reader_s_by_where_it_stands() -> None:
    """Templates are, but for those of the staff; code is where it makes words for mails and pages."""
    assert reaches_readers(["templates/email/some_new_mail/body.html"])
    assert reaches_readers(["src/digest/preflight/content.py", "templates/web/public/reader.html"])
    assert not reaches_readers(["templates/email/alert/body.html", "src/digest/rendering/copies.py"])
    assert not reaches_readers(["src/digest/sources/health.py", "templates/web/public/stopped.html"])
    by_key = {str(one.id): one for one in reader_messages()}
    assert uses_of(by_key["Open my page"]) == 'the mail "confirm"'
    assert uses_of(by_key["Every edition"]) == "how often it comes, in words"
    assert "the sign-up form" in uses_of(by_key["Tick at least one, please."])
