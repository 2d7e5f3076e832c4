"""The messages that reach readers: which, what each is for, and the file by which a newsroom has its own."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po

from digest.i18n import catalogue
from digest.i18n.newsroom import Stamp, own_words
from digest.i18n.tags import DRAFTS, LANGUAGES

# By where a message stands. A template is for readers unless it is named here: a new one is not forgotten.
_TEMPLATES: Final = "templates/"
_STAFF_TEMPLATES: Final = (
    "templates/email/alert/",
    "templates/email/desk/",
    "templates/email/proof/",
    "templates/email/test/",
    "templates/email/_base/first_copy.",
    "templates/web/desk/",
    "templates/web/public/inbox.",
    "templates/web/public/message.",
    "templates/web/public/stop.",
    "templates/web/public/proof.",
    "templates/web/public/stopped.",
)
# Code speaks to the staff but for these, which make words for mails and public pages.
_READERS_CODE: Final = (
    "src/digest/editions/compose.py",
    "src/digest/feeds/bylines.py",
    "src/digest/lists/",
    "src/digest/rendering/",
    "src/digest/web/",
)
_STAFF_CODE: Final = (
    "src/digest/lists/assets.py",
    "src/digest/lists/attributes.py",
    "src/digest/lists/consent_proof.py",
    "src/digest/lists/csv_lines.py",
    "src/digest/lists/evidence.py",
    "src/digest/lists/export_xlsx.py",
    "src/digest/lists/fields.py",
    "src/digest/lists/import_",
    "src/digest/lists/manage.py",
    "src/digest/lists/mappings",
    "src/digest/lists/person_changes.py",
    "src/digest/lists/queries.py",
    "src/digest/lists/segment_builder.py",
    "src/digest/lists/segments.py",
    "src/digest/lists/status.py",
    "src/digest/lists/stranded.py",
    "src/digest/lists/subscribe.py",
    "src/digest/lists/suppress.py",
    "src/digest/lists/suppression_",
    "src/digest/lists/topics.py",
    "src/digest/rendering/colours.py",
    "src/digest/rendering/copies.py",
    "src/digest/rendering/proof",
    "src/digest/rendering/staff_mails.py",
    "src/digest/rendering/theme_form.py",
    "src/digest/web/desk/",
)

_USES: Final = (
    ("templates/email/digest/", "the digest"),
    ("templates/email/paper/", "the digest"),
    ("templates/email/briefing/", "the digest"),
    ("templates/email/_base/", "every mail"),
    ("templates/web/public/edition.", "the edition on the web"),
    ("templates/web/public/_edition_", "the edition on the web"),
    ("templates/web/public/front.", "the front page"),
    ("src/digest/editions/", "the digest"),
    ("src/digest/feeds/", "the digest"),
    ("src/digest/rendering/rhythms.", "how often it comes, in words"),
    ("src/digest/lists/form.", "the sign-up form"),
    ("src/digest/web/sign_up", "the sign-up form"),
    ("src/digest/web/reader", "a reader's own page"),
)


def reaches_readers(places: Iterable[str]) -> bool:
    """Whether a message that stands in these files of the project is ever seen by a reader."""
    return any(_is_for_readers(place) for place in places)


def reader_messages() -> list[Message]:
    """Every message that reaches readers, by its English words, in their order."""
    found = catalogue.messages(catalogue.own_catalogue(LANGUAGES[0]))
    return sorted((one for one in found if reaches_readers(places_of(one))), key=catalogue.key)


def places_of(message: Message) -> list[str]:
    """The files that a message stands in."""
    return sorted({place for place, _line in message.locations})


def uses_of(message: Message) -> str:
    """Where a reader meets a message: `the mail "confirm"; the page "confirm"`."""
    uses = [_use(place) for place in places_of(message) if _is_for_readers(place)]
    return "; ".join(dict.fromkeys(uses))


def as_file(language: str) -> str:
    """The newsroom's file for a language: each message with its use and its words of now.

    A message has words of its own in it only where the newsroom has given some; what is left empty goes on
    being ours, and becomes better when ours do.
    """
    return _as_file(language, own_words(language)[0])


@functools.lru_cache(maxsize=2 * len(LANGUAGES))
def _as_file(language: str, _stamp: Stamp) -> str:
    """Made once, and anew when the newsroom's own words are others."""
    built_in = catalogue.words_of(catalogue.own_catalogue(language), language)
    own = own_words(language)[1]
    made = Catalog(locale=catalogue.babel_name(language), fuzzy=False)
    for message in reader_messages():
        key = catalogue.key(message)
        if isinstance(message.id, (tuple, list)):
            now, given = built_in.plural.get(key, {}), own.plural.get(key, {})
            categories = catalogue.plural_categories(language)
            said: str | tuple[str, ...] = tuple(given.get(one, "") for one in categories)
            present = " | ".join(given.get(one) or now.get(one, "") for one in categories)
        else:
            said = own.single.get(key, "")
            present = said or built_in.single.get(key, "")
        comments = [f"Used for: {uses_of(message)}", *message.auto_comments, f"Now: {present}"]
        made.add(message.id, string=said, auto_comments=comments)
    body = io.BytesIO()
    write_po(body, made, width=0, omit_header=True)
    return "\n".join(_header(language)) + "\n\n" + body.getvalue().decode().strip() + "\n"


