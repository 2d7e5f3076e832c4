"""The rules, the approval and the topics of a digest at the desk, and what one rhythm has otherwise."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from digest import clock
from digest.db import Database
from digest.lists.topics import topics_of
from digest.models import (
    Account,
    AccountDigest,
    AccountRole,
    Cadence,
    Digest,
    Fallback,
    Selection,
    Unapproved,
)
from tests.factories import make_account
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.web.desk.hands import Hands, signed_in

SETTINGS = {
    "title": "The Courier",
    "language": "en",
    "sender_name": "The Courier",
    "sender_address": "news@courier.example",
    "featured_by": "category",
    "featured_value": "Commentary",
    "recent_most": "9",
    "recent_least": "1",
    "recent_days": "7",
    "variants_most": "24",
    "rules": "1",
    "then": "skip",
    "fallback": "none",
    "order": "newest",
    "likeness": "0.75",
    "watches": "1",
}
RHYTHM = {
    "every": "day",
    "times": "6:30",
    "zone": "Asia/Yerevan",
    "lead": "30",
    "grace": "60",
    "hold": "30",
    "useful": "12",
    "missed": "merge",
    "hold_outcome": "skip",
    "selection": "best_of",
    "rules": "1",
}


@pytest.fixture
def room(database: Database) -> Newsroom:
    made = make_newsroom(database)
    made.now = clock.utc_now()
    made.change(Cadence, is_running=True)
    return made


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


def digest_of(room: Newsroom) -> Digest:
    with room.database.read() as session:
        return session.get_one(Digest, room.digest_id)


def cadence_of(room: Newsroom) -> Cadence:
    with room.database.read() as session:
        return session.get_one(Cadence, room.cadence_id)


def test_rules_show_what_they_choose_before_they_are_kept(hands: Hands, room: Newsroom) -> None:
    """The stories in their order, who is out and why; what cannot be is told; nothing is kept by trying."""
    room.publish("The harbour opens", categories=["Commentary"])
    room.publish("Goal of the year", categories=["Sport"])
    room.publish("Choir seeks tenors", categories=["Culture"])
    url = f"/desk/digests/{room.digest_id}/settings"
    tried = hands.post(f"{url}/try", SETTINGS | {"never_categories": "Sport"}, hx_request="true").text
    assert "<html" not in tried
    inside, _, outside = tried.partition("<details")
    assert "Featured" not in outside
    assert inside.index("The harbour opens") < inside.index("Choir seeks tenors")
    assert "Goal of the year" in outside
    assert "The section “Sport” is left out." in outside
    wrong = hands.post(f"{url}/try", SETTINGS | {"per_section": "900"}, hx_request="true").text
    assert "The most headlines of a section must be a whole number from 1 to 100" in wrong
    assert digest_of(room).rules == {}


def test_rules_of_the_form_are_kept_beside_those_it_does_not_ask_for(hands: Hands, room: Newsroom) -> None:
    """What the command line alone can say stays; what is emptied is as built in; the form shows it again."""
    room.change(Digest, rules={"bylines": {"capitals": "keep"}, "recent": {"per_author": 2}})
    url = f"/desk/digests/{room.digest_id}/settings"
    given = SETTINGS | {
        "featured_more": "Editorial\nOpinion",
        "order": "listed",
        "never_tags": "advert",
        "settle": "15",
        "bounce_address": "bounces@courier.example",
        "sister_group": "courier",
    }
    assert hands.post(url, given).status_code == 303
    found = digest_of(room)
    assert found.rules == {
        "bylines": {"capitals": "keep"},
        "featured": {"categories": ["Commentary", "Editorial", "Opinion"], "order": "listed"},
        "recent": {"exclude": {"tags": ["advert"]}},
        "settle_seconds": 900,
    }
    assert (found.bounce_address, found.sister_group) == ("bounces@courier.example", "courier")
    form = hands.get(url).text
    assert 'value="Commentary"' in form
    assert "Editorial\nOpinion</textarea>" in form
    assert hands.post(url, SETTINGS).status_code == 303
    found = digest_of(room)
    assert found.rules == {"bylines": {"capitals": "keep"}}
    assert (found.bounce_address, found.sister_group) == (None, None)


def test_an_error_of_a_step_is_told_in_the_persons_language(
    client: TestClient, room: Newsroom, database: Database
) -> None:
    """Also in a sentence that a step made deep down; what was typed is there again."""
    with database.write() as session:
        ani = make_account(session, role=AccountRole.ADMIN, password_hash="x", language="hy")
    url = f"/desk/digests/{room.digest_id}/settings"
    answer = signed_in(client, database, ani).post(url, SETTINGS | {"recent_least": "12", "title": "Թերթ"})
    assert answer.status_code == 422
    assert "Առնվազն 12 վերնագիր, բայց առավելագույնը՝ 9" in answer.text
    assert "Թերթ" in answer.text


def test_a_rhythm_has_its_selection_its_own_numbers_and_first_copies(
    hands: Hands, room: Newsroom, nare: Account
) -> None:
    """Kept whole or not at all: first copies before it is locked are refused with all that was typed."""
    url = f"/desk/cadences/{room.cadence_id}"
    given = RHYTHM | {"own_most": "20", "spread": "45", "asks_first": "1", "first": str(nare.id)}
    wrong = hands.post(url, given | {"first_minutes": "40"})
    assert wrong.status_code == 422
    assert "are locked 30 minutes before they go out" in wrong.text
    assert f'value="{nare.id}" checked' in wrong.text
    assert cadence_of(room).selection is Selection.LATEST
    assert hands.post(url, given | {"first_minutes": "10"}).status_code == 303
    found = cadence_of(room)
    assert (found.selection, found.rules) == (Selection.BEST_OF, {"recent": {"most": 20}})
    assert (found.spread_seconds, found.useful_seconds, found.first_copies_seconds) == (2700, 43_200, 600)
    form = hands.get(url).text
    assert f'value="{nare.id}" checked' in form
    hands.post(url, RHYTHM | {"asks_first": "1"})
    found = cadence_of(room)
    assert (found.rules, found.spread_seconds) == ({}, None)
    assert f'value="{nare.id}" checked' not in hands.get(url).text


def test_spans_that_were_set_to_the_second_stay_where_nobody_changes_them(
    hands: Hands, room: Newsroom
) -> None:
    """A form of minutes and hours rounds what it shows; saved as it was shown, nothing is rounded."""
    room.change(Cadence, lead_seconds=1830, useful_seconds=45_000, hold_seconds=1801, spread_seconds=90)
    shown = RHYTHM | {"spread": "1"}
    assert hands.post(f"/desk/cadences/{room.cadence_id}", shown).status_code == 303
    found = cadence_of(room)
    assert (found.lead_seconds, found.useful_seconds, found.hold_seconds) == (1830, 45_000, 1801)
    assert (found.spread_seconds, found.grace_seconds) == (90, 3600)


def test_approval_is_wanted_of_all_rhythms_and_loosened_by_approvers_alone(
    client: TestClient, database: Database, room: Newsroom, nare: Account
) -> None:
    """An editor cannot say that editions go out without it: not on the digest, a rhythm, or by a new one."""
    room.change(Cadence, lead_seconds=1800, hold_outcome=Fallback.SKIP)
    base, url = f"/desk/digests/{room.digest_id}", f"/desk/cadences/{room.cadence_id}"
    wanted = {"approval": "wanted", "approval_minutes": "20", "approval_outcome": "without_featured"}
    signed_in(client, database, nare).post(f"{base}/settings", SETTINGS | wanted)
    found = cadence_of(room)
    assert (found.wants_approval, found.approval_seconds) == (True, 1200)
    assert found.approval_outcome is Unapproved.WITHOUT_FEATURED
    with database.write() as session:
        editor = make_account(session, role=AccountRole.EDITOR, password_hash="x")
        session.add(AccountDigest(account_id=editor.id, digest_id=room.digest_id))
    hands = signed_in(client, database, editor)
    for path, fields in (
        (f"{base}/settings", SETTINGS | {"approval": "none"}),
        (url, RHYTHM),
        (url, RHYTHM | {"wants_approval": "1", "approval_minutes": "20", "approval_outcome": "send"}),
        (f"{base}/cadences/new", RHYTHM | {"name": "noon"}),
    ):
        answer = hands.post(path, fields)
        assert answer.status_code == 422, path
        assert "by an approver alone" in answer.text
    assert cadence_of(room).wants_approval


def test_topics_are_added_changed_and_taken_away(hands: Hands, room: Newsroom) -> None:
    """A topic without sections is refused with what was typed; each is changed by its own form."""
    url = f"/desk/digests/{room.digest_id}/topics"
    given = {"is_new": "1", "title": "Culture", "name": "culture", "sections": "Books\nTheatre"}
    wrong = hands.post(url, given | {"sections": " "})
    assert wrong.status_code == 422
    assert 'value="Culture"' in wrong.text
    assert hands.post(url, given).status_code == 303
    hands.post(url, {"name": "culture", "title": "Arts", "sections": "Books", "position": "3"})
    with room.database.read() as session:
        assert [(one.title, one.sections) for one in topics_of(session, room.digest_id)] == [
            ("Arts", ["Books"])
        ]
    hands.post(f"{url}/remove", {"name": "culture"})
    assert "There is no topic yet" in hands.get(url).text
