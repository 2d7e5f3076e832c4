"""What a newsroom does when it has changed its mind: acts of a history besides those of a usual day.

Each goes through its page, from a form that may be old, and says what must be so afterwards.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from digest import clock
from digest.deliveries.handover import go_on
from digest.deliveries.plan import plan
from digest.editions.freeze import FreezeSettings, freeze
from digest.lists.had_story import had_story
from digest.models import Batch, Delivery, Edition, EditionState, UncertainCause
from tests.integration.planned import PUBLIC_URL

if TYPE_CHECKING:
    from tests.integration.web.desk.desk_history import History, Tab

S = EditionState
_OVER: Final = (S.SKIPPED, S.CANCELLED)


def freeze_settings(day: History) -> FreezeSettings:
    return FreezeSettings(
        day.fetcher, PUBLIC_URL, None, dt.timedelta(minutes=5), dt.timedelta(minutes=1), looks=False
    )


def correct(day: History, tab: Tab, number: int, times: int) -> None:
    """Make the next version by its form; now and then by one that was opened before somebody else's."""
    if not tab.sheet or number % 2 == 0:
        page = tab.hands.get(f"/desk/editions/{day.edition_id}/correct")
        tab.sheet = sheet_of(page.text) if page.status_code == 200 else {}
    # Without its page, by hand, as nobody is offered it.
    fields = (tab.sheet or {"base": "0"}) | {"title-1": f"Corrected {day.made} {number}"}
    for _ in range(times):
        before = day.newest()
        if day.post(tab, "correct", dict(fields)) != 303:
            continue
        made = day.newest()
        assert before is not None
        assert made is not None
        assert made.number == before.number + 1
        assert not tab.sheet or fields["base"] == str(before.number), (
            "a version that nobody had seen is undone"
        )
        assert made.approved_at is None or not day.wants_approval, "nobody has seen it, and it is approved"
        day.note_version(made)


def sheet_of(page: str) -> dict[str, str]:
    """The fields of the form for a correction as a browser sends them back; none where it must be paused."""
    if 'class="sheet"' not in page:
        return {}
    form = page[page.index('class="sheet"') :]
    found = dict(re.findall(r'<input[^>]* name="([\w-]+)"[^>]* value="([^"]*)"', form))
    found |= dict(re.findall(r'<textarea[^>]* name="([\w-]+)"[^>]*>\n([^<]*)</textarea>', form))
    return {name: value for name, value in found.items() if not name.startswith("out-")}


def settle(day: History, tab: Tab, number: int, times: int) -> None:
    """Say of one who may have it, or of all, that it arrived, or send it once more: that once at the most."""
    page = tab.hands.get(f"/desk/editions/{day.edition_id}/doubts").text
    shown = {int(each) for each in re.findall(r'name="person" value="(\d+)"', page)}
    assert shown <= day.unsure, "somebody is doubted of whom nobody doubts"
    how, by_cause = ("arrived", "again")[number % 2], number > 1
    if not by_cause and not shown:
        return
    one = min(shown, default=0)
    fields: dict[str, object] = (
        {"cause": UncertainCause.CONNECTION_ENDED.value} if by_cause else {"person": one}
    )
    for _ in range(times):
        meant = set(day.unsure) if by_cause else {one}
        if day.post(tab, "doubts", {"as": how, **fields}) != 303:
            continue
        assert meant <= day.unsure, "settled twice"
        if how == "again":
            meant -= day.resent
            day.resent |= meant
        day.unsure -= meant


def skip(day: History, tab: Tab, number: int, times: int) -> None:
    """Let nothing come out on its day; a second press skips no other."""
    page = tab.hands.get(f"/desk/editions/{day.edition_id}").text
    found = re.search(r'/skip">.*?name="day" value="([\d-]+)"', page, re.DOTALL)
    date = found[1] if found is not None and number else "2026-01-05"
    moved = []
    for _ in range(times):
        if day.post(tab, "skip", {"day": date}) == 303:
            with day.database.read() as session:
                moved.append(session.get_one(Edition, day.edition_id).due_at)
    assert len(set(moved)) <= 1, "another date was skipped than the one that was asked for"


def leave_out(day: History, tab: Tab, times: int) -> None:
    """End it before anybody has it."""
    done = [day.post(tab, "leave-out", {}) for _ in range(times)]
    assert done.count(303) <= 1
    if 303 in done:
        assert not day.accepted, "it is left out, and somebody has it"
        assert day.state() in _OVER
        day.is_left_out = True


def correction(day: History, tab: Tab, number: int, times: int) -> None:
    """A mail that puts a story right: one for the same words, to those alone who have it."""
    current = day.current()
    words = f"It was another one, {number % 2}."
    fields: dict[str, object] = {"story": 1, "note": words, "title": "The right one", "excerpt": "Put right."}
    if number > 1:
        fields["when"] = "now"
    for _ in range(times):
        answer = tab.hands.post(f"/desk/editions/{day.edition_id}/correction", fields)
        day.story.append(f"tab {day.tabs.index(tab)}: correction {number} -> {answer.status_code}")
        assert answer.status_code in {303, 403, 422}, answer.text
        if answer.status_code != 303:
            continue
        made = int(answer.headers["location"].rpartition("/")[2])
        key = (current.id if current is not None else 0, words)
        assert day.corrections.setdefault(key, made) == made, "the same correction twice"
        with day.database.read() as session:
            people = set(
                session.scalars(sa.select(had_story(session, session.get_one(Edition, made)).subquery().c[0]))
            )
        assert people <= day.accepted.keys(), "somebody is told of a story that they do not have"


def send_corrections(day: History) -> None:
    """Each is locked and its time comes. Nobody has approved it: where that is wanted it waits."""
    for made in day.corrections.values():
        freeze(day.database, made, freeze_settings(day))
        with day.database.write() as session:
            plan(session, made, now=clock.utc_now())
        with day.database.write() as session:
            edition = session.get_one(Edition, made)
            edition.send_at = clock.utc_now() - dt.timedelta(seconds=1)
            session.flush()
            go_on(session, now=clock.utc_now())
            assert edition.state is not S.SENDING or not day.wants_approval, (
                "nobody has approved the correction"
            )
            people = set(
                session.scalars(sa.select(Delivery.subscriber_id).where(Delivery.edition_id == made))
            )
            assert people <= day.accepted.keys()
            edition.state = S.CANCELLED
            session.execute(
                sa.update(Batch).where(Batch.edition_id == made).values(closed_at=clock.utc_now())
            )
