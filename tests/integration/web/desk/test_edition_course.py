"""An edition on its way at the desk: paused, corrected, and gone on with, each person with one version."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock
from digest.db import Database
from digest.deliveries.recipients import recipients
from digest.deliveries.uncertain import Doubt, note
from digest.editions.approve import approve
from digest.models import (
    Account,
    AccountDigest,
    AccountRole,
    Batch,
    Cadence,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionState,
    Post,
    Reply,
    Revision,
    Subscriber,
    UncertainCause,
    Variant,
)
from tests.factories import make_account
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.web.desk.hands import Hands, signed_in

S = EditionState
READERS = 5


class OnItsWay(NamedTuple):
    """Somebody at the page of an edition that is being handed over: two of its five readers have it."""

    hands: Hands
    room: Newsroom
    edition: int
    me: Account

    @property
    def url(self) -> str:
        return f"/desk/editions/{self.edition}"

    def page(self, path: str = "", status: int = 200) -> str:
        answer = self.hands.get(f"{self.url}{path}")
        assert answer.status_code == status, answer.text
        return answer.text

    def act(self, path: str, status: int = 303, **fields: object) -> str:
        answer = self.hands.post(f"{self.url}/{path}", fields)
        assert answer.status_code == status, answer.text
        return answer.headers.get("location", "") if status == 303 else answer.text

    def state(self) -> EditionState:
        with self.room.database.read() as session:
            return session.get_one(Edition, self.edition).state

    def mails(self, status: DeliveryStatus) -> list[tuple[int, bool]]:
        """The version of each person of a status, and whether its mail has the corrected title."""
        with self.room.database.read() as session:
            rows = session.execute(
                sa.select(Revision.number, Variant.html)
                .join(Variant, Variant.revision_id == Revision.id)
                .join(Delivery, Delivery.variant_id == Variant.id)
                .where(Delivery.edition_id == self.edition, Delivery.status == status)
            )
            return [(number, "The right bridge" in html) for number, html in rows]


def hand_over(database: Database, edition_id: int, count: int, **values: object) -> list[int]:
    """As if a worker had handed it to so many who wait; who they are."""
    with database.write() as session:
        waiting = sa.select(Delivery.subscriber_id).where(
            Delivery.edition_id == edition_id, Delivery.status == DeliveryStatus.PENDING
        )
        people = list(session.scalars(waiting.order_by(Delivery.subscriber_id).limit(count)))
        session.execute(
            sa.update(Delivery)
            .where(Delivery.edition_id == edition_id, Delivery.subscriber_id.in_(people))
            .values({"status": DeliveryStatus.SENT, "sent_at": clock.utc_now(), **values})
        )
    return people


@pytest.fixture
def desk(client: TestClient, database: Database) -> OnItsWay:
    room = make_newsroom(database)
    for _ in range(READERS - 1):
        room.add_reader()
    room.publish("The harbour", categories=["Commentary"], body_html="<p>A long day.</p>")
    room.publish("The wrong bridge", hours=1)
    # Addresses that the guard refuses at once: the checks of a new version wait for no site.
    room.change(Post, url=sa.literal("http://127.0.0.1/") + sa.cast(Post.id, sa.String))
    with database.write() as session:
        me = make_account(session, name="Ani", role=AccountRole.EDITOR)
        session.add(AccountDigest(account_id=me.id, digest_id=room.digest_id))
    edition = room.edition()
    room.freeze(edition)
    assert room.send(edition) is S.SENDING
    hand_over(database, edition, 2)
    return OnItsWay(signed_in(client, database, me), room, edition, me)


def _sheet(page: str) -> dict[str, str]:
    """The fields of the form as a browser would send them back."""
    form = page[page.index('class="sheet"') :]
    found = dict(re.findall(r'<input[^>]* name="([\w-]+)"[^>]* value="([^"]*)"', form))
    found |= dict(re.findall(r'<textarea[^>]* name="([\w-]+)"[^>]*>\n([^<]*)</textarea>', form))
    return {name: value for name, value in found.items() if not name.startswith("out-")} | {
        "base": found.get("base") or re.search(r'name="base" value="(\d+)"', form)[1]  # type: ignore[index]
    }


def _fingerprint(page: str) -> str:
    found = re.search(r'go-on-with".*?name="fingerprint" value="(\w+)"', page, re.DOTALL)
    assert found is not None, page
    return found[1]


def test_a_wrong_title_is_corrected_for_those_who_still_wait(desk: OnItsWay) -> None:
    """Paused, corrected and gone on with: two keep the first version, three get the second, in numbers."""
    assert "Pause it first" in desk.page("/correct")
    assert desk.act("pause", then="correct").endswith("/correct")
    sheet = _sheet(desk.page("/correct"))
    assert sheet["title-2"] == "The wrong bridge"
    changed = {"title-2": "The right bridge", "intro": "Sorry, **all**.", "sign_off": "*Thank* you."}
    assert desk.act("correct", **(sheet | changed)) == desk.url
    page = desk.page()
    assert "Version 2 waits" in page
    assert "Another title: The right bridge (it was: The wrong bridge)" in page
    assert "The words above the stories are otherwise." in page
    assert "The words below the stories are otherwise." in page
    assert "Go on: 3 people get version 2" in page
    assert "Go on with version 1, as it was" in page
    preview = desk.page("/preview?version=2")
    assert "The right bridge" in preview
    assert "<strong" in preview
    assert "Thank</em> you." in preview
    assert "The wrong bridge" in desk.page("/preview")
    assert desk.mails(DeliveryStatus.PENDING) == [(1, False)] * 3  # nothing is changed by making it
    desk.act("go-on-with", fingerprint=_fingerprint(page))
    assert desk.state() is S.SENDING
    assert desk.mails(DeliveryStatus.SENT) == [(1, False)] * 2
    assert desk.mails(DeliveryStatus.PENDING) == [(2, True)] * 3
    after = desk.page()
    assert "Versions" in after
    assert "Version 2 waits" not in after


def test_nothing_that_was_typed_is_lost_when_somebody_was_quicker(desk: OnItsWay) -> None:
    """The second correction of one version is refused with its words in their fields, and undoes nothing."""
    desk.act("pause")
    sheet = _sheet(desk.page("/correct"))
    desk.act("correct", **(sheet | {"title-2": "Theirs"}))
    page = desk.act("correct", 409, **(sheet | {"title-1": "My harbour"}))
    assert "Somebody else has corrected it meanwhile: there is version 2" in page
    assert 'value="My harbour"' in page
    again = _sheet(desk.page("/correct"))
    assert again["base"] == "2"
    assert again["title-2"] == "Theirs"
    assert "Nothing was changed" in desk.act("correct", 422, **again)
    desk.act("correct", **(again | {"title-1": "My harbour"}))
    lines = desk.page()
    assert "Another title: Theirs" in lines
    assert "Another title: My harbour" in lines


def test_where_approval_is_wanted_an_editor_cannot_go_on_by_themselves(
    client: TestClient, database: Database, desk: OnItsWay
) -> None:
    """No button and no way around it; an approver's press approves what they saw, and goes on with it."""
    desk.room.change(Cadence, wants_approval=True)
    desk.act("pause")
    desk.act("correct", **(_sheet(desk.page("/correct")) | {"title-2": "The right bridge"}))
    page = desk.page()
    assert page.count("It waits for approval") == 1
    assert "go-on-with" not in page
    with database.write() as session:
        boss = make_account(session, role=AccountRole.APPROVER)
        newest = sa.select(Revision.fingerprint).where(Revision.edition_id == desk.edition)
        fingerprint = session.scalars(newest.order_by(Revision.number.desc()).limit(1)).one()
    refused = desk.act("go-on-with", 409, fingerprint=fingerprint)
    assert "Only an approver or an admin" in refused
    assert desk.state() is S.PAUSED
    theirs = desk._replace(hands=signed_in(client, database, boss))
    shown = theirs.page()
    assert "Approve and go on: 3 people get version 2" in shown
    assert "another version meanwhile" in theirs.act("go-on-with", 409, fingerprint="0" * 64)
    theirs.act("go-on-with", fingerprint=_fingerprint(shown))
    assert desk.mails(DeliveryStatus.PENDING) == [(2, True)] * 3


