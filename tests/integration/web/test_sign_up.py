"""The sign-up pages and their JSON, on both databases."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import html as lxml_html

from digest import keys
from digest.config import Settings
from digest.db import Database
from digest.editions.stories import stored_story
from digest.lists import consent
from digest.lists.manage import ListChanges, set_list
from digest.lists.queries import audience
from digest.lists.status import Origin
from digest.lists.suppress import suppress_address
from digest.lists.topics import add_topic
from digest.models import (
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
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
    TokenBucket,
)
from digest.web.deps import Services
from digest.web.serve import _config
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.moments import NOW
from tests.integration.web.rows import make_edition, make_settings
from tests.unit.rendering import samples

SITE = "https://www.courier.example"
PENDING, ACTIVE = SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Lists:
    """A daily with two rhythms and two topics, its weekend list, a closed list, and the Armenian sister."""

    daily: int
    weekend: int
    sister: int


@pytest.fixture
def lists(database: Database) -> Lists:
    with database.write() as session:
        digest = make_digest(session, sister_group="courier")
        for name in ("morning", "sunday"):
            make_cadence(session, digest, name)
        for name in ("culture", "sport"):
            add_topic(session, digest, name=name, title=name.title(), sections=[name], now=NOW)
        other = make_digest(session, sister_group="courier", language="hy", title="Սուրհանդակ")
        daily = make_list(session, digest, "daily", title="The Daily <Courier>")
        weekend = make_list(session, digest, "weekend", title="The Weekend Courier")
        make_list(session, digest, "closed")
        sister = make_list(session, other, "sister", title="Սուրհանդակը նամակով")
        for each in (daily, weekend, sister):
            set_list(each, ListChanges(is_open=True, form_origins=[SITE]))
        return Lists(daily.id, weekend.id, sister.id)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False, client=("192.0.2.1", 50000)) as opened:
        yield opened


def change(database: Database, list_id: int, **values: Any) -> None:
    with database.write() as session:
        set_list(session.get_one(MailingList, list_id), ListChanges(**values))


def rows(database: Database) -> list[Subscription]:
    with database.read() as session:
        return list(session.scalars(sa.select(Subscription).order_by(Subscription.id)))


def mails(database: Database) -> list[tuple[str, str]]:
    """The kind and text of each mail."""
    with database.read() as session:
        found = session.execute(sa.select(Notice.kind, Notice.message).order_by(Notice.id)).all()
    parts = [(kind, message_from_bytes(raw, policy=default).get_body(("plain",))) for kind, raw in found]
    return [(kind, part.get_content()) for kind, part in parts if part is not None]


def confirm_path(database: Database) -> str:
    (found,) = re.findall(r"/c/[\w-]+\?p=[\w-]+", mails(database)[-1][1])
    return str(found)


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


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"address": "no address"}, "This is not a mail address."),
        ({"address": "a@" + "x" * 2000}, "This is not a mail address."),
        ({}, "This is not a mail address."),
        ({"address": "ani@example.org", "name": "x" * 900}, "The name is too long"),
        ({"address": "ani@example.org", "cadence": "hourly"}, "not there any more"),
        ({"address": "ani@example.org", "topic": "weather"}, "not there any more"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(
    client: TestClient, database: Database, lists: Lists, fields: dict[str, str], sentence: str
) -> None:
    """The form comes back with what was typed, and nothing was done; JSON gets the sentence alone."""
    answer = client.post("/s/daily", data=fields)
    assert answer.status_code == 400
    page = lxml_html.document_fromstring(answer.text)
    assert sentence in page.xpath("string(//*[@role='alert'])")
    assert page.xpath("//input[@name='address']/@aria-describedby") == ["fault"]
    assert page.xpath("string(//input[@name='address']/@value)") == fields.get("address", "")[:254]
    told = client.post("/s/daily", json=fields)
    assert told.status_code == 400
    assert sentence in told.json()["error"]
    assert rows(database) == []
    assert mails(database) == []


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


def test_json_from_a_browser_is_answered_to_named_sites(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """Preflight and post: the named origin is allowed, another is refused; without one, a server asks."""
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = client.options("/s/daily", headers={"Origin": SITE, **preflight})
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == SITE
    assert allowed.headers["access-control-allow-methods"] == "POST"
    assert allowed.headers["access-control-allow-headers"] == "Content-Type"
    assert allowed.headers["vary"] == "Origin"
    wish = {"address": "ani@example.org", "cadence": "morning", "topic": ["culture", "sport"], "name": "Ani"}
    done = client.post("/s/daily", json=wish, headers={"Origin": SITE})
    assert (done.status_code, done.headers["access-control-allow-origin"]) == (200, SITE)
    assert "access-control-allow-credentials" not in done.headers
    for origin in ("https://evil.test", "null", SITE + ".evil.test", SITE.upper()):
        refused = client.options("/s/daily", headers={"Origin": origin, **preflight})
        assert not [name for name in refused.headers if name.startswith("access-control")]
        answer = client.post("/s/daily", json={"address": "eva@example.org"}, headers={"Origin": origin})
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]
    change(database, lists.weekend, form_origins=[])
    url = "/s?list=daily&list=weekend"
    both = client.post(url, json={"address": "eva@example.org", "list": "daily"}, headers={"Origin": SITE})
    assert both.status_code == 403
    (row,) = rows(database)
    assert row.topics == []  # all of them
    assert client.post("/s/daily", json={"address": "server@example.org"}).status_code == 200
    own = client.post(
        "/s/daily", json={"address": "own@example.org"}, headers={"Origin": "http://127.0.0.1:8025"}
    )
    assert own.status_code == 200
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber.name).order_by(Subscriber.id)).all() == ["Ani", "", ""]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff", b'{"address": 7}', b'{"address": {"a": ["b"]}}', b"[" * 4000],
)
def test_json_that_is_none_is_refused_in_a_sentence(client: TestClient, lists: Lists, body: bytes) -> None:
    """Whatever it is: 400 and a sentence."""
    answer = client.post("/s/daily", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "not a mail address" in answer.json()["error"]


def test_a_plain_form_on_any_site_works(client: TestClient, database: Database, lists: Lists) -> None:
    """A form needs no CORS: its visitor comes to our page. What is too large is refused."""
    answer = client.post(
        "/s/daily", data={"address": "ani@example.org"}, headers={"Origin": "https://x.test"}
    )
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert len(mails(database)) == 1
    large = {"address": "eva@example.org", "name": "x" * 100_000}
    assert client.post("/s/daily", data=large).status_code == 413
    assert client.post("/s/daily", json=large).status_code == 413


@pytest.mark.parametrize("longest", [False, True])
def test_our_own_form_is_never_too_large(client: TestClient, database: Database, *, longest: bool) -> None:
    """Five lists of a digest with thirty topics, and the most and longest that there can be: each ticked."""
    many, letters = (20, 60) if longest else (5, 20)

    def names(count: int) -> list[str]:
        return [f"{number:02}".ljust(letters, "x") for number in range(count)]

    with database.write() as session:
        digest = make_digest(session)
        for name in names(2):
            make_cadence(session, digest, name)
        for name in names(30):
            add_topic(session, digest, name=name, title=name, sections=[name], now=NOW)
        for name in names(many):
            set_list(make_list(session, digest, name), ListChanges(is_open=True))
    url = "/s?" + "&".join(f"list={name}" for name in names(many))
    (form,) = lxml_html.document_fromstring(client.get(url).text).iter("form")
    fields: dict[str, Any] = {
        "address": "ani@example.org",
        "name": "Ա" * 200,
        "language": "en",
        "website": "",
    }
    for field in form.xpath(".//input[@type='checkbox' or @type='radio']"):
        fields.setdefault(field.get("name"), []).append(field.get("value"))
    assert (form.get("action"), len(fields["list"])) == (url, many)
    assert len(fields[f"topic-{names(1)[0]}"]) == 30
    for each in names(many):
        del fields[f"topic-{each}"][0]  # all but one: so each is kept
        fields[f"cadence-{each}"] = names(2)[1]
    assert client.post(url, data=fields).status_code == 200
    assert [len(row.topics) for row in rows(database)] == [29] * many
    fields["address"] = "eva@example.org"
    assert client.post(url, json=fields).status_code == 200
    assert len(rows(database)) == 2 * many


def test_more_fields_than_a_form_has_are_no_fault_of_the_address(client: TestClient, lists: Lists) -> None:
    """Nor is a form that is broken: what was sent could not be used."""
    many = "address=ani%40example.org&" + "a=1&" * 1000
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    for body, headers in ((many, form), ("--x\r\nno headers", broken)):
        answer = client.post("/s/daily", content=body, headers=headers)
        assert answer.status_code == 400
        assert "not a mail address" not in answer.text
        assert "could not be used" in answer.text


@pytest.mark.parametrize("sign", ["\0", "\ud800", "\udfff\ud800"])
@pytest.mark.parametrize("field", ["address", "name", "language", "cadence", "topic", "list", "website"])
def test_signs_that_nothing_can_hold_harm_nothing(
    client: TestClient, database: Database, lists: Lists, field: str, sign: str
) -> None:
    """In whatever field, by whatever encoding: a sentence or a sign-up, and the form comes back."""
    fields = {"address": "ani@example.org", "name": "Ani", field: f"a{sign}b@example.org"}
    body = json.dumps(fields)
    part = fields[field].encode("unicode_escape").decode()
    parts = f'--x\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{part}\r\n--x--\r\n'
    escaped = {"Content-Type": "multipart/form-data; boundary=x; charset=unicode_escape"}
    for url in ("/s/daily", "/s?list=daily", "/s"):
        answers = [
            client.post(url, content=body, headers={"Content-Type": "application/json"}),
            client.post(url, content=parts, headers=escaped),
        ]
        assert {answer.status_code for answer in answers} <= {200, 400, 404}, url
    with database.read() as session:
        assert "\0" not in "".join(session.scalars(sa.select(Subscriber.name)))


def test_too_many_from_one_network_are_told_to_wait(app: FastAPI, database: Database, lists: Lists) -> None:
    """The whole /24 counts as one; the next network is not harmed. The form comes back as it was typed.

    Whoever is told to wait has taken no token of their own: their address has no bucket yet.
    """

    def post(number: int, network: str) -> Any:
        with_address = TestClient(app, client=(f"{network}.{number}", 50000))
        return with_address.post("/s/weekend", data={"address": f"reader{number}@example.org"})

    with TestClient(app):
        codes = [post(number, "192.0.2").status_code for number in range(31)]
        assert codes == [200] * 30 + [429]
        last = post(31, "192.0.2")
        assert last.headers["retry-after"] == "60"
        assert "Too many people sign up" in last.text
        assert 'value="reader31@example.org"' in last.text
        assert post(32, "192.0.3").status_code == 200
    with database.read() as session:
        assert len(session.scalars(sa.select(TokenBucket.key)).all()) == 31 + 2 + 1


def test_the_welcome_leads_to_the_latest_edition_where_wanted(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """Its stories in the mail, a link there and on the page; what is not out is not shown."""
    with database.write() as session:
        digest = session.get_one(Digest, session.get_one(MailingList, lists.weekend).digest_id)
        cadence = make_cadence(session, digest, "noon")
        sent = make_edition(session, cadence, age=dt.timedelta(hours=2))
        later = make_edition(session, cadence, EditionState.FROZEN)
        public_id = sent.public_id
        edition = samples.edition()
        assert edition.featured is not None
        for number, (made, story) in enumerate(
            ((sent, edition.featured), (sent, edition.recent[0]), (later, edition.recent[1]))
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


def test_who_asks_is_known_behind_a_proxy_of_ours_alone(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    """The header of a proxy that is named counts; without one it is anybody's word, and does not."""
    settings = make_settings(tmp_path / "a", database_url, trusted_proxies="127.0.0.1, 10.0.0.0/8")
    services = Services(settings, database, keys.load(settings.secrets_folder))
    trusting = _config(settings, services)
    assert trusting.proxy_headers
    assert list(trusting.forwarded_allow_ips or ()) == ["127.0.0.1", "10.0.0.0/8"]
    plain = make_settings(tmp_path / "b", database_url)
    assert not _config(plain, Services(plain, database, services.keys)).proxy_headers


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
