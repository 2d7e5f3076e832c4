"""The single mails."""

from __future__ import annotations

import re

import pytest
from lxml import html as lxml_html

from digest.rendering.contexts import UNSUBSCRIBE_URL
from digest.rendering.notices import (
    AlertNotice,
    ConfirmNotice,
    FreshLinkNotice,
    GoodbyeNotice,
    MovedNotice,
    NoticeKind,
    NoticeValues,
    PermissionNotice,
    ServiceTestNotice,
    WelcomeNotice,
    render_notice,
)
from tests.unit.rendering import samples
from tests.unit.rendering.samples import SLOT

PAPER = {"sender_name": "The Linden Street Courier", "postal_address": "12 Linden Street, Watertown"}
TITLE = "The Morning </style><b>Post-Bag</b>"
NOTICES: dict[NoticeKind, NoticeValues] = {
    NoticeKind.CONFIRM: ConfirmNotice(TITLE, "https://mail.example.org/c/token", **PAPER),
    NoticeKind.WELCOME: WelcomeNotice(
        TITLE,
        "every morning",
        **PAPER,
        web_url="https://mail.example.org/e/1",
        featured=samples.edition().featured,
        recent=samples.edition().recent,
    ),
    NoticeKind.GOODBYE: GoodbyeNotice(TITLE, **PAPER, undo_url="https://mail.example.org/undo/token"),
    NoticeKind.PERMISSION: PermissionNotice(TITLE, "https://mail.example.org/k/token", SLOT, **PAPER),
    NoticeKind.TEST: ServiceTestNotice("Main <relay>", "The Courier", SLOT, "Asia/Yerevan"),
    NoticeKind.MOVED: MovedNotice(TITLE, **PAPER),
    NoticeKind.ALERT: AlertNotice(
        f"Held: {TITLE}", ("The message is too large <b>today</b>.",), TITLE, **PAPER
    ),
    NoticeKind.FRESH_LINK: FreshLinkNotice("data", TITLE, "https://mail.example.org/f/data/token", **PAPER),
}


@pytest.mark.parametrize("language", ["en", "hy"])
@pytest.mark.parametrize("kind", NoticeKind)
def test_each_notice_is_whole(kind: NoticeKind, language: str) -> None:
    """One-line subject that is the heading too, same links in both parts, no tag from a list's name."""
    mail = render_notice(kind, language, NOTICES[kind])
    root = lxml_html.document_fromstring(mail.html)
    assert [" ".join(found.text_content().split()) for found in root.iter("h1")] == [mail.subject]
    assert root.get("lang") == language
    assert 40 <= len(mail.preheader) <= 100
    assert mail.preheader != mail.subject
    found = {str(link.get("href")) for link in root.iter("a")}
    assert found == set(re.findall(r"^(https:\S+|%%\w+%%(?:/page)?)$", mail.text, re.MULTILINE))
    assert not root.xpath("//h1//b")
    assert all(len(line) <= 72 or "http" in line for line in mail.text.split("\n"))


def test_a_welcome_has_the_latest_editions_stories_or_none_at_all() -> None:
    """Title, author, beginning and headlines in both parts, and words in another language marked as such."""
    edition = samples.edition()
    assert edition.featured is not None
    mail = render_notice(NoticeKind.WELCOME, "hy", NOTICES[NoticeKind.WELCOME])
    root = lxml_html.document_fromstring(mail.html)
    shown = [" ".join(each.text_content().split()) for each in root.iter("h2", "h3")]
    for story in (edition.featured, *edition.recent):
        assert " ".join(story.title.split()) in shown
        assert story.url in mail.text
    assert " ".join(edition.featured.excerpt.split()) in " ".join(mail.text.split())
    assert root.xpath("//td[@lang='en']//h2")
    alone = render_notice(NoticeKind.WELCOME, "en", WelcomeNotice("List", "", **PAPER))
    assert not list(lxml_html.document_fromstring(alone.html).iter("h2", "h3"))


@pytest.mark.parametrize("language", ["en", "hy"])
@pytest.mark.parametrize("kind", ["data", "erase", "address", "new-address"])
def test_a_fresh_link_says_what_it_does(kind: str, language: str) -> None:
    """Four kinds, four subjects; each says that it works once and holds the one link, in both parts."""
    url = f"https://mail.example.org/f/{kind}/token"
    mail = render_notice(NoticeKind.FRESH_LINK, language, FreshLinkNotice(kind, "The Courier", url, **PAPER))
    others = {
        render_notice(NoticeKind.FRESH_LINK, language, FreshLinkNotice(each, "X", url, **PAPER)).subject
        for each in ("data", "erase", "address", "new-address")
    }
    assert len(others) == 4
    assert url in mail.html
    assert url in mail.text
    assert "24" in mail.text


def test_only_the_welcome_mail_has_a_way_to_sign_off() -> None:
    """Who is not on the list has nothing to sign off from; the placeholder stays for the sender to fill."""
    for kind, values in NOTICES.items():
        mail = render_notice(kind, "en", values)
        assert (
            (UNSUBSCRIBE_URL in mail.html) == (UNSUBSCRIBE_URL in mail.text) == (kind is NoticeKind.WELCOME)
        )


def test_a_ready_unsubscribe_address_is_used() -> None:
    """A single mail may also be given the person's address at once."""
    values = WelcomeNotice("List", "", **PAPER, unsubscribe_url="https://mail.example.org/u/abc")
    mail = render_notice(NoticeKind.WELCOME, "en", values)
    assert 'href="https://mail.example.org/u/abc"' in mail.html
    assert "How often" not in mail.text


def test_values_of_another_kind_are_refused() -> None:
    """A confirm mail cannot be made of a goodbye's values."""
    with pytest.raises(TypeError, match="ConfirmNotice"):
        render_notice(NoticeKind.CONFIRM, "en", NOTICES[NoticeKind.GOODBYE])


@pytest.mark.parametrize("language", ["en", "hy"])
def test_who_is_on_the_list_is_not_asked_to_confirm(language: str) -> None:
    """The mail leads to their own page, in HTML and text, and says nothing of a confirmation."""
    url = "https://mail.example.org/u/token/page"
    made = render_notice(NoticeKind.CONFIRM, language, ConfirmNotice(TITLE, url, **PAPER, is_known=True))
    asked = render_notice(NoticeKind.CONFIRM, language, ConfirmNotice(TITLE, url, **PAPER))
    assert url in made.html
    assert url in made.text
    assert made.subject != asked.subject
    assert len(set(made.text.split("\n\n")) & set(asked.text.split("\n\n"))) < len(asked.text.split("\n\n"))
