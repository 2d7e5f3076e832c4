"""The words that readers and editors see are those of the glossary's last column, in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import jinja2
import pytest

from digest.i18n import LANGUAGES
from digest.rendering.environment import environment, template_folders
from tests.architecture import catalogues

_NAMES = sorted(
    path.relative_to(template_folders()[0]).as_posix()
    for path in template_folders()[0].rglob("*")
    if path.suffix in {".html", ".txt"}
)

# What the code calls it, and what the screen calls it instead; "nothing" where it is not seen at all.
_ON_SCREEN = {
    r"posts?|posted|articles?|entr(?:y|ies)": "story",
    r"frozen|freez(?:e|es|ing)|thaw(?:s|ed|ing)?": "locked",
    r"upcoming": "coming",
    r"revisions?": "version",
    r"variants?|batch(?:es)?|leas(?:e|ed|es)|journals?|placeholders?|notices?|tombstones?": "nothing",
    r"suppress(?:ed|es|ion|ions)?|blocklist|blacklist": "do-not-mail list",
    r"transports?|smtp": "mail service",
    r"uncertain": "may have arrived",
    r"delivered|deliver(?:y|ies)": "handed over",
    r"slots?": "goes out at",
    r"preflight": "checks",
    r"breaker": "stopped: unusual",
    r"cadences?": "how often",
    r"fingerprints?|hash(?:es)?": "nothing",
    r"users?": "reader, or a name",
}
# What a provider's own pages call it, in quotation marks: whoever reads it has to find it there.
_OF_OTHERS = re.compile(r"[“«]SMTP(?: [^”»]*)?[”»]")
_INTERNAL = re.compile(r"(?<![\w@./-])(?:" + "|".join(_ON_SCREEN) + r")(?![\w-])", re.IGNORECASE)

_TAG = re.compile(r"<!--.*?-->|<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>", re.DOTALL)
_SPOKEN = re.compile(r"""\b(?:alt|title|aria-label|placeholder|content|value)="([^"]*)\"""")
# What is no word: entities, a person's places, attributes that a macro puts into a tag, a page's kind.
_NO_WORD = re.compile(r"""&#?\w+;|%%\w+%%|[\w-]+="[^"]*\"""")
_KIND = re.compile(r"{% block kind %}\w+{% endblock %}")
# Attributes that are for machines though they are called `content`.
_MACHINE = re.compile(
    r"width=|noindex|no-referrer|light dark|telephone=|text/html|article|website|summary_large_image|no$"
)
# Styles, and the two lines of the test mail that are the same in every language.
_WORDLESS = {
    *("email/_base/styles.html", "email/_base/notice_styles.html"),
    *("email/test/body.html", "email/test/body.txt"),
}


def internal_words(text: str) -> list[str]:
    """The words in a text that are not for the screen."""
    return [found[0] for found in _INTERNAL.finditer(_OF_OTHERS.sub("", text))]


def own_text(source: str) -> Iterator[str]:
    """What a template shows of itself, without what its expressions put in."""
    env = environment("en")
    data = "".join(text if kind == "data" else " " for kind, text in _tokens(env, source))
    for spoken in _SPOKEN.findall(data):
        if not _MACHINE.search(spoken):
            yield _NO_WORD.sub("", spoken)
    yield _NO_WORD.sub("", _TAG.sub(" ", data))


def _tokens(env: jinja2.Environment, source: str) -> Iterator[tuple[str, str]]:
    """The template's tokens; an expression is one token, so that tags stay whole around it."""
    inside = False
    for _, kind, text in env.lex(_KIND.sub("", source)):
        if kind.endswith("_begin"):
            inside = True
        if not inside:
            yield kind, text
        if kind.endswith("_end"):
            inside = False
            yield "expression", text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_is_well_formed_and_strict(language: str) -> None:
    """Each loads in each language, and a name that nobody gave is an error in all of them."""
    env = environment(language)
    assert env.undefined is jinja2.StrictUndefined
    for name in _NAMES:
        assert env.get_template(name).name == name
    assert len(_NAMES) >= 30


@pytest.mark.parametrize("name", sorted(set(_NAMES) - _WORDLESS))
def test_no_word_stands_in_a_template_untranslated(name: str) -> None:
    """Every word on a page or in a mail goes through the catalogues: a template's own text has no letters."""
    source = environment("en").loader.get_source(environment("en"), name)[0]  # type: ignore[union-attr]
    left = [word for text in own_text(source) for word in re.findall(r"[^\W\d_]{2,}", text)]
    assert left == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_screen_uses_its_own_words(language: str) -> None:
    """No message of a catalogue has a word that only the code uses, in the original or the translation."""
    faults = {}
    for message in catalogues.messages(catalogues.read(language)):
        ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
        strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        for text in (*ids, *strings):
            if found := internal_words(re.sub(r"%\(\w+\)\w", "", str(text))):
                faults[text] = found
    assert faults == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your delivery was uncertain.", ["delivery", "uncertain"]),
        ("A frozen Revision", ["frozen", "Revision"]),
        ("The Post-Bag keeps its postal address; email service; listserv", []),
        ("see https://example.org/posts/1", []),
        ("the “SMTP user name”, not the user's “batch”", ["user", "batch"]),
    ],
)
def test_internal_words_are_found(text: str, found: list[str]) -> None:
    """The check sees a planted word, and not a part of another."""
    assert internal_words(text) == found


def test_plain_words_in_a_template_are_found() -> None:
    """The check sees text between tags and in spoken attributes, and nothing of tags and expressions."""
    source = '<p class="dim">Hello {{ name }}</p><img alt="A lamp" src="{{ url }}">{# note #}<b>&nbsp;</b>'
    words = [word for text in own_text(source) for word in re.findall(r"[^\W\d_]{2,}", text)]
    assert sorted(words) == ["Hello", "lamp"]
