"""The look of a digest at the desk: colours with their contrast, places, a sponsor with a picture."""

from __future__ import annotations

import io
import re

import httpx2
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from digest.db import Database
from digest.models import Account, Digest
from digest.rendering.theme_form import flat
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.web.desk.hands import HERE, Hands, signed_in

LOOK = {"layout": "paper", "font": "news", "rules": "thin", "time_form": "absolute", "accent": "#1f4a73"}
TICKED = {"show_share_links": "1", "friend_line": "1", "sister_links": "1", "asks_share": "1"}


@pytest.fixture
def room(database: Database) -> Newsroom:
    return make_newsroom(database)


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (600, 200), "#336699").save(made, "PNG")
    return made.getvalue()


def send(
    hands: Hands, room: Newsroom, fields: dict[str, object], files: dict[str, bytes] | None = None
) -> httpx2.Response:
    """As a browser sends a form with files, some of them not chosen."""
    url = f"/desk/digests/{room.digest_id}/look"
    token = re.search(r'name="form_token" value="([^"]+)"', hands.get(url).text)
    assert token is not None
    sent = {name: ("named.png", data, "image/png") for name, data in (files or {}).items()}
    empty = {"logo": ("", b"", "application/octet-stream")}
    return hands.client.post(
        url,
        data={"form_token": token[1], **LOOK, **TICKED, **fields},
        files=empty | sent,
        headers={**HERE, "cookie": f"desk={hands.token}"},
    )


def look_of(room: Newsroom) -> dict[str, object]:
    with room.database.read() as session:
        return flat(session.get_one(Digest, room.digest_id).look or {})


def test_the_contrast_of_colours_is_told_before_they_are_kept(hands: Hands, room: Newsroom) -> None:
    """As a part of the page, for each colour by day and in the dark; what is no colour is told."""
    url = f"/desk/digests/{room.digest_id}/look"
    part = hands.get(f"{url}?accent=%23c0c0c0&light.ink=%23777777", hx_request="true").text
    assert "<html" not in part
    assert part.count("too faint") >= 2
    assert 'fill="#c0c0c0"' in part
    wrong = hands.get(f"{url}?light.ink=black", hx_request="true").text
    assert "&#39;black&#39; is not a colour we can use" in wrong
    assert "too faint" not in hands.get(url).text


def test_places_shares_and_tags_are_kept_and_emptied(hands: Hands, room: Newsroom) -> None:
    """What is as built in is not stored: a later default counts; what is wrong is named as on screen."""
    given = {
        "dark.card": "#101418",
        "social.facebook": "https://www.facebook.com/courier",
        "share": ["mail", "viber"],
        "campaign.source": "courier",
        "campaign.hosts": "shop.example.org, paper.example.org",
    }
    assert send(hands, room, given).status_code == 303
    found = look_of(room)
    assert found["share"] == ["mail", "viber"]
    assert found["campaign.hosts"] == ["shop.example.org", "paper.example.org"]
    form = hands.get(f"/desk/digests/{room.digest_id}/look").text
    assert "shop.example.org, paper.example.org" in form
    assert re.search(r'name="share" value="viber" checked', form)
    wrong = send(hands, room, given | {"social.facebook": "javascript:alert(1)", "motto": "Each day"})
    assert wrong.status_code == 422
    assert "Facebook: &#39;javascript:alert(1)&#39; is no web address" in wrong.text
    assert 'value="Each day"' in wrong.text
    usual = ["mail", "facebook", "x", "whatsapp", "telegram"]
    assert send(hands, room, {"share": usual}).status_code == 303
    assert set(look_of(room)) == {*LOOK, "show_share_links", "friend_line", "sister_links"}


def test_a_sponsors_picture_is_stored_anew_whatever_it_says_it_is(hands: Hands, room: Newsroom) -> None:
    """By its content: a drawing in a file named otherwise is refused; a picture without words is, too."""
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    words = {"sponsor.words": "Bread since 1920", "sponsor.url": "https://baker.example/"}
    refused = send(hands, room, words, {"sponsor.picture": drawing})
    assert refused.status_code == 422
    assert "sponsor&#39;s picture is no PNG, JPEG or GIF" in refused.text
    assert "Bread since 1920" in refused.text
    assert send(hands, room, words, {"sponsor.picture": picture()}).status_code == 303
    assert str(look_of(room)["sponsor.picture.file"]).endswith((".png", ".jpg"))
    assert send(hands, room, words | {"sponsor.picture.alt": "A loaf"}).status_code == 303
    assert look_of(room)["sponsor.picture.alt"] == "A loaf"
    alone = send(hands, room, {})
    assert alone.status_code == 422
    assert "A sponsor needs words" in alone.text
    assert send(hands, room, {"no_sponsor.picture": "1"}).status_code == 303
    assert not [name for name in look_of(room) if name.startswith("sponsor")]
