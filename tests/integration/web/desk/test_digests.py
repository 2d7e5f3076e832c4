"""The digests of the desk: looked over, paused, changed, duplicated, and made by the assistant."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx2
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock
from digest.accounts.me import me_of
from digest.config import Settings
from digest.db import Database
from digest.editions.calendar import CalendarSlot, SlotKind, slots_between
from digest.editions.overview import coming_dates
from digest.editions.schedule import day_of
from digest.editions.slots import add_edition
from digest.editions.timetables import next_slots
from digest.i18n import translator
from digest.models import (
    Account,
    AccountDigest,
    AccountRole,
    AuditEntry,
    Cadence,
    CadenceDate,
    DateKind,
    Digest,
    DigestSource,
    EditionKind,
    EditionState,
    MailingList,
    Reason,
)
from digest.web.desk import cookies
from digest.web.desk.stands import told_reason
from tests.factories import make_account, make_cadence, make_digest
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.web.desk.hands import HERE, Hands, signed_in
from tests.integration.web.rows import make_edition
from tests.servers.news_site import NewsSite, Page
from tests.servers.wordpress_pages import HTML, feed_of
from tests.servers.wordpress_pages import page as page_of

RHYTHM = {
    "every": "days",
    "weekday": ["monday", "thursday"],
    "times": "6:30, 18:00",
    "zone": "Asia/Yerevan",
    "lead": "15",
    "grace": "60",
    "hold": "30",
    "missed": "merge",
    "hold_outcome": "send",
}


@pytest.fixture
def news_site() -> Iterator[NewsSite]:
    with NewsSite() as running:
        yield running


@pytest.fixture
def settings(settings: Settings, news_site: NewsSite) -> Settings:
    """The installation may fetch from the site of the test."""
    return settings.model_copy(update={"private_hosts": (news_site.host,)})


@pytest.fixture
def room(database: Database) -> Newsroom:
    return make_newsroom(database)


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


def cadence_of(database: Database, cadence_id: int) -> Cadence:
    with database.read() as session:
        return session.get_one(Cadence, cadence_id)


def test_a_digest_shows_what_comes_and_what_has_come_of_it(hands: Hands, room: Newsroom) -> None:
    """Ten dates; every past edition once, with its reason, by pages; the statements do not grow with them."""
    room.change(Cadence, is_running=True)
    with room.database.write() as session:
        cadence = session.get_one(Cadence, room.cadence_id)
        for days in range(1, 46):
            edition = make_edition(session, cadence, EditionState.SKIPPED, age=dt.timedelta(days=days))
            edition.reason = Reason.NOTHING_NEW
    page = hands.get(f"/desk/digests/{room.digest_id}").text
    assert page.count('class="dates-day"') == 10
    assert "nothing new since the last edition" in page
    seen: list[str] = []
    url = f"/desk/digests/{room.digest_id}"
    while url:
        part = hands.get(url, hx_request="true").text
        seen += [piece.partition('"')[0] for piece in part.split("/desk/editions/")[1:]]
        after = part.partition(' rel="next"')[0].rpartition('href="')[2].rstrip('"')
        url = after if 'rel="next"' in part else ""
    assert len(seen) == len(set(seen)) == 45


def test_the_next_dates_are_those_of_the_calendar(hands: Hands, room: Newsroom) -> None:
    """Extra editions are among them; dates that were taken out, or whose edition will not go out, are not."""
    room.change(Cadence, is_running=True)
    now = clock.utc_now()
    today = now.replace(hour=3, minute=0, second=0, microsecond=0)  # at seven in Yerevan
    days = [today + dt.timedelta(days=number) for number in range(2, 8)]
    with room.database.write() as session:
        cadence = session.get_one(Cadence, room.cadence_id)
        out = day_of(days[3], cadence.zone).isoformat()
        session.add(
            CadenceDate(
                cadence_id=cadence.id, kind=DateKind.SKIP, local=out, note="", made_by="cli:nare", made_at=now
            )
        )
        cadence.slots_after = days[0] - dt.timedelta(hours=1)
        for moment, kind, state in (
            (days[0], EditionKind.SCHEDULED, EditionState.UPCOMING),
            (days[1], EditionKind.SCHEDULED, EditionState.SKIPPED),
            (days[1] + dt.timedelta(hours=5), EditionKind.EXTRA, EditionState.UPCOMING),
        ):
            add_edition(session, cadence, kind=kind, due_at=moment, now=now, state=state)
    with room.database.read() as session:
        cadence = session.get_one(Cadence, room.cadence_id)
        shown = [one.slot.slot for one in coming_dates(session, [cadence], count=5, now=now)]
        calendar = slots_between(
            session, me_of(session.get_one(Account, 1)), now, days[-1] + dt.timedelta(hours=1), now=now
        )
    assert days[1] not in shown
    assert days[3] not in shown
    assert shown == [days[0], days[1] + dt.timedelta(hours=5), days[2], days[4], days[5]]
    assert shown == [slot.at for slot in calendar.slots if _will_come(slot)]


def _will_come(slot: CalendarSlot) -> bool:
    return slot.kind is not SlotKind.SKIPPED and slot.state is not EditionState.SKIPPED


def test_the_past_is_told_by_what_became_of_it(hands: Hands, room: Newsroom) -> None:
    """Sent, merged, missed, held and stopped ones, each once and with its reason; or one kind alone."""
    ends = (
        (EditionState.SENT, None),
        (EditionState.SKIPPED, Reason.MERGED),
        (EditionState.SKIPPED, Reason.MISSED),
        (EditionState.HELD, Reason.BLOCKED),
        (EditionState.CANCELLED, Reason.BY_PERSON),
    )
    with room.database.write() as session:
        cadence = session.get_one(Cadence, room.cadence_id)
        ids = []
        for days, (state, reason) in enumerate(ends, start=1):
            edition = make_edition(session, cadence, state, age=dt.timedelta(days=days))
            edition.reason = reason
            ids.append(edition.id)
    url = f"/desk/digests/{room.digest_id}"

    def listed(which: str) -> list[int]:
        part = hands.get(f"{url}?which={which}", hx_request="true").text
        return [int(found) for found in re.findall(r'<td><a href="/desk/editions/(\d+)"', part)]

    whole = hands.get(url).text
    for state, reason in ends[1:]:
        assert reason is not None
        assert html.escape(told_reason(state, reason, translator("en"))) in whole
    assert listed("") == ids
    assert listed("skipped") == ids[1:3]
    assert listed("waiting") == [ids[3]]
    assert listed("sent") == [ids[0]]


def test_an_editor_sees_their_own_digests_alone(client: TestClient, database: Database) -> None:
    """In the list as on the pages, and of a source only their own digests."""
    with database.write() as session:
        mine, other = make_digest(session, title="The Courier"), make_digest(session, title="The Herald")
        for digest in (mine, other):
            make_cadence(session, digest)
        editor = make_account(session, role=AccountRole.EDITOR, password_hash="x")
        session.add(AccountDigest(account_id=editor.id, digest_id=mine.id))
    text = signed_in(client, database, editor).get("/desk/digests").text
    assert "The Courier" in text
    assert "The Herald" not in text


def test_a_rhythm_is_paused_and_started_again(hands: Hands, room: Newsroom) -> None:
    """Paused, no date comes; started, the dates are there again."""
    room.change(Cadence, is_running=True)
    url, home = f"/desk/cadences/{room.cadence_id}", f"/desk/digests/{room.digest_id}"
    assert hands.post(f"{url}/pause").headers["location"] == home
    assert "No edition comes" in hands.get(home).text
    hands.post(f"{url}/start")
    assert "No edition comes" not in hands.get(home).text
    assert cadence_of(room.database, room.cadence_id).is_running


def _with_rhythms(room: Newsroom, **running: bool) -> dict[str, int]:
    """Further rhythms of the room's digest, by name; its first one runs."""
    room.change(Cadence, is_running=True)
    with room.database.write() as session:
        digest = session.get_one(Digest, room.digest_id)
        made = [
            make_cadence(session, digest, name=name, is_running=is_running)
            for name, is_running in running.items()
        ]
        return {one.name: one.id for one in made}