def test_what_a_stop_took_the_approval_of_is_approved_before_it_goes_on(
    client: TestClient, database: Database, desk: OnItsWay
) -> None:
    """Nobody is shown a button that would be refused; whoever may approve is shown theirs."""
    desk.room.change(Cadence, wants_approval=True)
    with database.write() as session:
        boss = make_account(session, role=AccountRole.APPROVER)
        revision = session.scalars(sa.select(Revision)).one()
        revision.approved_at, revision.approved_by = None, ""
        approve(
            session, session.get_one(Edition, desk.edition), boss, revision.fingerprint, now=clock.utc_now()
        )
    desk.act("hold")
    page = desk.page()
    assert desk.state() is S.PAUSED
    assert "It waits for approval." in page
    assert "/resume" not in page
    assert "Correct and go on" in page
    theirs = desk._replace(hands=signed_in(client, database, boss))
    found = re.search(r'/approve".*?name="fingerprint" value="(\w+)"', theirs.page(), re.DOTALL)
    assert found is not None
    theirs.act("approve", fingerprint=found[1])
    desk.act("resume")
    assert desk.state() is S.SENDING


def test_who_failed_with_the_wrong_version_is_tried_with_the_right_one(desk: OnItsWay) -> None:
    """Nothing that was put right is sent to anybody any more as it was."""
    hand_over(desk.room.database, desk.edition, 1, status=DeliveryStatus.FAILED)
    desk.act("pause")
    desk.act("correct", **(_sheet(desk.page("/correct")) | {"title-2": "The right bridge"}))
    desk.act("go-on-with", fingerprint=_fingerprint(desk.page()))
    desk.act("retry")
    assert desk.mails(DeliveryStatus.PENDING) == [(2, True)] * 3
    assert desk.mails(DeliveryStatus.SENT) == [(1, False)] * 2


