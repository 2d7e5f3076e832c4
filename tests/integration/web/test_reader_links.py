"""What the addresses of the reader's pages give away, and what one written by hand can do."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from lxml import html as lxml_html

from digest.lists.fresh_links import FreshKind
from digest.models import Subscriber
from digest.tokens import Claim, Purpose
from tests.integration.web.reader_hands import Reader, sunday
from tests.integration.web.test_sign_off import everything
from tests.unit.web.test_token_mutants import mutants


def test_links_that_are_not_ours_say_nothing(reader: Reader) -> None:
    """Mutants, tokens of every other purpose, and foreign rows: one and the same 404, and no change.

    Thousands of mutants at each door are in `test_mutants`.
    """
    before = everything(reader.database)
    scene = reader.scene
    bodies = set()
    wrong = mutants(scene.token, 20)
    for place, token in enumerate(wrong):
        path = ("/u/{}/page", "/undo/{}", "/f/data/{}", "/f/erase/{}")[place % 4].format(quoted(token))
        for answer in (
            reader.client.get(path),
            reader.client.post(path, data={"do": "stop_all", "word": "erase"}),
        ):
            assert answer.status_code == 404, path
            bodies.add(answer.text)
    for purpose in Purpose:
        token = reader.signer.sign(Claim(purpose, scene.list_id, scene.subscriber_id))
        for path, own in (("/u/{}/page", Purpose.UNSUBSCRIBE), ("/undo/{}", Purpose.UNDO)):
            if purpose is not own:
                assert reader.client.post(path.format(token)).status_code == 404
        for kind in FreshKind:
            # Of its own purpose too: there is no such row.
            assert reader.client.post(f"/f/{kind.value}/{token}").status_code == 404
    assert everything(reader.database) == before
    assert len(bodies) <= 2  # ours, and the one for an address that no route has


def quoted(token: str) -> str:
    return token.replace("%", "%25").replace("/", "%2F").replace("\n", "%0A").replace(" ", "%20")


def test_the_page_says_no_more_of_a_person_than_it_must(reader: Reader) -> None:
    """No address, no name, no zone; the masked address alone."""
    with reader.database.write() as session:
        person = session.get_one(Subscriber, reader.scene.subscriber_id)
        person.name, person.attributes = "Ani Reader", {"city": "Watertown"}
        address = person.address or ""
    for path in (reader.page, f"/u/{reader.scene.token}"):
        text = reader.client.get(path).text
        assert address not in text
        assert "r***@mail.test" in text
        assert not [secret for secret in ("Ani", "Watertown") if secret in text]


def test_an_address_bar_that_was_written_by_hand_only_leads_to_buttons(reader: Reader) -> None:
    """Whatever stands behind the question mark: words of ours, and forms that post to this page."""
    hostile: list[dict[str, Any]] = [
        {"done": "<script>", "was": "<script>"},
        {"done": "cadence", "was": '"><script>'},
        {"done": "left", "was": "1"},
        {"done": "left", "was": "9" * 60},
        {"done": "resumed", "was": "9999-99-99"},
        {"done": "topics", "was": "-".join(["1"] * 300)},
        *({"done": code} for code in ("paused", "paused_until", "moved", "mailed", "undone", "reason")),
        {"done": "cadence", "was": "\ud800".encode("utf-8", "replace").decode()},
    ]
    for query in hostile:
        answer = reader.client.get(reader.page, params=query)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        actions = lxml_html.document_fromstring(answer.text).xpath("//form/@action")
        assert set(actions) == {reader.page}
    reader.press("stop_all")
    for query in hostile:
        answer = reader.client.get(reader.page, params=query)
        assert answer.status_code == 200
        actions = lxml_html.document_fromstring(answer.text).xpath("//form/@action")
        assert [action for action in actions if action != reader.page and "/undo/" not in action] == []


def test_the_redirect_shows_nothing_but_what_was_done(reader: Reader) -> None:
    """Its address is our own path, the same token, a code and a number."""
    answer = reader.client.post(reader.page, data={"do": "cadence", "value": str(sunday(reader))})
    parts = urlsplit(answer.headers["location"])
    assert (parts.netloc, parts.path) == ("", reader.page)
    assert set(parse_qs(parts.query)) == {"done", "was"}
