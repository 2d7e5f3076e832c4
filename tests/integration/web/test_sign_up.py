"""The sign-up pages and their JSON, on both databases."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from lxml import html as lxml_html

from digest import keys
from digest.config import Settings
from digest.db import Database
from digest.editions.stories import stored_story
from digest.lists import consent
from digest.lists.queries import audience
from digest.lists.status import Origin
from digest.lists.suppress import suppress_address
from digest.models import (
    Amendment,
    AmendmentKind,
    Cadence,
    ConsentNetwork,
    ConsentText,
    Digest,
    EditionState,
    Item,
    MailingList,
    Notice,
    OptIn,
    Role,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
)
from tests.factories import make_cadence, make_subscriber, make_subscription
from tests.factories.moments import NOW
from tests.integration.web.rows import make_edition
from tests.integration.web.sign_up_scene import (
    ACTIVE,
    PENDING,
    SITE,
    Lists,
    change,
    client,
    confirm_path,
    lists,
    mails,
    rows,
)
from tests.unit.rendering import samples

__all__ = ["client", "lists"]


def test_the_page_asks_and_the_button_of_the_mail_confirms(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """The whole way without JavaScript: form, mail, page with one button, press, welcome."""
    page = lxml_html.document_fromstring(client.get("/s/daily").text)
    (form,) = page.iter("form")
    assert (form.get("method"), form.get("action")) == ("post", "/s/daily")
    fields = {"address": "ani@example.org", "cadence": "sunday", "topic": "sport", "language": "en"}
    assert set(fields) <= set(form.fields)
    answer = client.post("/s/daily", data=fields)
    assert answer.status_code == 200
    assert "Look into your mailbox" in answer.text
    (row,) = rows(database)
    assert (row.status, row.topics) == (PENDING, ["sport"])
    path = confirm_path(database)
    for _ in range(3):
        shown = client.get(path)
        (button,) = lxml_html.document_fromstring(shown.text).iter("button")
        assert button.text == "Yes, I want to receive it"
        (action,) = lxml_html.document_fromstring(shown.text).xpath("//form/@action")
        assert action == path
        assert client.head(path).status_code == 200
    assert rows(database)[0].status is PENDING
    first, again = client.post(path), client.post(path)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert "Welcome to The Daily &lt;Courier&gt;" in first.text
    assert "Welcome to" in client.get(path).text
    assert rows(database)[0].status is ACTIVE
    assert [kind for kind, _ in mails(database)] == ["confirm", "welcome"]
    with database.read() as session:
        networks = session.scalars(sa.select(ConsentNetwork.network)).all()
        (text,) = session.scalars(sa.select(ConsentText.text))
        assert not [found for _, found in consent.verify_all(session) if found]
    assert networks == ["192.0.2.0/24"] * 2  # of the sign-up and of the confirmation
    assert "The Daily <Courier>" in text


def test_a_list_that_is_closed_has_no_page(client: TestClient, lists: Lists) -> None:
    """Closed and unknown are the same 404, for every method, and among several they are left out."""
    for name in ("closed", "other", "DAILY", "x" * 300):
        answers = [client.get(f"/s/{name}"), client.post(f"/s/{name}", data={"address": "ani@example.org"})]
        answers.append(client.options(f"/s/{name}", headers={"Origin": SITE}))
        assert {answer.status_code for answer in answers} == {404}
    assert client.get("/s").status_code == 404
    both = client.get("/s?list=closed&list=weekend").text
    assert "The Weekend Courier" in both
    assert 'value="closed"' not in both


def test_several_lists_are_signed_up_to_by_one_mail(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """What is ticked counts, each with its own rhythm; one press confirms them all."""
    url = "/s?list=daily&list=weekend&list=sister"
    (form,) = lxml_html.document_fromstring(client.get(url).text).iter("form")
    assert form.get("action") == url
    fields = {"address": "ani@example.org", "list": ["daily", "weekend"], "cadence-weekend": "sunday"}
    answer = client.post(url, data=fields)
    assert "The Weekend Courier" in answer.text
    assert "Սուրհանդակը" not in answer.text
    assert [row.list_id for row in rows(database)] == [lists.daily, lists.weekend]
    assert len({row.cadence_id for row in rows(database)}) == 2
    client.post(confirm_path(database))
    assert [row.status for row in rows(database)] == [ACTIVE, ACTIVE]
    assert [kind for kind, _ in mails(database)] == ["confirm", "welcome", "welcome"]
    none = client.post(url, data={"address": "eva@example.org"})
    assert none.status_code == 400
    assert "Tick at least one" in none.text


@pytest.mark.parametrize("several", [False, True])
def test_a_sign_up_is_to_the_rhythm_that_runs(
    client: TestClient, database: Database, lists: Lists, *, several: bool
) -> None:
    """Where the digest's first rhythm was stopped and one runs: to that one, also once the first runs again.

    The welcome mail names it in a reader's words, in the digest's language.
    """
    with database.write() as session:
        digest = session.get_one(Digest, session.get_one(MailingList, lists.daily).digest_id)
        digest.language = "hy"
        first, second = session.scalars(sa.select(Cadence).order_by(Cadence.id))
        first.is_running = False
        second.cron = "0 8 * * 0"
    if several:
        client.post("/s?list=daily", data={"address": "ani@example.org", "list": "daily"})
    else:
        assert client.post("/s/daily", data={"address": "ani@example.org"}).status_code == 200
    with database.write() as session:
        session.scalars(sa.select(Cadence).order_by(Cadence.id)).first().is_running = True  # type: ignore[union-attr]
    client.post(confirm_path(database))
    assert [row.cadence_id for row in rows(database)] == [second.id]
    with database.read() as session:
        assert session.execute(audience(second.id)).all()
        assert not session.execute(audience(first.id)).all()
    kind, text = mails(database)[-1]
    assert kind == "welcome"
    assert "Հաճախականությունը՝ Շաբաթը մեկ" in text
    assert "sunday" not in text


def test_a_link_says_which_mail_it_is_of(client: TestClient, database: Database, lists: Lists) -> None:
    """What is made up there, or not of this person, is the last mail at most; it stands on no page."""
    client.post(
        "/s?list=daily&list=weekend", data={"address": "ani@example.org", "list": ["daily", "weekend"]}
    )
    path, _, mail = confirm_path(database).partition("?")
    for query in ("?p=%00", "?p=%22%3E", "?p=" + "x" * 5000, "?p=%ED%A0%80", "?p=", "?p=a&p=b", ""):
        shown = client.get(path + query)
        assert shown.status_code == 200, query
        (action,) = lxml_html.document_fromstring(shown.text).xpath("//form/@action")
        assert action in (path, f"{path}?p=b")
    assert client.post(f"{path}?{mail}").status_code == 200
    assert [row.status for row in rows(database)] == [ACTIVE, ACTIVE]


def test_the_sister_is_one_link_away(client: TestClient, lists: Lists) -> None:
    """Another language is another digest: its form is linked in its own name, and speaks its language."""
    page = lxml_html.document_fromstring(client.get("/s/daily").text)
    (link,) = page.xpath("//nav//a")
    assert (link.get("href"), link.get("hreflang"), link.text) == ("/s/sister", "hy", "Հայերեն")
    armenian = client.get("/s/sister").text
    assert '<html lang="hy"' in armenian
    assert "Բաժանորդագրվել" in armenian


def test_a_bot_that_fills_the_trap_is_answered_like_anybody(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """The field that nobody sees was filled in: the same page, and nothing is done."""
    honest = client.post("/s/weekend", data={"address": "ani@example.org"})
    bot = client.post("/s/weekend", data={"address": "bot@example.org", "website": "http://x.test"})
    assert (honest.status_code, honest.content) == (bot.status_code, bot.content)
    assert len(mails(database)) == 1
    assert len(rows(database)) == 1


@pytest.mark.parametrize("opt_in", list(OptIn))
def test_nobody_learns_who_is_on_the_list(
    client: TestClient, database: Database, settings: Settings, lists: Lists, opt_in: OptIn
) -> None:
    """Unknown, pending, active, ended, suppressed: one status, one body, the same headers, and JSON too."""
    change(database, lists.weekend, opt_in=opt_in)
    address_key = keys.load(settings.secrets_folder).address_key
    with database.write() as session:
        mailing_list = session.get_one(MailingList, lists.weekend)
        for status in SubscriptionStatus:
            person = make_subscriber(session, f"{status.value}@example.org", address_key=address_key)
            make_subscription(session, mailing_list, person, status=status)
        for cause in SuppressionCause:
            row = suppress_address(
                session, address_key, f"{cause}@example.org", reason="x", source=Origin.CLI, now=NOW
            )
            assert row is not None
            row.cause = cause
    names = ["unknown", *SubscriptionStatus, *SuppressionCause]
    for _ in range(2):
        answers = [client.post("/s/weekend", data={"address": f"{name}@example.org"}) for name in names]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1
    told = [client.post("/s/weekend", json={"address": f"{name}@example.org"}) for name in names]
    assert {(answer.status_code, answer.text) for answer in told} == {
        (200, '{"state":"look_into_your_mailbox"}')
    }
    with database.read() as session:
        mailed = set(session.scalars(sa.select(Notice.address)))
        assert len(session.scalars(sa.select(Suppression)).all()) == 4
    assert mailed == {f"{name}@example.org" for name in names} - {"never@example.org", "legal@example.org"}


def test_the_welcome_leads_to_the_latest_edition_where_wanted(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """Its stories in the mail, a link there and on the page; what is not out, or taken down, is not shown.

    A correction is for those who had what it puts right.
    """
    with database.write() as session:
        digest = session.get_one(Digest, session.get_one(MailingList, lists.weekend).digest_id)
        cadence = make_cadence(session, digest, "noon")
        sent = make_edition(session, cadence, age=dt.timedelta(hours=2))
        later = make_edition(session, cadence, EditionState.FROZEN)
        make_edition(session, cadence, age=dt.timedelta(hours=1)).corrects_id = sent.id
        gone = {"position": 3, "kind": AmendmentKind.TAKEN_DOWN, "made_by": "cli:ani", "made_at": NOW}
        session.add(Amendment(edition_id=sent.id, **gone))
        public_id = sent.public_id
        edition = samples.edition()
        assert edition.featured is not None
        for number, (made, story) in enumerate(
            (
                (sent, edition.featured),
                (sent, edition.recent[0]),
                (later, edition.recent[1]),
                (sent, edition.recent[1]),
            )
        ):
            role = Role.RECENT if number else Role.FEATURED
            item = {"revision_id": made.revision_id, "position": number, "role": role}
            session.add(Item(**item, post_id=None, story=stored_story(story)))
    change(database, lists.weekend, welcomes_with_latest=True)
    client.post("/s/weekend", data={"address": "ani@example.org"})
    done = client.post(confirm_path(database))
    assert f"/e/{public_id}" in done.text
    kind, text = mails(database)[-1]
    assert kind == "welcome"
    assert f"/e/{public_id}" in text
    assert re.search(r"/u/[\w-]+/page", text)
    words = " ".join(text.split())
    for shown in (edition.featured.title, edition.featured.excerpt, edition.recent[0].title):
        assert " ".join(shown.split()) in words
    assert edition.recent[1].title not in words


def test_a_link_that_is_not_ours_confirms_nothing(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """Each changed character: 404 for GET and POST, one body."""
    client.post("/s/weekend", data={"address": "ani@example.org"})
    path = confirm_path(database).partition("?")[0]
    bad = [path[:-1], path + "A", "/c/1", "/c/%00", "/c/" + "A" * 42]
    bad += [path[:place] + ("A" if path[place] != "A" else "_") + path[place + 1 :] for place in range(3, 45)]
    answers = [answer for each in bad for answer in (client.get(each), client.post(each))]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert rows(database)[0].status is PENDING
