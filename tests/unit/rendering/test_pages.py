"""The public pages."""

from __future__ import annotations

import pytest
from lxml import html as lxml_html

from digest.rendering.pages import (
    ConfirmedPage,
    ConfirmPage,
    ErrorPage,
    InboxMessage,
    InboxPage,
    LinkNotValidPage,
    MessagePage,
    MessageView,
    NoArchivePage,
    Page,
    SignedOffPage,
    SignOffPage,
    render_page,
)
from digest.rendering.sign_up import (
    Choice,
    SignedUpPage,
    SignUpList,
    SignUpPage,
    SisterLink,
    language_name,
    plain_form,
)
from tests.unit.rendering.samples import SLOT

HOSTILE = '</title><script>alert(1)</script>" x="\ud800'


def message(view: MessageView, text: str = "") -> MessagePage:
    return MessagePage(
        subject=HOSTILE,
        sender="News <news@example.org>",
        to="alice@example.org",
        received_at=SLOT,
        zone="Asia/Yerevan",
        view=view,
        page_url="/inbox/1",
        frame_url="/inbox/1/html",
        inbox_url="/inbox",
        text=text,
    )


def sign_up(*, is_several: bool = False) -> SignUpPage:
    choices = (Choice(HOSTILE, HOSTILE, is_chosen=True), Choice("other", "Other"))
    lists = tuple(
        SignUpList(name, HOSTILE, HOSTILE, f"-{name}" if is_several else "", cadences=choices, topics=choices)
        for name in ("daily", "weekend")[: 1 + is_several]
    )
    return SignUpPage(
        paper=HOSTILE,
        action_url="/s/daily",
        lists=lists,
        language="en",
        is_several=is_several,
        sisters=(SisterLink("/s/sister", "hy", language_name("hy")),),
        address=HOSTILE,
        name=HOSTILE,
        fault=HOSTILE,
    )


PAGES: list[Page] = [
    SignOffPage(HOSTILE, "a***@example.org", "/u/token"),
    SignedOffPage(HOSTILE),
    ConfirmPage(HOSTILE, "a***@example.org", "/c/token"),
    ConfirmedPage(HOSTILE, "https://mail.example.org/e/1"),
    sign_up(),
    sign_up(is_several=True),
    SignedUpPage((HOSTILE, HOSTILE)),
    LinkNotValidPage(),
    NoArchivePage(),
    ErrorPage(404),
    ErrorPage(404, leads_to_desk=True),
    ErrorPage(500, HOSTILE),
    ErrorPage(400),
    InboxPage((InboxMessage(HOSTILE, HOSTILE, SLOT, "/inbox/1"),), "Asia/Yerevan", "/inbox?before=1"),
    InboxPage((), "Asia/Yerevan"),
    message(MessageView.HTML),
    message(MessageView.TEXT, HOSTILE),
    message(MessageView.SOURCE, HOSTILE),
]


@pytest.mark.parametrize("language", ["en", "hy"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: type(page).__name__)
def test_each_page_is_whole_and_safe(page: Page, language: str) -> None:
    """One h1, a title, the language, no script or style in the page, nothing that words could add."""
    made = render_page(page, language)
    made.encode()
    root = lxml_html.document_fromstring(made)
    assert root.get("lang") == language
    assert len(list(root.iter("h1"))) == 1
    assert root.findtext(".//title")
    assert not root.xpath("//script | //style | //@style | //@x | //@*[starts-with(name(), 'on')]")
    assert root.xpath("//meta[@name='robots']/@content") == ["noindex"]


def test_sign_off_asks_by_one_button_that_posts() -> None:
    """GET changes nothing: the page has one form with one button, and shows only the masked address."""
    root = lxml_html.document_fromstring(
        render_page(SignOffPage("The Post-Bag", "a***@example.org", "/u/t"), "en")
    )
    (form,) = root.iter("form")
    assert (form.get("method"), form.get("action")) == ("post", "/u/t")
    assert [button.text for button in form.iter("button")] == ["Unsubscribe"]
    assert "a***@example.org" in root.text_content()
    assert not list(root.iter("a"))


def test_a_caught_mail_is_shown_in_a_frame_without_rights() -> None:
    """The frame may open links in new windows and nothing else: no scripts, no same origin."""
    (frame,) = lxml_html.document_fromstring(render_page(message(MessageView.HTML), "en")).iter("iframe")
    assert frame.get("sandbox") == "allow-popups allow-popups-to-escape-sandbox"
    assert frame.get("src") == "/inbox/1/html"


def test_the_view_that_is_open_is_marked() -> None:
    """Three links for three views; the present one says so to a screen reader too."""
    root = lxml_html.document_fromstring(render_page(message(MessageView.SOURCE, "To: x\n\nbody"), "en"))
    assert root.xpath("//nav/a/@href") == [f"/inbox/1?view={view}" for view in ("html", "text", "source")]
    assert root.xpath("//nav/a[@aria-current='page']/@href") == ["/inbox/1?view=source"]
    assert root.findtext(".//pre") == "To: x\n\nbody"


@pytest.mark.parametrize("is_several", [False, True])
def test_every_field_of_a_sign_up_has_its_words(*, is_several: bool) -> None:
    """Each control is labelled, each group has a legend, and no two controls share a name and a value."""
    for made in (render_page(sign_up(is_several=is_several), "en"), plain_form(sign_up(), "en")):
        root = lxml_html.fromstring(made)
        (form,) = root.xpath("//form") or [root]
        controls = form.xpath(".//input[not(@type='hidden')]")
        assert len(controls) > 6
        for control in controls:
            named = control.get("id") and form.xpath(f".//label[@for='{control.get('id')}']")
            assert named or any(parent.tag == "label" for parent in control.iterancestors())
        assert all(each.find("legend") is not None for each in form.iter("fieldset"))
        pairs = [(each.get("name"), each.get("value")) for each in controls]
        assert len(set(pairs)) == len(pairs)


def test_the_plain_form_holds_no_script_and_no_style() -> None:
    """Whatever words are in it: it is copied into other people's pages."""
    root = lxml_html.fromstring(plain_form(sign_up(is_several=True), "hy"))
    assert not root.xpath("//script | //style | //@style | //@x | //@*[starts-with(name(), 'on')]")
    assert (root.tag, root.get("lang")) == ("form", "hy")


@pytest.mark.parametrize(
    ("tag", "name"), [("en", "English"), ("hy", "Հայերեն"), ("xx-nowhere", "xx-nowhere")]
)
def test_a_language_is_called_by_its_own_name(tag: str, name: str) -> None:
    """As those read it who look for it; a tag that nobody knows stays as it is."""
    assert language_name(tag) == name
