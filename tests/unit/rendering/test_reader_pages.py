"""The reader's pages."""

from __future__ import annotations

import dataclasses

import pytest
from lxml import html as lxml_html

from digest.rendering.reader_pages import (
    AddressAskedPage,
    AddressPage,
    DataPage,
    Done,
    ErasedPage,
    ErasePage,
    LanguageChoice,
    LeftPage,
    ListChoice,
    NewAddressPage,
    ReaderPage,
    ReadersPage,
    TopicChoice,
    UndoPage,
    UsedPage,
    render_reader_page,
)
from digest.rendering.rhythms import RhythmWords
from tests.unit.rendering.samples import SLOT

HOSTILE = '</title><script>alert(1)</script>" x="'
READER = ReaderPage(
    list_title=HOSTILE,
    address="a***@example.org",
    status="active",
    paused_until=None,
    zone="Asia/Yerevan",
    choices=(RhythmWords(7, HOSTILE, HOSTILE, is_weekly=False), RhythmWords(8, "Weekly", "", is_weekly=True)),
    chosen_id=7,
    is_large=False,
    topics=(TopicChoice(3, HOSTILE, is_chosen=True),),
    lists=(ListChoice(1, HOSTILE, is_on=True), ListChoice(2, HOSTILE, is_on=False)),
    languages=(LanguageChoice(4, HOSTILE, "hy", "Հայերեն"),),
    earliest_day="2026-11-24",
    latest_day="2028-11-22",
    action_url="/u/token/page",
    done=Done("cadence", has_undo=True, fields=(("do", "cadence"), ("value", "8"))),
)
LEFT = LeftPage(HOSTILE, "/undo/token", True, "", (HOSTILE,), True, "/u/token/page", Done("reason"))
PAGES: list[ReadersPage] = [
    READER,
    dataclasses.replace(READER, status="paused", paused_until=SLOT, is_large=True, done=None),
    dataclasses.replace(READER, status="pending", done=None),
    LEFT,
    LeftPage(HOSTILE, "", False, "/s/list", (), False, "/u/token/page"),
    UndoPage(HOSTILE, "/undo/token"),
    UndoPage(HOSTILE, "", is_over=True, sign_up_url="/s/list"),
    DataPage(HOSTILE, "/f/data/token"),
    ErasePage(HOSTILE, "/f/erase/token", "erase"),
    ErasePage(HOSTILE, "/f/erase/token", "erase", is_wrong=True),
    ErasedPage(HOSTILE),
    AddressPage(HOSTILE, "a***@example.org", "/f/address/token"),
    AddressPage(HOSTILE, "a***@example.org", "/f/address/token", is_wrong=True),
    AddressAskedPage(HOSTILE),
    NewAddressPage(HOSTILE, "b***@example.org", "/f/new-address/token"),
    NewAddressPage(HOSTILE, "", "", "taken"),
    NewAddressPage(HOSTILE, "", "", "refused"),
    UsedPage(HOSTILE),
]


@pytest.mark.parametrize("language", ["en", "hy"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: type(page).__name__)
def test_each_page_is_whole_and_safe(page: ReadersPage, language: str) -> None:
    """One h1, a title, the language, nothing that runs, each field with a label, not to be indexed."""
    root = lxml_html.document_fromstring(render_reader_page(page, language))
    assert root.get("lang") == language
    assert len(list(root.iter("h1"))) == 1
    assert root.findtext(".//title")
    assert not root.xpath("//script | //style | //@style | //@x | //@*[starts-with(name(), 'on')]")
    assert root.xpath("//meta[@name='robots']/@content") == ["noindex"]
    labelled = set(root.xpath("//label/@for"))
    for field in root.xpath("//input[not(@type='hidden')]"):
        assert field.get("id") in labelled or field.getparent().tag == "label"
    assert {form.get("method") for form in root.iter("form")} <= {"post"}


def test_the_first_screen_has_the_large_buttons_in_order() -> None:
    """Every cadence, pause, stop; the chosen one says so to a screen reader; the rest is under More."""
    root = lxml_html.document_fromstring(render_reader_page(READER, "en"))
    first = root.xpath("//main/form//input[@name='do']/@value")
    assert first == ["cadence", "cadence", "pause", "stop_all"]
    (chosen,) = root.xpath("//button[@aria-current='true']")
    assert chosen.xpath("preceding-sibling::input[@name='value']/@value") == ["7"]
    under_more = root.xpath("//details//input[@name='do']/@value")
    assert under_more == ["text", "pause_until", "topics", "language", "leave", "join", "ask", "ask", "ask"]
    assert root.xpath("//div[@role='status']//input/@value") == ["cadence", "8"]


@pytest.mark.parametrize(
    "code",
    [
        *("cadence", "paused", "resumed", "topics", "large", "normal", "joined", "left", "language"),
        *("undone", "reason", "mailed", "enough", "not_allowed", "not_possible", "bad_date", "nothing"),
        *("moved", "paused_until"),
    ],
)
def test_each_thing_done_has_its_own_words(code: str) -> None:
    """No two acts are answered with the same sentence."""

    def said(each: str) -> str:
        page = dataclasses.replace(READER, done=Done(each))
        root = lxml_html.document_fromstring(render_reader_page(page, "en"))
        return str(root.xpath("string(//div[@role='status']/p)")).strip()

    assert said(code)
    assert (said(code) == said("unknown")) == (code == "nothing")
