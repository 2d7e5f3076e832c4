"""What comes in by the sign-up forms, ours and those of other sites and as JSON, on both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import html as lxml_html

from digest import clock, keys
from digest.db import Database
from digest.lists.manage import ListChanges, set_list
from digest.lists.topics import add_topic
from digest.models import (
    Subscriber,
    TokenBucket,
)
from digest.web.deps import Services
from digest.web.serve import _config
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.moments import NOW
from tests.integration.web.rows import make_settings
from tests.integration.web.sign_up_scene import (
    SITE,
    Lists,
    change,
    client,
    lists,
    mails,
    rows,
)

__all__ = ["client", "lists"]


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


def test_too_many_from_one_network_are_told_to_wait(
    app: FastAPI, database: Database, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole /24 counts as one; the next network is not harmed. The form comes back as it was typed.

    Whoever is told to wait has taken no token of their own: their address has no bucket yet.
    """
    now = clock.utc_now()
    monkeypatch.setattr(clock, "utc_now", lambda: now)  # or a slow machine would be allowed some more

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
