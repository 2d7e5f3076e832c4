"""Parts of the readers at the desk: put together by rows, counted, saved, changed, kept while in use."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.db import Database
from digest.models import Account, Cadence, Segment, Subscriber
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import make_readers
from tests.integration.web.desk.hands import Hands, signed_in

ARMENIAN = {"g0r0what": "language", "g0r0how": "is", "g0r0value": "hy"}
NAMED = {"title": "Readers of Armenian", "name": "armenian", "act": "save"}


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


@pytest.fixture
def digest_id(database: Database) -> int:
    """A digest with four readers, one of whom reads in Armenian."""
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        mailing_list = make_list(session, digest, name="readers")
        make_readers(session, mailing_list, [f"r{number}@mail.test" for number in range(4)])
        session.execute(
            sa.update(Subscriber).where(Subscriber.address_key == "r2@mail.test").values(language="hy")
        )
        return digest.id


def test_a_part_is_counted_and_saved(hands: Hands, database: Database, digest_id: int) -> None:
    """Without scripts: the rows stay as they were chosen, beside how many fit and who."""
    url = f"/desk/digests/{digest_id}/segments"
    assert "Everybody gets everything" in hands.get(url).text
    counted = hands.post(f"{url}/new", {**NAMED, **ARMENIAN, "act": "count"}).text
    assert '<strong class="rule-people">1</strong>' in counted
    assert "r2@mail.test" in counted
    assert 'value="Readers of Armenian"' in counted
    more = hands.post(f"{url}/new", {**NAMED, **ARMENIAN, "act": "add-0"}).text
    assert 'name="g0r1what"' in more
    assert "compared with nothing" in more
    made = hands.post(f"{url}/new", {**NAMED, **ARMENIAN}).headers["location"]
    with database.read() as session:
        assert session.scalars(sa.select(Segment)).one().rule == {"language": "hy"}
    assert "Readers of Armenian" in hands.get(url).text
    assert 'value="hy"' in hands.get(made).text


def test_rows_are_joined_as_they_are_chosen(hands: Hands, database: Database, digest_id: int) -> None:
    """All or any within a group and of the groups; changed later, a row is dropped by its button."""
    url = f"/desk/digests/{digest_id}/segments/new"
    rows = {
        **ARMENIAN,
        "mode": "any",
        "g0mode": "all",
        "g0r1what": "joined",
        "g0r1how": "within",
        "g0r1value": "30",
        "g1mode": "all",
        "g1r0what": "list",
        "g1r0how": "is_not",
        "g1r0value": "readers",
    }
    made = hands.post(url, {**NAMED, **rows}).headers["location"]
    wanted = {
        "any": [
            {"all": [{"language": "hy"}, {"joined": {"within": "30d"}}]},
            {"not": {"list": "readers"}},
        ]
    }
    with database.read() as session:
        assert session.scalars(sa.select(Segment.rule)).one() == wanted
    dropped = hands.post(made, {"title": "Fewer", **rows, "act": "drop-1-0"}).text
    assert 'name="g1r0what"' not in dropped
    hands.post(made, {"title": "Fewer", **ARMENIAN, "act": "save"})
    with database.read() as session:
        row = session.scalars(sa.select(Segment)).one()
    assert (row.title, row.rule) == ("Fewer", {"language": "hy"})


def test_the_part_of_a_page_is_answered_alone(hands: Hands, digest_id: int) -> None:
    """The count while it is shaped, and the rows where a field was changed."""
    url = f"/desk/digests/{digest_id}/segments/new"
    fields = {**ARMENIAN, "act": "count"}
    count = hands.post(f"{url}?part=count", fields, hx_request="true").text
    assert count.strip().startswith('<div id="count"')
    rows = hands.post(url, {**fields, "g0r0what": "joined"}, hx_request="true").text
    assert rows.strip().startswith('<div id="builder"')
    assert "within the last" in rows


def test_what_is_missing_is_said(hands: Hands, digest_id: int, database: Database) -> None:
    """Nothing chosen, a name that cannot be, a rule by hand that is none: the words stay in their fields."""
    url = f"/desk/digests/{digest_id}/segments/new"
    nothing = hands.post(url, {**NAMED, "g0r0what": "language", "g0r0how": "is", "g0r0value": ""})
    assert nothing.status_code == 422
    assert 'value="Readers of Armenian"' in nothing.text
    assert hands.post(url, {**NAMED, **ARMENIAN, "name": "No Name!"}).status_code == 422
    by_hand = hands.post(url, {**NAMED, "written": '{"lang": "hy"}'})
    assert by_hand.status_code == 422
    assert "{&#34;lang&#34;: &#34;hy&#34;}" in by_hand.text
    with database.read() as session:
        assert session.scalars(sa.select(Segment)).all() == []


def test_a_rule_that_rows_cannot_say_stays_as_it_is_written(
    hands: Hands, database: Database, digest_id: int
) -> None:
    """It is shown as text, counted, and saved as text."""
    deep = '{"not": {"all": [{"language": "hy"}, {"list": "readers"}]}}'
    made = hands.post(f"/desk/digests/{digest_id}/segments/new", {**NAMED, "written": deep})
    page = made.headers["location"]
    assert "written by hand" in hands.get(page).text
    counted = hands.post(page, {"title": "Others", "written": deep, "act": "count"}).text
    assert '<strong class="rule-people">3</strong>' in counted


def test_a_part_in_use_stays(hands: Hands, database: Database, digest_id: int) -> None:
    """With the rhythm that goes to it named; once nothing goes to it, it can be taken away."""
    made = hands.post(f"/desk/digests/{digest_id}/segments/new", {**NAMED, **ARMENIAN}).headers["location"]
    with database.write() as session:
        segment = session.scalars(sa.select(Segment.id)).one()
        cadence = session.scalars(sa.select(Cadence)).one()
        cadence.segment_id = segment
        name = cadence.name
    page = hands.get(made).text
    assert f"{name} goes to it" in page
    refused = hands.post(f"{made}/remove")
    assert refused.status_code == 409
    assert f"{name} goes to it" in refused.text
    with database.write() as session:
        session.execute(sa.update(Cadence).values(segment_id=None))
    assert hands.post(f"{made}/remove").headers["location"].endswith("/segments")
    with database.read() as session:
        assert session.scalars(sa.select(Segment)).all() == []