def test_a_version_without_any_story_is_not_made(desk: OnItsWay) -> None:
    """One may be taken out; not all of them."""
    desk.act("pause")
    sheet = _sheet(desk.page("/correct"))
    assert "No story would be left" in desk.act("correct", 422, **(sheet | {"out-1": "1", "out-2": "1"}))
    desk.act("correct", **(sheet | {"out-2": "1"}))
    assert "No longer in it: The wrong bridge" in desk.page()


def _finish(desk: OnItsWay, failed: dict[tuple[int, str, str], int]) -> None:
    """Everybody who waits is done with: some failed by these answers, the others have it."""
    with desk.room.database.write() as session:
        replies = {
            answer: Reply(fingerprint=f"{n:064}", code=answer[0], enhanced=answer[1], text=answer[2])
            for n, answer in enumerate(failed)
        }
        session.add_all(replies.values())
        session.flush()
        ids = {answer: row.id for answer, row in replies.items()}
    for answer, count in failed.items():
        hand_over(desk.room.database, desk.edition, count, status=DeliveryStatus.FAILED, reply_id=ids[answer])
    hand_over(desk.room.database, desk.edition, READERS)
    with desk.room.database.write() as session:
        session.execute(sa.update(Batch).values(closed_at=clock.utc_now()))
        session.execute(sa.update(Edition).where(Edition.id == desk.edition).values(state=S.SENT))


