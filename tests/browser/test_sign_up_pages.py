"""Signing up in a real browser by other ways than a press: the keyboard, and the paper's own form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from digest.lists.form import open_lists
from digest.models import MailingList, Subscriber, Subscription, SubscriptionStatus
from digest.rendering.sign_up import SignUpPage, plain_form
from digest.web.sign_up_fields import Fields, shown
from tests.browser.sites import Site
from tests.factories import make_subscriber, make_subscription
from tests.factories.moments import NOW

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser


def test_the_form_is_filled_by_keyboard(site: Site, context: BrowserContext) -> None:
    """Tab, space and Enter; every control is seen to have the focus, the hidden one never gets it."""
    page = context.new_page()
    page.goto(f"{site.url}/s/daily")
    page.locator("nav a").focus()
    names = []
    for _ in range(6):
        page.keyboard.press("Tab")
        focused = "document.activeElement"
        names.append(page.evaluate(f"{focused}.name || {focused}.innerText"))
        assert page.evaluate(f"getComputedStyle({focused}).outlineStyle") == "solid"
        if names[-1] == "address":
            page.keyboard.type("keys@example.org")
    assert names == ["address", "name", "cadence", "topic", "topic", "Sign up"]
    page.locator("button").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Look into your mailbox").wait_for()
    with site.database.read() as session:
        query = sa.select(Subscription.status).join(Subscriber)
        found = session.scalars(query.where(Subscriber.address == "keys@example.org"))
        assert list(found) == [SubscriptionStatus.PENDING]


def test_a_copied_form_works_on_another_site(site: Site, context: BrowserContext, tmp_path: Path) -> None:
    """The plain form in a page of the paper's own leads to ours; a known reader sees the same as anybody."""
    with site.database.write() as session:
        (one,) = open_lists(session, ["letters"])
        person = make_subscriber(session, "known@example.org", address_key=site.keys.address_key)
        make_subscription(session, session.get_one(MailingList, one.id), person)
    form = plain_form(
        SignUpPage(
            one.paper, f"{site.url}/s/letters", shown(Fields(), [one], is_several=False, now=NOW), "en"
        ),
        "en",
    )
    file = tmp_path / "paper.html"
    file.write_text(f"<!DOCTYPE html><html lang=en><title>Paper</title>{form}", encoding="utf-8")
    seen = set()
    for address in ("copied@example.org", "known@example.org"):
        page = context.new_page()
        page.goto(file.as_uri())
        page.get_by_label("Mail address").fill(address)
        page.get_by_role("button", name="Sign up").click()
        page.get_by_role("heading", name="Look into your mailbox").wait_for()
        seen.add(page.content())
    assert len(seen) == 1