def _running(room: Newsroom) -> dict[int, bool]:
    with room.database.read() as session:
        return {one.id: one.is_running for one in session.scalars(sa.select(Cadence))}


def _acts(room: Newsroom) -> list[tuple[str, object]]:
    """What the trail has of the digest as a whole, with what was noted."""
    with room.database.read() as session:
        rows = session.scalars(sa.select(AuditEntry).where(AuditEntry.action.like("digest.%")))
        return [(row.action, row.details.get("rhythms")) for row in rows]


def test_a_whole_digest_is_paused_and_goes_on(hands: Hands, room: Newsroom) -> None:
    """All that runs stands still by one press and goes on by another; what was paused before stays so."""
    ids = _with_rhythms(room, weekly=True, yearly=False)
    home = f"/desk/digests/{room.digest_id}"
    extra = room.edition(hours=0.5)  # comes whatever becomes of the rhythms
    page = hands.get(home).text
    assert f'<span class="dates-day"><a href="/desk/editions/{extra}">' in page
    asked = page[page.index('id="pause-digest"') :].partition("</dialog>")[0]
    assert "2 rhythms stand still: " in asked
    told = re.search(r"The next edition would come on (.+?); it does not", asked)
    assert told is not None
    with room.database.read() as session:
        cadences = [one for one in session.scalars(sa.select(Cadence)) if one.is_running]
        first = min(next_slots(session, one, count=1, now=clock.utc_now())[0] for one in cadences)
    assert translator("en").clock(first, "Asia/Yerevan") in told[1]
    assert "1 rhythm is paused already, and stays so when the others go on." in asked
    assert hands.post(f"{home}/pause").headers["location"] == home
    assert not any(_running(room).values())
    page = hands.get(home).text
    assert page.count('class="dates-day"') == 1  # the extra one
    assert "2 rhythms wait: " in page
    assert "If it goes on, the next edition comes on " in page
    assert 'id="pause-digest"' not in page
    hands.post(f"{home}/go-on")
    assert _running(room) == {room.cadence_id: True, ids["weekly"]: True, ids["yearly"]: False}
    assert "2 rhythms wait: " not in hands.get(home).text
    assert [act for act, _ in _acts(room)] == ["digest.pause", "digest.go_on"]
    assert {len(names) for _, names in _acts(room)} == {2}  # type: ignore[arg-type]


