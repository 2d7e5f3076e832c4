"""The choice of language on the form for several lists, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from lxml import html as lxml_html

from digest import clock
from digest.db import Database
from digest.lists.form import FormList, Sister, in_language
from digest.lists.manage import ListChanges, set_list
from digest.models import ConsentText, Digest, MailingList, OptIn, Subscriber
from tests.factories import make_list
from tests.integration.web.sign_up_scene import (
    SITE,
    Lists,
    change,
    client,
    confirm_path,
    lists,
    mails,
    rows,
)

__all__ = ["client", "lists"]

BOTH = "/s?list=daily&list=weekend"
ARMENIAN = f"{BOTH}&language=hy"


def seen(client: TestClient, url: str) -> tuple[str, list[str], dict[str, str]]:
    """A form's language, the lists that it has to tick, and where the other languages are."""
    page = lxml_html.document_fromstring(client.get(url).text)
    (form,) = page.iter("form")
    assert form.get("action") == url
    assert page.xpath("//input[@name='language']/@value") == page.xpath("/html/@lang")
    links = {link.text: link.get("href") for link in page.xpath("//nav//a")}
    return page.get("lang"), page.xpath("//input[@name='list']/@value"), links


def a_second_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """So long an empty form is kept for everybody."""
    later = clock.monotonic() + 1.1
    monkeypatch.setattr(clock, "monotonic", lambda: later)


def test_the_form_of_several_lists_is_in_each_language_of_theirs(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """By links, as that of one list: who chooses Armenian signs up to the sisters, by Armenian words."""
    assert seen(client, BOTH) == ("en", ["daily", "weekend"], {"Հայերեն": ARMENIAN})
    assert seen(client, ARMENIAN) == ("hy", ["sister"], {"English": BOTH})  # and back, with none lost
    nothing = client.post(ARMENIAN, data={"address": "ani@example.org", "name": "Անի"})
    assert nothing.status_code == 400
    page = lxml_html.document_fromstring(nothing.text)
    assert (page.get("lang"), page.xpath("//nav//a/@href")) == ("hy", [BOTH])
    assert page.xpath("//input[@name='name']/@value") == ["Անի"]
    assert "նշել գոնե մեկը" in page.xpath("string(//*[@role='alert'])")
    done = client.post(ARMENIAN, data={"address": "ani@example.org", "list": "sister", "language": "hy"})
    assert '<html lang="hy"' in done.text
    client.post(confirm_path(database))
    assert [row.list_id for row in rows(database)] == [lists.sister]
    assert [kind for kind, _ in mails(database)] == ["confirm", "welcome"]
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber.language)).all() == ["hy"]
        (words,) = session.scalars(sa.select(ConsentText.text))
    assert words.startswith("Սուրհանդակը նամակով. Ցանկանում եմ նամակով ստանալ նշվածները")


def test_json_chooses_the_language_by_the_same_address(
    client: TestClient, database: Database, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site's script names the sisters that the form has there; a fault is told in their language."""
    headers = {"Origin": SITE}
    assert client.options(ARMENIAN, headers=headers).headers["access-control-allow-origin"] == SITE
    wish = {"address": "ani@example.org", "list": ["sister"], "language": "hy"}
    assert client.post(ARMENIAN, json=wish, headers=headers).json() == {"state": "look_into_your_mailbox"}
    fault = client.post(ARMENIAN, json={**wish, "list": ["daily"]}, headers=headers)
    assert (fault.status_code, "նշել գոնե մեկը" in fault.json()["error"]) == (400, True)
    assert [row.list_id for row in rows(database)] == [lists.sister]
    change(database, lists.sister, form_origins=[])
    a_second_on(monkeypatch)
    assert client.post(ARMENIAN, json=wish, headers=headers).status_code == 403


@pytest.mark.parametrize("language", ["", "en", "fr", "hyw", "HY", "%00", "hy%0A", "x" * 5000])
def test_a_language_that_the_form_has_not_is_its_own(client: TestClient, lists: Lists, language: str) -> None:
    """Whatever stands in the address: the form as its lists are, and nothing of it on the page."""
    shown = client.get(f"{BOTH}&language={language}")
    assert (shown.status_code, shown.text) == (200, client.get(BOTH).text)


def test_only_what_is_open_is_offered(
    client: TestClient, database: Database, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed sister is none, and the address that named it shows the form's own lists."""
    assert seen(client, "/s?list=sister&language=en")[0:2] == ("en", ["daily"])
    change(database, lists.sister, is_open=False)
    a_second_on(monkeypatch)
    assert seen(client, BOTH) == ("en", ["daily", "weekend"], {})
    assert client.get(ARMENIAN).text == client.get(BOTH).text
    assert client.get("/s?list=sister&language=en").status_code == 404


def test_a_form_of_lists_in_two_languages_speaks_one(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """What is kept as the words of the consent is what stood there, also of a list in another language."""
    mixed = "/s?list=daily&list=sister"
    assert seen(client, mixed) == ("en", ["daily", "sister"], {"Հայերեն": f"{mixed}&language=hy"})
    assert seen(client, f"{mixed}&language=hy")[:2] == ("hy", ["sister"])
    client.post(mixed, data={"address": "ani@example.org", "list": "sister"})
    with database.read() as session:
        (words,) = session.scalars(sa.select(ConsentText.text))
    assert words.removeprefix("Սուրհանդակը նամակով. ") in client.get(mixed).text


def test_each_list_has_its_place_in_the_other_language(
    client: TestClient, database: Database, lists: Lists
) -> None:
    """Two lists of a digest become two of its sister's; one without a sister stays, in the same order."""
    with database.write() as session:
        sister = session.get_one(MailingList, lists.sister)
        digest = session.get_one(Digest, sister.digest_id)
        set_list(make_list(session, digest, "sister-weekend"), ListChanges(is_open=True))
    assert seen(client, ARMENIAN)[1] == ["sister", "sister-weekend"]

    def one(number: int, name: str, language: str) -> FormList:
        return FormList(number, name, name, language, "Paper", OptIn.DOUBLE, (), (), ())

    alone, daily, weekend = one(1, "alone", "en"), one(2, "daily", "en"), one(3, "weekend", "en")
    first, second = Sister("first", "", "hy"), Sister("second", "", "hy")
    french = Sister("french", "", "fr")
    there = {2: [french, first, second], 3: [french, first, second]}
    assert in_language([alone, daily, weekend], there, "hy") == ["alone", "first", "second"]
    assert in_language([alone, daily, weekend], there, "fr") == ["alone", "french"]
    assert in_language([daily, one(4, "first", "hy")], there, "hy") == ["second", "first"]
