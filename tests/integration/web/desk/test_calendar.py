"""The calendar: slots of all digests, days that are skipped, moments besides."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock
from digest.db import Database
from digest.editions.schedule import day_of, next_slot
from digest.editions.slots import make_next_editions
from digest.models import AccountRole, CadenceDate, Edition, EditionState
from tests.factories import make_account, make_cadence, make_digest
from tests.integration.web.desk.hands import Hands, signed_in

ZONE = "Asia/Yerevan"
DAY = dt.timedelta(days=1)


class Planning(NamedTuple):
    """Somebody at the calendar of a daily rhythm whose next edition is prepared."""

    hands: Hands
    database: Database
    cadence: int
    first: dt.date  # the day of the edition that is prepared

    def calendar(self, day: dt.date, *, view: str = "week") -> str:
        answer = self.hands.get(f"/desk/calendar?view={view}&day={day.isoformat()}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, act: str, status: int = 303, **fields: str) -> str:
        answer = self.hands.post(f"/desk/cadences/{self.cadence}/dates/{act}", fields)
        assert answer.status_code == status, answer.text
        return answer.text

    def prepared(self) -> dt.date:
        """The day of the edition that waits."""
        with self.database.read() as session:
            upcoming = sa.select(Edition.due_at).where(Edition.state == EditionState.UPCOMING)
            return day_of(session.scalars(upcoming).one(), ZONE)


@pytest.fixture
def desk(client: TestClient, database: Database) -> Planning:
    now = clock.utc_now()
    with database.write() as session:
        cadence = make_cadence(session, make_digest(session, title="The Courier"), slots_after=now)
        make_next_editions(session, now=now)
        me = make_account(session, role=AccountRole.ADMIN, zone=ZONE)
        first = day_of(next_slot(cadence.cron, ZONE, after=now), ZONE)
    return Planning(signed_in(client, database, me), database, cadence.id, first)


def cell(page: str, day: dt.date) -> str:
    """What stands in the square of a day."""
    start = page.index(f'<time datetime="{day.isoformat()}">')
    return page[start : page.index("</td>", start)]


def test_a_month_shows_editions_and_what_the_schedule_brings(desk: Planning) -> None:
    """The prepared edition leads to its page; later days have their slot in the person's zone."""
    page = desk.calendar(desk.first)
    assert "/desk/editions/" in cell(page, desk.first)
    assert "coming" in cell(page, desk.first)
    later = desk.first + 40 * DAY
    found = cell(desk.calendar(later, view="month"), later)
    assert "7:00 am" in found
    assert f"/dates?day={later.isoformat()}" in found
    assert "7:00" not in cell(desk.calendar(desk.first - 20 * DAY), desk.first - 20 * DAY)


def test_a_date_is_skipped_and_taken_back(desk: Planning) -> None:
    """First what it means; then the prepared edition moves, and comes back with the date."""
    page = desk.hands.get(f"/desk/cadences/{desk.cadence}/dates?day={desk.first}").text
    assert "1 edition does not come out: 7:00 am." in page
    assert "The edition in preparation" in page
    desk.post("skip", day=desk.first.isoformat(), note="A holiday")
    assert desk.prepared() == desk.first + DAY
    page = desk.calendar(desk.first)
    assert "this date is skipped" in cell(page, desk.first)
    assert "Nothing comes out on" in page
    assert "A holiday" in desk.hands.get(f"/desk/cadences/{desk.cadence}/dates").text
    desk.post("back", local=desk.first.isoformat())
    assert desk.prepared() == desk.first
    assert "this date is skipped" not in desk.calendar(desk.first)


def test_a_date_besides_is_added_and_taken_back(desk: Planning) -> None:
    """At its time on the clock of the rhythm; it is told apart from those of the schedule."""
    later = desk.first + 10 * DAY
    desk.post("extra", day=later.isoformat(), time="18:30", note="")
    found = cell(desk.calendar(later), later)
    assert "6:30 pm" in found
    assert "extra" in found
    assert f'value="{later} 18:30"' in found
    desk.post("back", local=f"{later} 18:30")
    assert "6:30 pm" not in cell(desk.calendar(later), later)


@pytest.mark.parametrize("day", ["2020-01-01", "no day", "9999-12-31", ""])
def test_what_is_no_day_to_come_is_refused(desk: Planning, day: str) -> None:
    """With the form again and the reason; nothing is written."""
    assert "invalid-feedback" in desk.post("skip", 422, day=day)
    assert "invalid-feedback" in desk.post("extra", 422, day=day, time="12:00")
    assert desk.hands.get(f"/desk/calendar?day={day}").status_code == 200
    assert desk.hands.get(f"/desk/cadences/{desk.cadence}/dates?day={day}").status_code == 200
    with desk.database.read() as session:
        assert session.scalars(sa.select(CadenceDate)).all() == []


def test_a_busy_rhythm_is_cut_and_says_so(desk: Planning) -> None:
    """A page holds so many dates; that there are more is said, of all and of a day."""
    now = clock.utc_now()
    with desk.database.write() as session:
        for _ in range(2):
            make_cadence(session, make_digest(session), slots_after=now, cron="*/30 * * * *")
    page = desk.calendar(desk.first + 30 * DAY, view="month")
    assert "There are more dates than are shown." in page
    assert "more</a>" in page