def test_those_who_failed_are_tried_once_more_by_what_the_answer_meant(desk: OnItsWay) -> None:
    """In words with counts; only the group that was pressed is pending again, and pressing twice is once."""
    _finish(desk, {(552, "5.2.2", "over quota"): 1, (550, "5.1.1", "no such user"): 1})
    assert f'hx-get="{desk.url}/detail"' in desk.page()
    page = desk.page("/detail")
    assert "2 mails failed" in page
    assert "The mailbox is full." in page
    assert "Try all 2 once more" in page
    desk.act("retry", answer="full")
    assert len(desk.mails(DeliveryStatus.PENDING)) == 1
    assert len(desk.mails(DeliveryStatus.FAILED)) == 1
    desk.act("retry", answer="full")
    assert len(desk.mails(DeliveryStatus.PENDING)) == 1
    assert "1 mail failed" in desk.page("/detail")  # what is remembered does not outlive a change
    desk.act("retry")
    assert len(desk.mails(DeliveryStatus.PENDING)) == 2
    desk.act("retry", 422, answer="something")


def test_a_page_is_put_right_and_back(desk: OnItsWay) -> None:
    """A note beside a story, a story off the page, each with who said it; both can be taken back."""
    _finish(desk, {})
    page = desk.page("/put-right")
    assert "5 people who get mail have it." in page
    desk.act("amend", story=2, act="note", note="It opens on Monday.")
    desk.act("amend", story=1, act="down")
    public = desk.hands.client.get(f"/e/{_public_id(desk)}").text
    assert "It opens on Monday." in public
    assert "The harbour" not in public
    page = desk.page("/put-right")
    assert "Ani" in page
    assert "off the page" in page
    numbers = re.findall(r'name="amendment" value="(\d+)"', page)
    for number in numbers:
        desk.act("amend/undo", amendment=number)
    assert len(numbers) == 2
    with desk.room.database.read() as session:
        assert session.get_one(Edition, desk.edition).web_html is None  # its version's own again
    assert "Say what was wrong" in desk.act("amend", 422, story=2, act="note", note="")


def test_a_correction_goes_to_those_who_have_the_story_and_can_be_looked_at_first(desk: OnItsWay) -> None:
    """Its number of people stands on the button; its page follows, and nothing has gone out by then."""
    _finish(desk, {(550, "5.1.1", "no such user"): 1})
    assert "Send a correction to 4 people" in desk.page("/put-right")
    kept = desk.act("correction", 422, story=2, note="", title="The right bridge", excerpt="")
    assert 'value="The right bridge"' in kept
    where = desk.act(
        "correction", story=2, note="It was another bridge.", title="The right bridge", excerpt=""
    )
    made = int(where.rpartition("/")[2])
    with desk.room.database.read() as session:
        correction = session.get_one(Edition, made)
        assert (correction.corrects_id, correction.corrects_position) == (desk.edition, 1)
        assert correction.state is S.UPCOMING
        assert correction.send_at > clock.utc_now()
    answer = desk.hands.get(where)
    assert "goes to the 4 people who have the story" in answer.text
    assert "The right bridge" in answer.text


def test_a_correction_whose_button_is_pressed_twice_is_sent_once(desk: OnItsWay) -> None:
    """The second press leads to the first one's; other words are another correction."""
    _finish(desk, {})
    said = {"story": 2, "note": "It was another bridge.", "title": "The right bridge", "when": "now"}
    first = desk.act("correction", **said)
    assert desk.act("correction", **said) == first
    assert "it is not sent twice" in desk.hands.get(first).text
    assert desk.act("correction", **said | {"note": "It was the third bridge."}) != first
    with desk.room.database.read() as session:
        made = sa.select(sa.func.count()).where(Edition.corrects_id == desk.edition)
        assert session.scalar(made) == 2


