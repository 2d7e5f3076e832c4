"""Settings at the desk: paces, alerts, links, words, what is kept, and the page that leads to them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock, i18n
from digest.config import Settings
from digest.db import Database
from digest.lists.retention import last_run
from digest.models import (
    Account,
    AlertReceiver,
    AuditEntry,
    CoolDown,
    Digest,
    LinkForm,
    Notice,
    RampUp,
    Security,
    Subscription,
    SubscriptionStatus,
    TokenBucket,
)
from digest.pacing.transports import add_transport
from tests.factories import make_account, make_digest, make_list, make_subscription
from tests.factories.moments import NOW
from tests.integration.web.desk.hands import Hands, signed_in
from tests.integration.web.desk.test_home import statements

PAGES = ("", "/paces", "/languages", "/languages/hy", "/alerts", "/links", "/retention")


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


def add_service(database: Database, name: str, **values: object) -> int:
    with database.write() as session:
        row = add_transport(session, name=name, host="127.0.0.1", security=Security.NONE, now=NOW)
        row.accepted_at = NOW
        for column, value in values.items():
            setattr(row, column, value)
        session.flush()
        return row.id


def actions(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_pace_is_told_by_what_it_means_for_the_largest_list(hands: Hands, database: Database) -> None:
    """So many mails take so long; a limit that cannot be is said, and nothing is changed by it."""
    number = add_service(database, "relay", per_second=0.05)
    assert "10,000 mails take about 2 days" in hands.get("/desk/settings/paces").text
    with database.write() as session:
        digest = make_digest(session)
        small, large = make_list(session, digest, title="Small"), make_list(session, digest, title="Large")
        for place in (small, *[large] * 4):
            make_subscription(session, place, status=SubscriptionStatus.ACTIVE)
        make_subscription(session, small, status=SubscriptionStatus.PENDING)
        session.add(
            CoolDown(
                transport_id=number,
                domain="mail.test",
                until=clock.utc_now() + dt.timedelta(minutes=9),
                changed_at=NOW,
            )
        )
    page = hands.get("/desk/settings/paces").text
    assert "The largest list is Large: 4 people get mail by it." in page
    assert "4 mails take about 1 minute." in page
    assert "mail.test" in page
    path = f"/desk/mail-services/{number}/pace"
    refused = hands.post(path, {"per_second": "20000", "connections": "8"})
    assert refused.status_code == 422
    assert 'value="20000"' in refused.text
    hands.post(path, {"per_second": "", "per_hour": "3", "connections": "2"})
    assert "4 mails take about 60 minutes." in hands.get("/desk/settings/paces").text
    assert "At most 3 an hour." in hands.get("/desk/settings").text
    assert actions(database) == ["transport.set"]


def test_a_new_sender_grows_day_by_day_until_it_is_let_go(hands: Hands, database: Database) -> None:
    """The days to come with their numbers; the rest by another service, which is not ramped up itself."""
    first, second = add_service(database, "first"), add_service(database, "second", rank=1)
    path = f"/desk/mail-services/{first}/growth"
    hands.post(path, {"first_day": "500", "growth": "50", "order": "joined", "rest": str(second)})
    page = hands.get("/desk/settings/paces").text
    assert "500 people" in page
    assert "750 people" in page
    same = {"first_day": "5", "growth": "5", "rest": str(first)}
    refused = hands.post(f"/desk/mail-services/{second}/growth", same)
    assert (refused.status_code, "is ramped up itself" in refused.text) == (422, True)
    hands.post(path, {"stop": "1"})
    with database.read() as session:
        assert session.scalars(sa.select(RampUp)).all() == []
    assert actions(database) == ["transport.ramp-up", "transport.ramp-up"]


def test_people_are_told_of_alerts_and_a_test_reaches_them_alone(
    hands: Hands, database: Database, nare: Account
) -> None:
    """Added, tested, taken off; whose account is closed can not be added, and gets no test."""
    with database.write() as session:
        digest = make_digest(session, title="The Courier")
        aram = make_account(session, "aram@courier.example", name="Aram")
        gone = make_account(session, "gone@courier.example", name="Gone", disabled_at=NOW)
        session.add(AlertReceiver(digest_id=digest.id, account_id=gone.id))
    assert "Nobody is told." in hands.get("/desk/settings/alerts").text
    assert "Of 1 digest nobody is told." in hands.get("/desk/settings").text
    who = {"digest": str(digest.id), "account": str(aram.id)}
    for _ in range(2):
        answer = hands.post("/desk/settings/alerts/add", who)
    assert "Aram is told of the alerts of The Courier." in hands.get(answer.headers["location"]).text
    assert "Somebody is told of each digest." in hands.get("/desk/settings").text
    assert hands.post("/desk/settings/alerts/add", {**who, "account": str(gone.id)}).status_code == 404
    assert hands.post("/desk/settings/alerts/add", {**who, "digest": "4711"}).status_code == 404
    hands.post("/desk/settings/alerts/test", {"digest": str(digest.id)})
    with database.read() as session:
        notices = list(session.scalars(sa.select(Notice)))
    assert [(each.kind, each.address) for each in notices] == [("alert", "aram@courier.example")]
    assert b"nothing is wrong" in notices[0].message
    hands.post("/desk/settings/alerts/remove", who)
    answer = hands.post("/desk/settings/alerts/test", {"digest": str(digest.id)})
    assert "Nobody is told, so nothing was sent." in hands.get(answer.headers["location"]).text
    assert actions(database) == ["digest.alerts_add", "digest.alerts_test", "digest.alerts_remove"]


def test_links_are_counted_or_straight_by_digest(hands: Hands, database: Database) -> None:
    """Each digest goes its own way; what counts nowhere else is said beside an address of this machine."""
    with database.write() as session:
        one, other = make_digest(session, title="One"), make_digest(session, title="Other")
    page = hands.get("/desk/settings/links").text
    assert "With counted links it is led elsewhere in every mail." in page
    assert "which only this machine reaches" in page
    for links in ("counted", "counted"):
        hands.post("/desk/settings/links", {"digest": str(one.id), "links": links})
    with database.read() as session:
        found = {each.id: each.links for each in session.scalars(sa.select(Digest))}
    assert found == {one.id: LinkForm.COUNTED, other.id: LinkForm.DIRECT}
    assert "1 digest counts." in hands.get("/desk/settings").text
    hands.post("/desk/settings/links", {"digest": str(one.id), "links": "direct"})
    assert "All lead straight to the story." in hands.get("/desk/settings").text
    assert hands.post("/desk/settings/links", {"digest": "4711"}).status_code == 404
    assert actions(database) == ["digest.set", "digest.set"]


def test_what_is_past_its_time_is_told_and_deleted_when_asked(
    hands: Hands, database: Database, settings: Settings
) -> None:
    """The number of the page is the number that goes."""
    assert "It has not run yet." in hands.get("/desk/settings/retention").text
    with database.write() as session:
        for number in range(3):
            session.add(TokenBucket(key=f"{number}", tokens=1.0, filled_at=NOW - dt.timedelta(days=400)))
    page = hands.get("/desk/settings/retention").text
    assert "3 rows are past their time and will be deleted." in page
    assert f"{settings.keep_deliveries_days} days; then only the totals" in page
    answer = hands.post("/desk/settings/retention/run")
    page = hands.get(answer.headers["location"]).text
    assert "3 rows were deleted." in page
    assert "Nothing is past its time now." in page
    assert "3 rows deleted" in page
    assert "Last cleaned up:" in hands.get("/desk/settings").text


def test_days_are_those_of_whoever_looks(hands: Hands, database: Database, nare: Account) -> None:
    """On the other side of the world it is another day: one of these two is never that of UTC."""
    hands.post("/desk/settings/retention/run")
    with database.read() as session:
        last = last_run(session)
    assert last is not None
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        with database.write() as session:
            session.get_one(Account, nare.id).zone = zone
        page = hands.get("/desk/settings").text
        day = last.at.astimezone(ZoneInfo(zone)).date()
        assert f"Last cleaned up: {i18n.translator('en').day(day)}." in page


def test_the_words_in_force_are_ours_until_a_newsroom_has_its_own(
    hands: Hands, database: Database, tmp_path: Path
) -> None:
    """Found by search and by page, taken as a file; a file that is wrong is told, and breaks no page."""
    with database.write() as session:
        make_digest(session, title="Ours", language="hy")
        make_digest(session, title="Lingua", language="la")
    page = hands.get("/desk/settings/languages").text
    assert "Ours" in page
    assert "“la”, which we do not speak" in page
    path = "/desk/settings/languages/en"
    first = hands.get(path).text
    assert 'rel="next"' in first
    after = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert hands.get(after).text != first
    assert "No message has that in it" in hands.get(f"{path}?q=zebra").text
    file = hands.get(f"{path}/file")
    assert file.headers["content-disposition"] == 'attachment; filename="en.po"'
    assert 'msgid "Unsubscribe"\nmsgstr ""' in file.text
    assert hands.get("/desk/settings/languages/la").status_code == 404
    assert hands.get("/desk/settings/languages/la/file").status_code == 404
    folder = tmp_path / "words"
    folder.mkdir()
    own = folder / "en.po"
    try:
        i18n.use_words(tmp_path)
        own.write_text('msgid "Unsubscribe"\nmsgstr "Stop these mails"\n')
        mine = hands.get(f"{path}?own=1").text
        assert "Stop these mails" in mine
        assert "1 of them is yours" in mine
        own.write_text('msgid "Confirm: %(title)s"\nmsgid "x\n')
        assert "not a .po file" in hands.get("/desk/settings/languages").text
        assert "not a .po file" in hands.get(path).text
    finally:
        i18n.use_words(None)


def test_the_pages_take_as_many_statements_for_any_number(hands: Hands, database: Database) -> None:
    """One digest with one service and list, or five."""

    def asked() -> list[int]:
        counts = []
        for page in PAGES:
            with statements(database) as seen:
                assert hands.get(f"/desk/settings{page}").status_code == 200
            counts.append(len(seen))
        return counts

    def add(number: int) -> None:
        add_service(database, f"service{number}", rank=number)
        with database.write() as session:
            digest = make_digest(session)
            make_subscription(session, make_list(session, digest))
            session.add(AlertReceiver(digest_id=digest.id, account_id=make_account(session).id))

    add(0)
    few = asked()
    for number in range(1, 5):
        add(number)
    assert asked() == few
    assert max(few) < 24
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Subscription)) == 5
