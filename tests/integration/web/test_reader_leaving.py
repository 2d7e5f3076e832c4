"""Leaving by the reader's page, by one click, and by the sign-off page; and the way back."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from lxml import html as lxml_html

from digest import clock
from digest.models import MailingList, Subscription, SubscriptionStatus
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


@pytest.mark.parametrize("link", ["", "/page"], ids=["unsubscribe", "change"])
@pytest.mark.parametrize("before", ["cadence", "pause"])
def test_one_click_by_mistake_is_taken_back_by_any_link_of_the_same_mail(
    reader: Reader, before: str, link: str
) -> None:
    """A mail service's button is answered by no mail: the links of the mail say it, and bring all back."""
    reader.press(before, sunday(reader) if before == "cadence" else "")
    was = reader.row()
    reader.client.post(f"/u/{reader.scene.token}", data=ONE_CLICK)
    assert reader.row().status is ENDED
    for _ in range(2):  # looking changes nothing
        page = reader.client.get(f"/u/{reader.scene.token}{link}").text
    assert "You have left The Morning Post-Bag" in page
    (form,) = lxml_html.document_fromstring(page).xpath("//form[starts-with(@action, '/undo/')]")
    assert form.xpath("string(.//button)") == "Bring it back"
    back = reader.client.post(form.get("action"))
    assert "Everything is as it was" in reader.client.get(back.headers["location"]).text
    now = reader.row()
    assert (now.status, now.cadence_id, now.paused_until) == (was.status, was.cadence_id, was.paused_until)
    assert reader.actions()[-2:] == ["end", "revive"]
    assert reader.mails() == []


def test_after_a_month_the_same_link_leads_to_the_form(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the thirtieth day by one press, later by signing up anew, if the list is open to everybody."""
    with reader.database.write() as session:
        session.get_one(MailingList, reader.scene.list_id).is_open = True
    reader.client.post(f"/u/{reader.scene.token}", data=ONE_CLICK)
    left = clock.utc_now()
    for days, has_undo in ((29, True), (31, False)):
        monkeypatch.setattr(clock, "utc_now", lambda days=days: left + dt.timedelta(days=days))
        page = lxml_html.document_fromstring(reader.client.get(f"/u/{reader.scene.token}").text)
        assert bool(page.xpath("//form[starts-with(@action, '/undo/')]")) is has_undo
        assert bool(page.xpath("//a[starts-with(@href, '/s/')]")) is not has_undo


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
