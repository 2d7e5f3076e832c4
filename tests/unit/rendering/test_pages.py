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
    Page,
    SignedOffPage,
    SignOffPage,
    render_page,
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


PAGES: list[Page] = [
    SignOffPage(HOSTILE, "a***@example.org", "/u/token"),
    SignedOffPage(HOSTILE, "/u/token/undo"),
    ConfirmPage(HOSTILE, "a***@example.org", "/c/token"),
    ConfirmedPage(HOSTILE, "https://mail.example.org/e/1"),
    LinkNotValidPage(),
    ErrorPage(404),
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


def test_signed_off_offers_the_way_back_by_a_post() -> None:
    """Changed your mind: one more button, and none where there is no way back."""
    (form,) = lxml_html.document_fromstring(render_page(SignedOffPage("L", "/u/t/undo"), "en")).iter("form")
    assert (form.get("method"), form.get("action")) == ("post", "/u/t/undo")
    assert "<form" not in render_page(SignedOffPage("L"), "en")


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
