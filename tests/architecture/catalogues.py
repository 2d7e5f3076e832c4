"""The translation catalogues against the code and the templates.

    python -m tests.architecture.catalogues --check     finds what is missing, empty, stale or ill-formed
    python -m tests.architecture.catalogues --update    adds new messages, drops stale ones, sorts

English is written by --update (each message stands for itself); the other languages are translated by
hand in `src/digest/locale/*.po`, with any editor of .po files. A language of readers alone has the messages
that reach readers, by where they stand (`digest.i18n.readers`), and no others.
"""

from __future__ import annotations

import argparse
import functools
import io
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.pofile import read_po, write_po

from digest.i18n import DRAFTS, LANGUAGES, READER_LANGUAGES, plural_categories
from digest.i18n.catalogue import as_texts, babel_name, faults, forms, key, messages
from digest.i18n.readers import PLURAL_RULES, places_of, reaches_readers

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "src" / "digest" / "locale"
SOURCE_LANGUAGE = "en"
_KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
_CALL = re.compile(rf"\b(?:{'|'.join(_KEYWORDS)})\(".encode())


def _marked(file: IO[bytes], *given: Any, **options: Any) -> Iterable[Any]:
    """The messages of a file of Python; most have none, and to take those apart would be most of the work."""
    if not _CALL.search(file.read()):
        return ()
    file.seek(0)
    return extract_python(file, *given, **options)


_TREES: tuple[tuple[Path, list[tuple[str, Any]]], ...] = (
    (ROOT / "src" / "digest", [("**.py", _marked)]),
    (ROOT / "templates", [("**.html", "jinja2.ext.babel_extract"), ("**.txt", "jinja2.ext.babel_extract")]),
)


@functools.cache
def extracted() -> Catalog:
    """Every message in the code and the templates, without translations; read once, to be looked at only."""
    catalogue = Catalog(locale=None, fuzzy=False)
    for tree, methods in _TREES:
        found = extract_from_dir(
            tree,
            method_map=methods,
            options_map={"**.html": {"silent": "false"}, "**.txt": {"silent": "false"}},
            keywords=_KEYWORDS,
            comment_tags=["TRANSLATORS:"],
            strip_comment_tags=True,
            # Babel passes over folders that begin with "_", and so over the frames of all mails.
            directory_filter=lambda _: True,
        )
        for name, _line, message, comments, _context in found:
            place = (tree / name).relative_to(ROOT).as_posix()
            catalogue.add(message, locations=[(place, 0)], auto_comments=comments)
    return catalogue


def read(language: str, folder: Path = LOCALE) -> Catalog:
    """A catalogue as it lies on the disk; an empty one if there is no file yet."""
    path = folder / f"{language}.po"
    return read_po(io.BytesIO(path.read_bytes() if path.exists() else b""), locale=babel_name(language))


def wanted_in(template: Catalog, language: str) -> list[Message]:
    """The messages that a language must have: all, or in a language of readers those that reach readers."""
    every = messages(template)
    return every if language in LANGUAGES else [one for one in every if reaches_readers(places_of(one))]


def merged(template: Catalog, old: Catalog, language: str) -> Catalog:
    """The messages of the template with the translations of the old catalogue; nothing is guessed."""
    new = Catalog(locale=babel_name(language), fuzzy=False)
    new._num_plurals = len(plural_categories(language))  # Babel's own table gives Armenian one form; CLDR two
    for message in wanted_in(template, language):
        before = old.get(message.id)
        text = before.string if before is not None and not before.fuzzy else ""
        new.add(
            message.id,
            string=_own_words(message, language) if language == SOURCE_LANGUAGE else text,
            locations=sorted(set(message.locations)),
            auto_comments=message.auto_comments,
            user_comments=before.user_comments if before is not None else (),
        )
    return new


def problems(template: Catalog, catalogue: Catalog, language: str) -> list[str]:
    """What is wrong with a catalogue, one sentence each."""
    wanted = {key(message): message for message in wanted_in(template, language)}
    there = {key(message): message for message in messages(catalogue)}
    found = [f"{language}: is missing {name!r}" for name in wanted if name not in there]
    found += [f"{language}: is no longer in use: {name!r}" for name in there if name not in wanted]
    found += [f"{language}: is obsolete: {name!r}" for name in map(str, catalogue.obsolete)]
    for name, message in there.items():
        if name in wanted:
            found += [f"{language}: {fault}: {name!r}" for fault in _faults(wanted[name], message, language)]
    return found


def as_text(catalogue: Catalog, language: str) -> bytes:
    """The file: sorted by message, without dates or line numbers, so that it changes only with its words."""
    categories = plural_categories(language)
    draft = [
        "# DRAFT: written by us, and wants a native reader. Nobody whose language it is has read it yet."
    ]
    header = [
        "# The words of Digest. `make messages` keeps this file in step with the code.",
        *(draft if language in DRAFTS else []),
        'msgid ""',
        'msgstr ""',
        f'"Language: {language}\\n"',
        f'"Plural-Forms: nplurals={len(categories)}; plural={PLURAL_RULES[language]};\\n"',
        '"MIME-Version: 1.0\\n"',
        '"Content-Type: text/plain; charset=utf-8\\n"',
        '"Content-Transfer-Encoding: 8bit\\n"',
    ]
    body = io.BytesIO()
    write_po(body, catalogue, width=110, omit_header=True, sort_output=True, include_lineno=False)
    return "\n".join(header).encode() + b"\n\n" + body.getvalue().strip() + b"\n"


def _faults(wanted: Message, message: Message, language: str) -> Iterable[str]:
    said = list(faults(wanted, message, language))
    yield from said
    is_own = forms(message) == as_texts(_own_words(wanted, language))
    if not said and language == SOURCE_LANGUAGE and not is_own:
        yield "differs from the words in the code"


def _own_words(message: Message, language: str) -> str | tuple[str, ...]:
    if not isinstance(message.id, (tuple, list)):
        return str(message.id)
    singular, plural = message.id
    return tuple(singular if category == "one" else plural for category in plural_categories(language))


def check() -> list[str]:
    """The problems of all catalogues."""
    template = extracted()
    return [fault for language in READER_LANGUAGES for fault in problems(template, read(language), language)]


def update(folder: Path = LOCALE) -> list[str]:
    """Bring the files up to date; returns what is still to be translated."""
    template = extracted()
    left: list[str] = []
    for language in READER_LANGUAGES:
        fresh = merged(template, read(language, folder), language)
        (folder / f"{language}.po").write_bytes(as_text(fresh, language))
        left += problems(template, read(language, folder), language)
    return left


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="The translation catalogues: check them or bring them up to date."
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="say what is wrong; exit code 1 if anything is")
    what.add_argument("--update", action="store_true", help="add new messages, drop stale ones")
    options = parser.parse_args(arguments)
    found = update() if options.update else check()
    for fault in found:
        sys.stdout.write(fault + "\n")
    sys.stdout.write(f"{len(found)} left to do.\n" if found else "The catalogues are complete.\n")
    return 1 if found and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
