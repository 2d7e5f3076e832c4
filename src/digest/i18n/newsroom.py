"""A newsroom's own words: `words/<language>.po` in the folder of its templates, in place of single messages.

The folder is the process's, as its settings are: a door names it once, and all words of the process come
from there. Who changes a file need not start anything anew. While a changed file is wrong, what was read last
stays in force for pages and single mails; an edition is held (`check_words`), and nothing starts.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError

from digest.errors import ConfigError
from digest.i18n import catalogue
from digest.i18n.catalogue import Words
from digest.i18n.tags import LANGUAGES, READER_LANGUAGES, spoken

FOLDER: Final = "words"
Stamp = tuple[int, int] | None
_NONE: Final = Words()
_LINE: Final = re.compile(r'(?:msgctxt |msgid |msgid_plural |msgstr |msgstr\[\d\] )?"(?:[^"\\]|\\.)*"')


class _Newsroom:
    """The folder, and what was last read from it, by language."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.read: dict[str, tuple[Stamp, Words]] = {}
        self.tried: dict[str, Stamp] = {}
        self.lock = threading.Lock()


_here: Final = _Newsroom()


def use_words(templates: Path | None) -> None:
    """From now on this process takes words from this folder first, or from none."""
    with _here.lock:
        if _here.folder != templates:
            _here.folder = templates
            _here.read.clear()
            _here.tried.clear()


def own_words(language: str) -> tuple[Stamp, Words]:
    """The newsroom's words in a language, and a stamp that is another whenever they are.

    Raises ConfigError for a file that is wrong and of which no good state is known.
    """
    path = _path(language)
    if path is None:
        return None, _NONE
    stamp = _stamp(path)
    with _here.lock:
        known = _here.read.get(language)
        if known is not None and stamp in (known[0], _here.tried.get(language)):
            return known
        _here.tried[language] = stamp
        try:
            words = _NONE if stamp is None else _checked(path, language)
        except ConfigError:
            if known is None:
                raise
            return known
        _here.read[language] = (stamp, words)
        return stamp, words


def check_words(*tags: str) -> None:
    """Raise ConfigError, with a sentence that names file and message, if the words of a language are wrong.

    Without a tag: of any, and for a file that is of no language there is.
    """
    if _here.folder is None:
        return
    for language in map(spoken, tags) if tags else READER_LANGUAGES:
        path = _path(language)
        if path is not None and path.exists():
            _checked(path, language)
    if not tags:
        for path in _strangers():
            there = ", ".join(READER_LANGUAGES)
            raise ConfigError(f"The file {path} is of no language that there is: {there}.")


def stale_words() -> list[str]:
    """What stands in the newsroom's files and is no message any more, one sentence each."""
    known = _messages()
    return [
        f"{path.name} has words for {key!r}, which Digest no longer says"
        for language in READER_LANGUAGES
        if (path := _path(language)) is not None and path.exists()
        for key in map(catalogue.key, catalogue.messages(_read(path, language)))
        if key not in known
    ]


def faults_of(found: Catalog, language: str) -> Iterator[str]:
    """What is wrong with a newsroom's file, one sentence each; a message that it leaves empty is not."""
    known = _messages()
    for message in catalogue.messages(found):
        key, texts = catalogue.key(message), catalogue.forms(message)
        if key not in known or not any(texts):
            continue
        wanted = known[key]
        said = list(catalogue.faults(wanted, message, language))
        filled = [_filled(text, wanted.id) for text in texts]
        if not said and None in filled:
            said.append("has a percent sign that is no place; write %% for the sign itself")
        if not said and any("%%" in (text or "") for text in filled):
            said.append("has two percent signs together, as only the places of a person have")
        yield from (f"{key!r} {fault}" for fault in said)


def _filled(text: str, wanted: object) -> str | None:
    """The text as it comes out; None if it cannot be filled. Without places a percent sign is only that."""
    names = catalogue.places(*catalogue.as_texts(wanted))
    try:
        return text % dict.fromkeys(names, "x") if names else text
    except (TypeError, ValueError, KeyError):
        return None


def _checked(path: Path, language: str) -> Words:
    found = _read(path, language)
    said = list(faults_of(found, language))
    if said:
        more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
        raise ConfigError(f"The words in {path} cannot be used: {said[0]}{more}.")
    return catalogue.words_of(found, language)


def _read(path: Path, language: str) -> Catalog:
    try:
        text = path.read_text(encoding="utf-8-sig")
        _check_lines(path, text)
        return catalogue.read(io.StringIO(text), language)
    except OSError as error:
        raise ConfigError(f"The words in {path} cannot be read: {error.strerror}.") from None
    except (PoFileError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"The words in {path} are not a .po file in UTF-8: {error}.") from None


def _check_lines(path: Path, text: str) -> None:
    """Babel reads a text without its last quote as one that ends a letter sooner."""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if bare and not bare.startswith("#") and not _LINE.fullmatch(bare):
            raise ConfigError(
                f"The words in {path} are not a .po file in UTF-8: line {number} is not like those of one."
            )


def _messages() -> dict[str, Message]:
    return {catalogue.key(one): one for one in catalogue.messages(catalogue.own_catalogue(LANGUAGES[0]))}


def _path(language: str) -> Path | None:
    return _here.folder / FOLDER / f"{language}.po" if _here.folder is not None else None


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _strangers() -> list[Path]:
    folder = _here.folder / FOLDER if _here.folder is not None else None
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.glob("*.po") if path.stem not in READER_LANGUAGES)
