"""In which languages the lines above a mail are read aloud: subject, preheader, the name of the whole."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from lxml import html as lxml_html

from digest.rendering.contexts import EditionContext
from digest.rendering.digest_email import render_mail
from digest.rendering.subjects import language_of
from digest.rendering.theme import Layout, Look
from tests.unit.rendering import samples

DAY = "2026 թ. նոյեմբերի 23, երկուշաբթի"
SAID = {"intro": "", "sign_off": ""}


def spoken(context: EditionContext) -> dict[str, Any]:
    """The `lang` of the title and of the preheader, and the label of the whole."""
    root = lxml_html.document_fromstring(render_mail(context).html)
    whole = root.xpath("//*[@role='article']")[0]
    assert whole.get("lang") == root.get("lang")
    return {
        "title": root.xpath("//title")[0].get("lang"),
        "preheader": root.xpath("//body/div")[0].get("lang"),
        "label": whole.get("aria-label"),
    }


@pytest.mark.parametrize(
    ("context", "title", "preheader", "label"),
    [
        (samples.edition(), None, None, "A bench in front of the library"),
        (samples.armenian(), None, None, "Նստարան գրադարանի առջև"),
        # An English commentary in an Armenian digest, with and without the desk's own words before it.
        (samples.edition(language="hy", digest_title="Պարկ"), "en", None, f"Պարկ, {DAY}"),
        (samples.edition(language="hy", digest_title="Պարկ", **SAID), "en", "en", f"Պարկ, {DAY}"),
        (samples.edition(language="hy", subject="Երեք լուր"), None, None, "Երեք լուր"),
        (
            samples.edition(language="hy", digest_title="Պարկ", look=Look(layout=Layout.BRIEFING), **SAID),
            *("en", "en", f"Պարկ, {DAY}"),
        ),
        # No words of ours in its language: those around it are English, its own are marked.
        (samples.edition(language="de"), None, "de", "A bench in front of the library"),
        (
            samples.edition(language="de", subject="Drei Nachrichten"),
            *("de", "de", "Monday, November 23, 2026"),
        ),
        # Where no story says anything, the line is ours.
        (
            samples.edition(language="hy", featured=None, recent=0, **SAID),
            *(None, None, f"The Morning Post-Bag, {DAY}"),
        ),
    ],
)
def test_each_line_says_in_which_language_it_is(
    context: EditionContext, title: str | None, preheader: str | None, label: str
) -> None:
    """A `lang` where the words are not the mail's own; the label can have none, and is the mail's own."""
    assert spoken(context) == {"title": title, "preheader": preheader, "label": label}


@pytest.mark.parametrize(("language", "word"), [("en", "email"), ("fr", "e-mail"), ("hyw", "ել-նամակ")])
def test_what_a_screen_reader_calls_a_mail_is_a_word_of_its_language(language: str, word: str) -> None:
    """It is read aloud as it stands."""
    context = dataclasses.replace(samples.edition(), language=language)
    assert f'aria-roledescription="{word}"' in render_mail(context).html


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("A bench", "en"),
        ("A bench · Another", "en"),
        ("A very long title that was c…", "fr"),
        ("Something else", "hy"),
        ("A", "en"),
        ("…", "en"),
    ],
)
def test_a_line_is_in_the_language_of_what_it_begins_with(line: str, found: str) -> None:
    """Whole, joined to others or cut; what nobody said is the digest's own."""
    pieces = [("", "xx"), ("A bench", "en"), ("A very long title that was cut", "fr")]
    assert language_of(line, pieces, "hy") == found
