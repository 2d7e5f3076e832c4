"""The web edition carries what the mail carries, text for text and link for link."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import html as lxml_html
from lxml.html import HtmlElement

from digest.rendering.contexts import UNSUBSCRIBE_URL
from digest.rendering.digest_email import render_mail, render_web
from tests.mail_cases import Case, everything, pairwise

# Each kind once, the layouts by turns.
_SAMPLE = [case for place, case in enumerate(pairwise()) if place % 2 == place // 2 % 2]


def texts(root: HtmlElement) -> Iterator[str]:
    """Every run of words that is shown, in its order; a date may begin a line in one and not in the other."""
    for element in root.iter():
        if not isinstance(element.tag, str) or element.tag in ("style", "script"):
            continue
        found = [element.text, *(child.tail for child in element)]
        yield from (" ".join(each.split()).casefold() for each in found if each and each.strip())


def links(root: HtmlElement) -> set[str]:
    return {str(link.get("href")) for link in root.iter("a")}


def check(case: Case) -> None:
    context = case.context()
    mail = lxml_html.document_fromstring(render_mail(context).html).find("body")
    page = lxml_html.document_fromstring(render_web(context)).find("body")
    assert mail is not None
    assert page is not None
    mail.remove(next(mail.iterchildren("div")))  # the preheader
    # What belongs to a person and their mail: why they get it, the way here, the way out.
    own = {context.web_url, UNSUBSCRIBE_URL, f"{UNSUBSCRIBE_URL}/page"}
    of_mail = {context.reason.casefold()} | {
        text for link in mail.iter("a") if link.get("href") in own for text in texts(link)
    }
    assert links(mail) - links(page) == own
    assert {link for link in links(page) - links(mail) if not link.startswith("#")} == set()
    whole_mail, whole_page = " ".join(texts(mail)), " ".join(texts(page))
    assert {text for text in texts(mail) if text not in whole_page} <= of_mail
    assert [text for text in texts(page) if text not in whole_mail] == []


@pytest.mark.parametrize("case", _SAMPLE, ids=str)
def test_it_has_the_same_content_as_the_mail(case: Case) -> None:
    """Nothing is only in the mail but what belongs to its reader, and nothing is only on the web."""
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in everything() if case not in _SAMPLE], ids=str)
def test_each_case_has_the_same_content_as_its_mail(case: Case) -> None:
    """All other layouts, languages and hard cases."""
    check(case)
