"""The translation catalogues, and the tool that keeps them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from digest.i18n import LANGUAGES, READER_LANGUAGES
from digest.i18n.catalogue import as_texts, forms
from digest.i18n.readers import reaches_readers
from digest.rendering import pages, reader_pages
from digest.rendering.notices import NoticeKind
from tests.architecture import catalogues


@pytest.fixture
def template() -> Catalog:
    """Two messages: a plain one with a place, and a plural."""
    made = Catalog()
    made.add("Hello %(name)s", locations=[("a.py", 0)])
    made.add(("%(count)s story", "%(count)s stories"), locations=[("a.py", 0)])
    return made


def filled(template: Catalog, single: str, plural: tuple[str, ...]) -> Catalog:
    made = Catalog(locale="hy")
    made.add("Hello %(name)s", single)
    made.add(("%(count)s story", "%(count)s stories"), plural)
    return made


GOOD = ("Բարև, %(name)s", ("%(count)s նյութ", "%(count)s նյութ"))


def test_all_catalogues_are_complete() -> None:
    """Every message of the code and the templates is there in every language, in form and in use."""
    assert catalogues.check() == []


def test_messages_of_code_and_templates_are_found() -> None:
    """Both kinds of sources are read: the templates, those in `_base` too, and marked words in the code."""
    found = {catalogues.key(message) for message in catalogues.messages(catalogues.extracted())}
    assert {"Recent headlines", "Unsubscribe", "The checks before sending say:", "just now"} <= found


@pytest.mark.parametrize(
    ("single", "plural", "fault"),
    [
        ("", GOOD[1], "not translated"),
        ("Բարև", GOOD[1], "same %(places)s"),
        ("Բարև, %(other)s", GOOD[1], "same %(places)s"),
        (GOOD[0], ("%(count)s նյութ",), "plural forms"),
        (GOOD[0], ("%(count)s նյութ", ""), "not translated"),
    ],
)
def test_a_faulty_translation_is_named(
    template: Catalog, single: str, plural: tuple[str, ...], fault: str
) -> None:
    """Empty, wrong places, too few plural forms: each is reported."""
    found = catalogues.problems(template, filled(template, single, plural), "hy")
    assert len(found) == 1
    assert fault in found[0]


def test_a_good_catalogue_has_no_problems(template: Catalog) -> None:
    """A plural form may say "one" in words."""
    assert catalogues.problems(template, filled(template, *GOOD), "hy") == []
    words = filled(template, GOOD[0], ("մեկ նյութ", "%(count)s նյութ"))
    assert catalogues.problems(template, words, "hy") == []


def test_missing_stale_and_fuzzy_are_named(template: Catalog) -> None:
    """What the code has and the file has not, the reverse, and guesses."""
    other = Catalog(locale="hy")
    other.add("Hello %(name)s", "Բարև, %(name)s", flags=["fuzzy"])
    other.add("Old words", "Հին խոսքեր")
    found = " ".join(catalogues.problems(template, other, "hy"))
    for word in ("is missing", "no longer in use", "fuzzy"):
        assert word in found


def test_update_keeps_translations_and_repeats_itself(tmp_path: Path) -> None:
    """New messages come in empty, old translations stay, and a second run changes no byte."""
    for language in READER_LANGUAGES:
        (tmp_path / f"{language}.po").write_bytes((catalogues.LOCALE / f"{language}.po").read_bytes())
    hy = (tmp_path / "hy.po").read_text(encoding="utf-8")
    cut = re.sub(r'msgid "Unsubscribe"\nmsgstr "[^"]+"\n', "", hy)
    (tmp_path / "hy.po").write_text(cut, encoding="utf-8")
    assert [fault for fault in catalogues.update(tmp_path) if "'Unsubscribe'" in fault]
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    catalogues.update(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == again
    assert b"Plural-Forms: nplurals=2; plural=(n > 1);" in again["hy.po"]


def test_a_language_of_readers_has_what_reaches_them_and_no_more() -> None:
    """A message for readers that a draft lacks is named, and so is one of the staff that it has."""
    template = Catalog()
    template.add("Read on", locations=[("templates/email/confirm/body.html", 0)])
    template.add("Locked", locations=[("src/digest/editions/reasons.py", 0)])
    french = Catalog(locale="fr")
    french.add("Locked", "Verrouillé")
    assert catalogues.problems(template, french, "fr") == [
        "fr: is missing 'Read on'",
        "fr: is no longer in use: 'Locked'",
    ]


def test_every_mail_and_page_is_a_reader_s_but_for_those_of_the_staff() -> None:
    """The words of each template that a notice or a page is made of count, whoever adds the next one."""
    staff_mails, staff_pages = {"alert", "test"}, {"inbox", "message", "stop", "stopped"}
    for name in {*NoticeKind, "digest"}:
        assert reaches_readers([f"templates/email/{name}/body.html"]) is (name not in staff_mails), name
    for name in {*pages._TEMPLATES.values(), *reader_pages._TEMPLATES.values()}:
        assert reaches_readers([f"templates/web/public/{name}.html"]) is (name not in staff_pages), name


@pytest.mark.parametrize("language", sorted(set(READER_LANGUAGES) - set(LANGUAGES)))
def test_a_draft_says_that_it_is_one(language: str) -> None:
    """Whoever opens the file reads first that it wants a native reader."""
    head = (catalogues.LOCALE / f"{language}.po").read_text(encoding="utf-8").splitlines()[1]
    assert "DRAFT" in head
    assert "native reader" in head


@pytest.mark.parametrize(
    ("language", "never"),
    [
        ("hyw", "և|[\u0561-\u0587][:;?!]"),
        ("fr", r"[^\s\d][:;?!](?=\s|$)|[ ][:;?!»]|«[ ]|'"),
        ("ar", r"[\u0621-\u064a][?,;]"),
    ],
)
def test_each_draft_is_written_as_its_readers_write(language: str, never: str) -> None:
    """Classical letters without the Eastern ligature; fixed spaces at French marks; Arabic commas."""
    for message in catalogues.messages(catalogues.read(language)):
        assert not re.search(never, str(message.string)), message.string


@pytest.mark.parametrize("language", ["hy", "hyw"])
def test_armenian_uses_its_own_marks(language: str) -> None:
    """Sentences end in a verchaket and quotations stand in guillemets, as Armenian readers expect."""
    for message in catalogues.messages(catalogues.read(language)):
        for form in forms(message):
            assert re.search("[\u0561-\u0587]", re.sub(r"%\(\w+\)s|\W", "", form)) or "%(" in form, form
            assert not re.search(r"[\u0561-\u0587](\.$|[:;?!\"“”])", form), form


# What is never said of a word of ours; `docs/languages.md` has what is.
NEVER = {
    r"\bdigests?\b": "տեղեկագ|ամփոփագ",
    r"\block(s|ed|ing)?\b": r"\b(չ|կ)?փակ(ել|ված|վել|վում|ման|վի|եք)",
    r"\bheld:|\bis held\b": "պահված է|կանգնեցված է",
    r"\brhythms?\b": "ռիթմ|պարբերական",
    r"\bdesk\b": r"\bսեղան",
    r"\badmins?\b": "ադմին",
    r"\bports?\b": r"մուտք(ն|ը|ի)? \(port\)",
    r"\bexcerpts?\b": "ամփոփում|քաղվածք",
}


def test_armenian_says_a_word_of_ours_by_one_word() -> None:
    """An editor who reads two words looks for two things."""
    said = {
        " ".join(as_texts(one.id)): " ".join(forms(one)) for one in catalogues.messages(catalogues.read("hy"))
    }
    for english, never in NEVER.items():
        of_it = {of: words for of, words in said.items() if re.search(english, of, re.IGNORECASE)}
        assert of_it, english
        assert {of: words for of, words in of_it.items() if re.search(never, words, re.IGNORECASE)} == {}