def test_a_digest_that_is_paused_twice_goes_on_whole(hands: Hands, room: Newsroom) -> None:
    """Pressed twice it says so; a rhythm that was started meanwhile and paused with all again is not lost."""
    ids = _with_rhythms(room, weekly=True)
    home = f"/desk/digests/{room.digest_id}"
    hands.post(f"{home}/pause")
    again = hands.post(f"{home}/pause")
    assert again.status_code == 409
    assert "No rhythm of this digest runs now." in again.text
    hands.post(f"/desk/cadences/{ids['weekly']}/start")
    assert "1 rhythm waits: " in hands.get(home).text
    hands.post(f"{home}/pause")
    hands.post(f"{home}/go-on")
    assert all(_running(room).values())
    late = hands.post(f"{home}/go-on")
    assert late.status_code == 409
    assert "No rhythm waits since this digest was paused." in late.text


def test_a_day_is_left_out_and_taken_back(hands: Hands, room: Newsroom) -> None:
    """It is among the days that differ until it is taken back; what is no day is refused with a sentence."""
    url, home = f"/desk/cadences/{room.cadence_id}/dates", f"/desk/digests/{room.digest_id}"
    day = (clock.utc_now() + dt.timedelta(days=3)).date().isoformat()
    hands.post(url, {"kind": "skip", "date": day, "note": "A holiday"})
    assert "A holiday" in hands.get(home).text
    hands.post(f"{url}/forget", {"local": day})
    assert "A holiday" not in hands.get(home).text
    assert hands.post(url, {"kind": "skip", "date": "tomorrow"}).status_code == 422


def test_a_rhythm_is_changed_by_days_and_times(hands: Hands, room: Newsroom) -> None:
    """The form shows again what was chosen; what is no time is told beside what was typed."""
    url = f"/desk/cadences/{room.cadence_id}"
    assert hands.post(url, RHYTHM).status_code == 303
    found = cadence_of(room.database, room.cadence_id)
    assert found.cron == "0 18 * * 1,4\n30 6 * * 1,4"
    assert (found.lead_seconds, found.missed, found.hold_outcome) == (900, "merge", "send")
    form = hands.get(url).text
    assert 'value="06:30, 18:00"' in form
    assert 'value="thursday" checked' in form
    answer = hands.post(url, RHYTHM | {"times": "half past six"})
    assert answer.status_code == 422
    assert "half past six" in answer.text


def test_settings_are_kept_or_told_what_is_wrong(hands: Hands, room: Newsroom) -> None:
    """What cannot be is told, with all that was typed; nothing of it is kept then."""
    url = f"/desk/digests/{room.digest_id}/settings"
    fields = {
        "title": "The Morning Courier",
        "language": "hy",
        "sender_name": "The Courier",
        "sender_address": "news@courier.example",
        "postal_address": "1 Mill Lane\nSpringdale",
        "featured_by": "category",
        "featured_value": "Commentary",
        "recent_most": "9",
        "recent_least": "2",
        "recent_days": "3",
        "links": "direct",
        "source": str(room.source_id),
    }
    assert hands.get(url).status_code == 200
    wrong = hands.post(url, fields | {"recent_least": "12"})
    assert wrong.status_code == 422
    assert "The Morning Courier" in wrong.text
    assert hands.post(url, fields).status_code == 303
    with room.database.read() as session:
        found = session.get_one(Digest, room.digest_id)
    assert (found.title, found.language, found.recent_most) == ("The Morning Courier", "hy", 9)
    assert found.postal_address == "1 Mill Lane, Springdale"
    hands.post(url, fields | {"source": ""})
    with room.database.read() as session:
        assert session.scalars(sa.select(DigestSource.source_id)).all() == []