def test_what_may_have_arrived_is_told_with_its_evidence_and_settled(
    client: TestClient, database: Database, desk: OnItsWay
) -> None:
    """By cause and one by one; an editor sees no address, an admin does; each button does what it says."""
    people = _in_doubt(desk, 3)
    page = desk.page()
    assert "3 mails may have arrived" in page
    page = desk.page("/doubts")
    assert "The connection ended before the answer came." in page
    assert page.count("<li class=") >= 3
    assert "Message-ID" in page
    assert "nothing more is sent after 24 hours" in page
    with database.write() as session:
        boss = make_account(session, role=AccountRole.ADMIN)
        address = session.get_one(Subscriber, people[0]).address
    assert address is not None
    assert address not in page
    assert f"#{people[0]} @" in page
    theirs = desk._replace(hands=signed_in(client, database, boss))
    assert address in theirs.page("/doubts")
    desk.act("doubts", **{"person": people[0], "as": "arrived"})
    assert len(desk.mails(DeliveryStatus.SENT)) == 3
    desk.act("doubts", 409, **{"person": people[0], "as": "again"})
    desk.act("doubts", **{"cause": "connection_ended", "as": "again"})
    assert len(desk.mails(DeliveryStatus.UNCERTAIN)) == 0
    assert len(desk.mails(DeliveryStatus.PENDING)) == 2
    assert "Of every mail it is known" in desk.page("/doubts")


def test_nobody_is_sent_it_a_third_time(desk: OnItsWay) -> None:
    """Whoever may have got both mails is counted apart: they can only be said to have got it."""
    _in_doubt(desk, 3)
    desk.act("doubts", **{"cause": "connection_ended", "as": "again"})
    again = _in_doubt(desk, 3)
    assert 'id="again-' not in desk.page("/doubts")
    desk.act("doubts", **{"cause": "connection_ended", "as": "again"})
    assert len(desk.mails(DeliveryStatus.UNCERTAIN)) == 3
    desk.act("doubts", 409, **{"person": again[0], "as": "again"})
    desk.act("doubts", **{"cause": "connection_ended", "as": "arrived"})
    assert len(desk.mails(DeliveryStatus.SENT)) == 5


def test_the_list_of_who_got_it_is_for_admins_and_comes_by_key(
    client: TestClient, database: Database, desk: OnItsWay
) -> None:
    """Every person once, whatever the page's length; by state; an editor is refused."""
    desk.page("/people", 403)
    with database.write() as session:
        boss = make_account(session, role=AccountRole.ADMIN)
        everybody = list(session.scalars(sa.select(Subscriber.id).order_by(Subscriber.id)))
    with database.read() as session:
        seen: list[int] = []
        while some := recipients(session, desk.edition, after=seen[-1] if seen else 0, limit=2):
            seen += [one.subscriber_id for one in some]
    assert seen == everybody
    theirs = desk._replace(hands=signed_in(client, database, boss))
    assert theirs.page("/people").count('<a href="/desk/subscribers/') == READERS
    assert theirs.page("/people?status=sent").count('<a href="/desk/subscribers/') == 2
    assert theirs.page(f"/people?after={everybody[1]}").count('<a href="/desk/subscribers/') == READERS - 2


def _in_doubt(desk: OnItsWay, count: int) -> list[int]:
    """Of so many who wait the answer is never heard; who they are."""
    now = clock.utc_now()
    people = hand_over(desk.room.database, desk.edition, count, status=DeliveryStatus.UNCERTAIN)
    with desk.room.database.write() as session:
        rows = session.scalars(sa.select(Delivery).where(Delivery.subscriber_id.in_(people))).all()
        doubts = [
            Doubt(
                subscriber_id=row.subscriber_id,
                attempt=row.attempt,
                since=now,
                cause=UncertainCause.CONNECTION_ENDED,
            )
            for row in rows
        ]
        note(session, desk.edition, doubts)
    return people


def _public_id(desk: OnItsWay) -> str:
    with desk.room.database.read() as session:
        return session.get_one(Edition, desk.edition).public_id