@dataclass(frozen=True, slots=True)
class ReaderWords:
    """A message as readers have it: `english` names it, `now` is what they see; `is_own`: the newsroom's."""

    english: str
    use: str
    now: str
    is_own: bool


def words_in_force(language: str) -> list[ReaderWords]:
    """What readers of a language see for each message, in the order of the file. Raises ConfigError.

    What comes with us is read once by a process; the newsroom's words are those of now.
    """
    own = own_words(language)[1]
    found = []
    for english, use, ours in _ours(language):
        plural = own.plural.get(english, {})
        given = own.single.get(english) or " | ".join(filter(None, plural.values()))
        found.append(ReaderWords(english, use, given or ours or english, is_own=bool(given)))
    return found


@functools.cache
def _ours(language: str) -> tuple[tuple[str, str, str], ...]:
    """Of each message: its key, what it is for, and our words."""
    built_in = catalogue.words_of(catalogue.own_catalogue(language), language)
    return tuple(
        (
            key,
            uses_of(message),
            built_in.single.get(key, "") or " | ".join(dict.fromkeys(built_in.plural.get(key, {}).values())),
        )
        for message in reader_messages()
        for key in (catalogue.key(message),)
    )


def _header(language: str) -> list[str]:
    rule = PLURAL_RULES[language]
    count = len(catalogue.plural_categories(language))
    draft = ["# Our words in this language are a draft and want a native reader."] * (language in DRAFTS)
    return [
        f"# The words that readers see, in the language {language}. Keep it as words/{language}.po in the",
        "# folder of your templates (DIGEST_TEMPLATES). Write your own words after msgstr; what you leave",
        "# empty stays as it is now. Keep each %(place)s. `digest doctor` says what is wrong.",
        *draft,
        'msgid ""',
        'msgstr ""',
        f'"Language: {language}\\n"',
        f'"Plural-Forms: nplurals={count}; plural={rule};\\n"',
        '"MIME-Version: 1.0\\n"',
        '"Content-Type: text/plain; charset=utf-8\\n"',
        '"Content-Transfer-Encoding: 8bit\\n"',
    ]


# gettext's C-like rule for each set of CLDR categories we have; a new language adds its own line.
PLURAL_RULES: Final = {
    "en": "(n != 1)",
    "hy": "(n > 1)",
    "hyw": "(n > 1)",
    "fr": "(n < 2 ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2)",
    "ar": "(n == 0 ? 0 : n == 1 ? 1 : n == 2 ? 2 : n%100 >= 3 && n%100 <= 10 ? 3 : n%100 >= 11 ? 4 : 5)",
}


def _is_for_readers(place: str) -> bool:
    if place.startswith(_TEMPLATES):
        return not place.startswith(_STAFF_TEMPLATES)
    return place.startswith(_READERS_CODE) and not place.startswith(_STAFF_CODE)


def _use(place: str) -> str:
    for start, use in _USES:
        if place.startswith(start):
            return use
    parts = place.split("/")
    if place.startswith("templates/email/"):
        return f'the mail "{parts[2]}"'
    if place.startswith("templates/web/"):
        return f'the page "{parts[-1].partition(".")[0]}"'
    return "mails and pages"
