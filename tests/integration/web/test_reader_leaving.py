"""Leaving by the reader's page, by one click, and by the sign-off page; and the way back."""

from __future__ import annotations

import sqlalchemy as sa
from lxml import html as lxml_html

from digest.models import Subscription, SubscriptionStatus
from tests.integration.web.reader_hands import Reader, list_id, sunday
from tests.integration.web.test_sign_off import ONE_CLICK

ACTIVE, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED


def test_leaving_by_the_page_says_goodbye_and_can_be_taken_back(reader: Reader) -> None:
    """One mail with the way back; the page has it too; a reason is optional and said once."""
    answer = reader.client.post(f"/u/{reader.scene.token}")
    assert answer.status_code == 200
    page = lxml_html.document_fromstring(answer.text)
    assert "Would you tell us why? You need not." in answer.text
    assert [notice.kind for notice in reader.mails()] == ["goodbye"]
    reader.press("reason", "too_many")
    assert "Would you tell us why" not in reader.client.get(reader.page).text
    (path,) = page.xpath("//form[starts-with(@action, '/undo/')]/@action")
    asked = reader.client.get(path)
    assert "Bring back The Morning Post-Bag" in asked.text
    back = reader.client.post(path)
    assert back.status_code == 303
    assert "Everything is as it was" in reader.client.get(back.headers["location"]).text
    again = reader.client.post(path)
    assert "There is nothing to bring back" in reader.client.get(again.headers["location"]).text
    assert reader.actions() == ["sign_up", "end", "change", "revive"]


def test_one_click_gets_no_goodbye_but_the_page_has_the_way_back(reader: Reader) -> None:
    """A mail service's button is answered by a few bytes and no mail."""
    reader.client.post(f"/u/{reader.scene.token}", data=ONE_CLICK)
    assert reader.mails() == []
    assert "/undo/" in reader.client.get(f"/u/{reader.scene.token}").text


def test_stopping_all_ends_every_list_with_one_goodbye(reader: Reader) -> None:
    """And its undo brings all of them back."""
    reader.press("join", list_id(reader, "letters"))
    page = reader.press("stop_all")
    assert "You have left The Morning Post-Bag" in page
    with reader.database.read() as session:
        assert set(session.scalars(sa.select(Subscription.status))) == {ENDED}
    assert len(reader.mails()) == 1
    (path,) = lxml_html.document_fromstring(page).xpath("//form[starts-with(@action, '/undo/')]/@action")
    reader.client.post(path)
    with reader.database.read() as session:
        assert set(session.scalars(sa.select(Subscription.status))) == {ACTIVE}


def test_the_sign_off_page_has_weekly_and_pause_beside_the_button(reader: Reader) -> None:
    """Both post to the reader's page; on the weekly rhythm, there is no "weekly instead"."""
    page = reader.client.get(f"/u/{reader.scene.token}").text
    assert "Weekly instead" in page
    assert "Pause" in page
    reader.press("cadence", sunday(reader))
    assert "Weekly instead" not in reader.client.get(f"/u/{reader.scene.token}").text