def test_a_copy_has_all_settings_and_sends_nothing(hands: Hands, room: Newsroom) -> None:
    """Sources and rhythms are there, and stand still; a name that is taken is refused."""
    room.change(Digest, sign_off="Until tomorrow.", recent_most=7)
    url = f"/desk/digests/{room.digest_id}/duplicate"
    home = hands.post(url, {"name": "evening", "title": "Evening Courier"}).headers["location"]
    with room.database.read() as session:
        made = session.get_one(Digest, int(home.rpartition("/")[2]))
        cadences = session.scalars(sa.select(Cadence).where(Cadence.digest_id == made.id)).all()
        sources = session.scalars(
            sa.select(DigestSource.source_id).where(DigestSource.digest_id == made.id)
        ).all()
    assert (made.name, made.title, made.sign_off, made.recent_most) == (
        "evening",
        "Evening Courier",
        "Until tomorrow.",
        7,
    )
    assert [each.is_running for each in cadences] == [False]
    assert sources == [room.source_id]
    assert hands.post(url, {"name": "evening", "title": "Again"}).status_code == 422


def test_the_assistant_makes_a_digest_with_a_first_edition(
    client: TestClient, database: Database, nare: Account, news_site: NewsSite
) -> None:
    """From the site's address to an edition with its stories; what cannot be is told, and nothing is made."""
    link = '<link rel="alternate" type="application/rss+xml" href="/feed/">'
    news_site.put("/", Page(page_of(link), content_type=HTML))
    news_site.put("/feed/", Page(feed_of(news_site, "The bridge opens", "Choir seeks tenors")))
    hands = signed_in(client, database, nare)
    assert hands.post("/desk/digests/new/site", {"address": news_site.url("/nothing")}).status_code == 422
    page = hands.post("/desk/digests/new/site", {"address": news_site.url()})
    assert page.status_code == 200
    assert 'value="category:News"' in page.text
    found = re.search(r'name="offer" value="([^"]+)"', page.text)
    assert found is not None
    offer = html.unescape(found[1])
    fields = RHYTHM | {
        "offer": offer,
        "option": "0",
        "featured": "category:News",
        "days": "1",
        "title": "The Courier",
        "name": "courier",
        "language": "en",
        "layout": "briefing",
        "accent": "#1f4a73",
        "sender_address": "news@courier.example",
        "weekly": "1",
        "list": "1",
    }
    assert (
        hands.post("/desk/digests/new", fields | {"offer": offer.replace("feed", "food")}).status_code == 422
    )
    assert hands.post("/desk/digests/new", fields | {"sender_address": "nobody"}).status_code == 422
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Digest)) == 0
    answer = hands.post("/desk/digests/new", fields)
    assert answer.headers["location"].startswith("/desk/editions/"), answer.text
    edition = hands.get(answer.headers["location"]).text
    board = edition.partition("Not in it")[0]
    assert "The bridge opens" in board
    assert "Choir seeks tenors" in board
    with database.read() as session:
        assert session.scalars(sa.select(Cadence.name).order_by(Cadence.id)).all() == ["weekdays", "weekly"]
        assert session.scalars(sa.select(MailingList.name)).all() == ["courier"]


def test_a_look_is_tried_on_and_kept(hands: Hands, room: Newsroom) -> None:
    """The coming edition shows it before it is kept; colours in which nothing could be read are refused."""
    room.publish("The harbour", categories=["Commentary"], body_html="<p>A long day.</p>")
    room.edition()
    url = f"/desk/digests/{room.digest_id}/look"
    fields = {"layout": "paper", "accent": "#1f4a73", "font": "modern", "motto": "Each day anew"}
    tried = hands.get(f"{url}/preview?{urlencode(fields)}").text
    assert "Each day anew" in tried
    assert "#1f4a73" in tried
    assert "Each day anew" not in hands.get(f"{url}/preview").text
    assert send_look(hands, url, fields | {"accent": "#fefefe"}).status_code == 422
    assert send_look(hands, url, fields).status_code == 303
    assert "Each day anew" in hands.get(f"{url}/preview").text
    assert send_look(hands, url, fields | {"motto": ""}).status_code == 303
    assert "Each day anew" not in hands.get(f"{url}/preview").text


def send_look(hands: Hands, url: str, fields: dict[str, str]) -> httpx2.Response:
    """As a browser sends a form with a file: here, with none chosen."""
    given = {"form_token": cookies.form_token(hands.token), **fields}
    headers = {**HERE, "cookie": f"desk={hands.token}"}
    files = {"logo": ("", b"", "application/octet-stream")}
    return hands.client.post(url, data=given, files=files, headers=headers)
