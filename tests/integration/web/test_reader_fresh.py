"""What wants a fresh link: a copy of one's data, another address, erasing."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from lxml import html as lxml_html

from digest.lists.fresh_links import FreshKind
from digest.lists.goodbye import undo_path
from digest.models import AuditEntry, FreshLink, MailingList, Subscriber, Subscription, SubscriptionStatus
from tests.factories import make_subscription
from tests.integration.web.reader_hands import Reader

ENDED = SubscriptionStatus.ENDED


def test_my_data_comes_once_by_a_link_that_was_mailed(reader: Reader) -> None:
    """Asked for on the page, mailed to the address on file; the file names the person, the pages do not."""
    address = reader.person().address or ""
    page = reader.press("ask", "data")
    assert "We have sent a mail" in page
    assert address not in page
    assert [notice.address for notice in reader.mails()] == [address]
    path = reader.mailed_path()
    assert address not in reader.client.get(path).text
    answer = reader.client.post(path)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    assert address in json.dumps(answer.json(), ensure_ascii=False)
    for again in (reader.client.post(path), reader.client.get(path)):
        assert again.status_code == 410
        assert address not in again.text


def test_the_fourth_request_of_a_day_is_not_mailed(reader: Reader) -> None:
    """Three mails, then a sentence."""
    pages = [reader.press("ask", kind) for kind in ("data", "erase", "address", "data")]
    assert "three such mails today" in pages[-1]
    assert len(reader.mails()) == 3


def test_an_address_is_changed_by_both_its_ends(reader: Reader) -> None:
    """The old address's link asks, the new one's acts; the page then shows the new address, masked."""
    reader.press("ask", "address")
    first = reader.mailed_path()
    wrong = reader.client.post(first, data={"address": "not one"})
    assert wrong.status_code == 422
    assert "This is not a mail address" in wrong.text
    answer = reader.client.post(first, data={"address": "new@other.test"})
    assert "Now look into your new mailbox" in answer.text
    assert reader.mails()[-1].address == "new@other.test"
    second = reader.mailed_path()
    assert "n***@other.test" in reader.client.get(second).text
    done = reader.client.post(second)
    assert done.status_code == 303
    assert "n***@other.test" in reader.client.get(done.headers["location"]).text
    assert reader.person().address == "new@other.test"
    assert reader.client.post(first, data={"address": "third@other.test"}).status_code == 410
    assert reader.client.post(second).status_code == 410
    assert reader.actions() == ["sign_up", "address"]


def test_a_link_in_the_old_mailbox_gives_nothing_out_after_the_move(reader: Reader) -> None:
    """My data and the erasure: both end with the change; asked for anew, the mail goes to the new address."""
    old = reader.person().address or ""
    reader.press("ask", "data")
    data, erase = reader.mailed_path(), reader.fresh(FreshKind.ERASE)
    moving = reader.fresh(FreshKind.NEW_ADDRESS, address="new@other.test")
    assert reader.client.get(data).status_code == 200  # only the change ends it
    assert reader.client.post(moving).status_code == 303
    for path in (data, erase):
        for answer in (reader.client.get(path), reader.client.post(path, data={"word": "erase"})):
            assert answer.status_code == 410
            assert "This link has been used" in answer.text
            assert old not in answer.text
            assert "new@other.test" not in answer.text
    assert reader.person().address == "new@other.test"
    reader.press("ask", "data")
    assert reader.mails()[-1].address == "new@other.test"
    assert "new@other.test" in reader.client.post(reader.mailed_path()).text


def test_a_taken_address_is_told_to_its_owner_alone(reader: Reader) -> None:
    """The answer at the old address is the same; the new address's page says that nothing was changed."""
    with reader.database.write() as session:
        other = make_subscription(session, session.get_one(MailingList, reader.scene.list_id))
        taken = session.get_one(Subscriber, other.subscriber_id).address or ""
    paths = [reader.fresh(FreshKind.ADDRESS) for _ in range(2)]
    free = reader.client.post(paths[0], data={"address": "free@other.test"})
    same = reader.client.post(paths[1], data={"address": taken})
    assert (free.status_code, free.text) == (same.status_code, same.text)
    path = reader.mailed_path()
    for answer in (reader.client.get(path), reader.client.post(path)):
        assert "This address has a subscription of its own" in answer.text
    assert reader.actions() == ["sign_up"]


@pytest.mark.parametrize("is_open", [True, False])
def test_an_address_that_has_left_is_told_how_to_come_back(reader: Reader, *, is_open: bool) -> None:
    """Never to stop the old one first: it says to sign up, or to write where nobody can."""
    with reader.database.write() as session:
        mailing_list = session.get_one(MailingList, reader.scene.list_id)
        mailing_list.is_open = is_open
        other = make_subscription(session, mailing_list, status=ENDED)
        left, name = session.get_one(Subscriber, other.subscriber_id).address or "", mailing_list.name
    reader.client.post(reader.fresh(FreshKind.ADDRESS), data={"address": left})
    path = reader.mailed_path()
    for answer in (reader.client.get(path), reader.client.post(path)):
        assert answer.status_code == 200
        assert "your mail goes on coming to the old address" in answer.text
        assert "Mail from us comes here already" not in answer.text
        assert ("please write to us" in answer.text) != is_open
        links = lxml_html.document_fromstring(answer.text).xpath("//main//a/@href")
        assert links == ([f"/s/{name}"] if is_open else [])
    if is_open:
        assert reader.client.get(f"/s/{name}").status_code == 200
    assert reader.actions() == ["sign_up"]


def test_erasing_wants_the_word_and_is_for_ever(reader: Reader) -> None:
    """Another word erases nothing. Then: no address anywhere, chains that verify, links that say nothing."""
    address = reader.person().address or ""
    path = reader.fresh(FreshKind.ERASE)
    wrong = reader.client.post(path, data={"word": "yes"})
    assert wrong.status_code == 422
    assert reader.person().address == address
    done = reader.client.post(path, data={"word": " Erase. "})
    assert "You have been erased" in done.text
    assert reader.person().address is None
    assert reader.actions() == ["sign_up", "erase"]
    with reader.database.read() as session:
        (link,) = session.scalars(sa.select(FreshLink))
        assert (link.details, link.used_at is None) == ({}, False)
        (entry,) = session.scalars(sa.select(AuditEntry))
        assert (entry.action, entry.actor, entry.target_kind) == ("subscriber.erase", "reader", "Subscriber")
        assert (entry.target_id, entry.details) == (reader.scene.subscriber_id, {})
    for page in (done, reader.client.get(path), reader.client.post(path, data={"word": "erase"})):
        assert "You have been erased" in page.text
        assert "A code made of your address stays" in page.text
        assert page.status_code == (200 if page is done else 410)
    shown = reader.client.get(reader.page)
    assert (shown.status_code, address in shown.text) == (200, False)
    assert reader.client.post(reader.page, data={"do": "cadence", "value": "1"}).status_code == 404
    with reader.database.read() as session:
        back = undo_path(reader.signer, session.get_one(Subscription, reader.scene.subscription_id))
    assert "There is nothing to bring back" in reader.client.get(back).text
    assert reader.client.post(back).status_code == 303
    assert reader.row().status is ENDED
