"""The `.po` files: reading them, and what is wrong with the words of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import AnyStr, Final

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

_PLURAL_ORDER: Final = ("zero", "one", "two", "few", "many", "other")
_PLACE: Final = re.compile(r"%\((\w+)\)[#0\- +]*[\d.*]*[a-zA-Z]")


@dataclass(frozen=True, slots=True)
class Words:
    """The messages of one file: single ones, and the forms of plural ones by their CLDR category."""

    single: Mapping[str, str] = field(default_factory=dict)
    plural: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def own_catalogue(language: str) -> Catalog:
    """The catalogue that comes with us."""
    with (resources.files("digest") / "locale" / f"{language}.po").open("rb") as file:
        return read(file, language)


def read(file: Iterable[AnyStr], language: str) -> Catalog:
    """A catalogue; raises babel's PoFileError, or UnicodeDecodeError, for a file that is none."""
    return read_po(file, locale=babel_name(language), abort_invalid=True)


def babel_name(language: str) -> str:
    """What Babel knows a language by: Western Armenian goes by the rules of Eastern, with its own words."""
    return "hy" if language == "hyw" else language


def plural_categories(language: str) -> tuple[str, ...]:
    """The CLDR plural categories of a language in gettext's order: the order of `msgstr[n]`."""
    tags: Iterable[str] = {*Locale.parse(babel_name(language)).plural_form.tags, "other"}
    return tuple(sorted(tags, key=_PLURAL_ORDER.index))


def words_of(catalogue: Catalog, language: str) -> Words:
    """What a catalogue says; what is empty or marked as a guess is left out."""
    single: dict[str, str] = {}
    plural: dict[str, dict[str, str]] = {}
    categories = plural_categories(language)
    for message in messages(catalogue):
        if message.fuzzy:
            continue
        texts = forms(message)
        if isinstance(message.id, (tuple, list)):
            plural[key(message)] = {c: text for c, text in zip(categories, texts, strict=False) if text}
        elif texts[0]:
            single[key(message)] = texts[0]
    return Words(single, plural)


def messages(catalogue: Catalog) -> list[Message]:
    """All messages but the header."""
    return [message for message in catalogue if message.id]


def key(message: Message) -> str:
    """What a message is found by: itself, or its singular."""
    return as_texts(message.id)[0]


def forms(message: Message) -> tuple[str, ...]:
    """The translated forms, "" for one that is missing."""
    return as_texts(message.string)


def as_texts(value: object) -> tuple[str, ...]:
    """One text or several, as several."""
    return tuple(str(one or "") for one in value) if isinstance(value, (tuple, list)) else (str(value or ""),)


def places(*texts: str) -> set[str]:
    """The names of the `%(name)s` places in some texts."""
    return {name for text in texts for name in _PLACE.findall(text)}


def faults(wanted: Message, message: Message, language: str) -> Iterable[str]:
    """What is wrong with a translation of `wanted`, as the end of a sentence."""
    texts = forms(message)
    if message.fuzzy:
        yield "is marked as fuzzy"
    if isinstance(wanted.id, (tuple, list)) != isinstance(message.id, (tuple, list)):
        yield "is plural on one side only"
        return
    if isinstance(wanted.id, (tuple, list)) and len(texts) != len(plural_categories(language)):
        yield f"has {len(texts)} plural forms and needs {len(plural_categories(language))}"
    if not all(text.strip() for text in texts):
        yield "is not translated"
        return
    for text in texts:
        allowed = places(*as_texts(wanted.id))
        # A plural form may do without the number ("one story"), nothing else may be left out or added.
        needed = allowed - {"count"} if isinstance(wanted.id, (tuple, list)) else allowed
        if not needed <= places(text) <= allowed:
            yield "does not have the same %(places)s"
            return
