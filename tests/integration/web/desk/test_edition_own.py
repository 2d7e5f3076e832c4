"""What the desk brings to one edition itself: a story of its own, and pictures for this mail alone."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from PIL import Image

from digest.db import Database
from digest.models import AccountDigest, AccountRole, Digest, EditionChange
from digest.web.desk import cookies
from tests.factories import make_account
from tests.integration.newsroom import make_newsroom
from tests.integration.web.desk.hands import HERE, signed_in
from tests.integration.web.desk.test_edition_page import Editing

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def desk(client: TestClient, database: Database) -> Editing:
    room = make_newsroom(database)
    posts = {
        "The harbour": room.publish("The harbour", categories=["Commentary"], body_html="<p>A long day.</p>"),
        "The bridge": room.publish("The bridge", hours=1),
    }
    with database.write() as session:
        me = make_account(session, name="Ani", role=AccountRole.EDITOR)
        session.add(AccountDigest(account_id=me.id, digest_id=room.digest_id))
    return Editing(signed_in(client, database, me), room, room.edition(), posts)


def picture(kind: str) -> bytes:
    """A file with a word in it that nobody is to hand on."""
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, kind, comment=b"secret")
    return file.getvalue()


def send(desk: Editing, path: str, file: bytes, status: int = 303, **fields: Any) -> str:
    """A form with a file, as a browser sends it."""
    hands = desk.hands
    data = {"form_token": cookies.form_token(hands.token), "seen": desk.seen, **fields}
    answer = hands.client.post(
        f"{desk.url}/{path}",
        data=data,
        files={"file": ("holiday.svg", file, "image/svg+xml")},
        headers={**HERE, "cookie": f"desk={hands.token}"},
    )
    assert answer.status_code == status, answer.text
    return answer.text


def own_key(desk: Editing) -> str:
    found = re.search(r'data-story="(item:\d+)"', desk.page)
    assert found is not None
    return found[1]


def undo_last(desk: Editing) -> None:
    change = re.search(r'name="change" value="(\d+)"', desk.page)
    assert change is not None
    desk.act("undo", change=change[1])


def mail(desk: Editing) -> str:
    return desk.hands.get(f"{desk.url}/preview").text


def test_a_story_whose_button_is_pressed_twice_is_in_once(desk: Editing) -> None:
    """The very same one; with other words it is another, and what was dropped can be put in again."""
    fields = {"title": "A reading tonight", "excerpt": "At seven."}
    for _ in range(2):
        send(desk, "own", picture("PNG"), **fields)
    assert desk.room.titles(desk.edition).count("A reading tonight") == 1
    send(desk, "own", picture("PNG"), **fields | {"excerpt": "At eight."})
    assert desk.room.titles(desk.edition).count("A reading tonight") == 2
    undo_last(desk)
    desk.act("drop", story=own_key(desk))
    send(desk, "own", picture("PNG"), **fields)
    assert desk.room.titles(desk.edition).count("A reading tonight") == 1


def test_a_story_of_ones_own_is_in_this_mail_alone(desk: Editing) -> None:
    """Below the featured one, told as the desk's own, in the mail and in what is locked; in no other."""
    desk.room.change(Digest, look={"layout": "briefing"})  # which shows the first one's picture
    other = desk.room.edition(hours=2)
    fields = {"title": "A reading tonight", "url": "https://courier.example/reading/", "excerpt": "At seven."}
    send(desk, "own", picture("JPEG"), section="Events", where="top", alt="The hall", **fields)
    assert desk.room.titles(desk.edition) == ["The harbour", "A reading tonight", "The bridge"]
    assert "A story of the desk&#39;s own" in desk.page
    shown = mail(desk)
    for words in ("A reading tonight", "At seven.", 'href="https://courier.example/reading/', "The hall"):
        assert words in shown
    assert "A reading tonight" not in desk.room.titles(other)
    desk.room.freeze(desk.edition)
    with desk.room.database.read() as session:
        _, variant, items = desk.room.printed(session, desk.edition)
    assert [item.story["title"] for item in items] == ["The harbour", "A reading tonight", "The bridge"]
    assert "A reading tonight" in variant.html
    assert "A reading tonight" not in desk.room.titles(other)


def test_ones_own_story_is_changed_taken_out_and_undone(desk: Editing) -> None:
    """Its words and address like any other's; each step is taken back alone."""
    desk.act("own", title="A reading", url="https://courier.example/a/", where="end")
    key = own_key(desk)
    assert desk.room.titles(desk.edition) == ["The harbour", "The bridge", "A reading"]
    was = {
        "was_title": "A reading",
        "was_excerpt": "",
        "was_section": "",
        "was_url": "https://courier.example/a/",
    }
    new = {"title": "Two readings", "excerpt": "", "section": "", "url": "https://courier.example/b/"}
    desk.act("rewrite", story=key, **was, **new)
    assert "https://courier.example/b/" in mail(desk)
    assert "At first:" in desk.page
    desk.act("rewrite", 422, story=key, **was, **(new | {"url": "javascript:alert(1)"}))
    desk.act("drop", story=key)
    assert desk.room.titles(desk.edition) == ["The harbour", "The bridge"]
    assert "Two readings" in desk.page or "A reading" in desk.page  # among those that are out
    for title in ("Two readings", "A reading"):
        undo_last(desk)
        assert title in mail(desk)
    undo_last(desk)
    assert "A reading" not in mail(desk)
    assert "item:" not in desk.page


def test_what_cannot_be_a_story_is_typed_still(desk: Editing) -> None:
    """Without a title, with an address that is none, with a drawing: nothing is made, nothing is lost."""
    page = desk.act("own", 422, title="", excerpt="Kept words")
    assert "Kept words" in page
    assert "cannot be empty" in page
    assert "web address" in desk.act("own", 422, title="A", url="ftp://courier.example")
    assert "SVG is not taken" in send(desk, "own", SVG, 422, title="A")
    with desk.room.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(EditionChange)) == 0


def test_a_picture_is_taken_by_its_content_and_made_anew(desk: Editing) -> None:
    """Whatever its name: made again without what it carried, shown on the page, undone, left out."""
    story = f"post:{desk.posts['The harbour']}"
    sent = picture("GIF")
    send(desk, "picture", sent, story=story, alt="A bridge at dawn")
    found = re.search(r'src="[^"]*(/p/[0-9a-f]{64}\.(?:png|jpg))"', mail(desk))
    assert found is not None
    assert "A bridge at dawn" in mail(desk)
    kept = desk.hands.client.get(found[1])
    assert kept.status_code == 200
    assert b"secret" in sent
    assert b"secret" not in kept.content
    assert f'<img src="{found[1]}"' in desk.page
    was = {"was_url": f"https://courier.example{found[1]}", "was_width": 40, "was_height": 30}
    desk.act("picture", story=story, alt="A bridge at dusk", **was)
    assert "A bridge at dusk" in mail(desk)
    desk.act("picture", story=story, way="none")
    assert "A bridge at dusk" not in mail(desk)
    undo_last(desk)
    assert "A bridge at dusk" in mail(desk)


def test_what_is_no_picture_is_refused(desk: Editing) -> None:
    """A drawing with a script, a page, nothing at all, or too much."""
    story = f"post:{desk.posts['The bridge']}"
    for body in (SVG, b"<html>", b"GIF89a"):
        assert "no PNG, JPEG, GIF or WebP" in send(desk, "picture", body, 422, story=story)
    assert "Choose a file" in desk.act("picture", 422, story=story, alt="Words")
    assert "more than 8 MB" in send(desk, "picture", b"0" * 8_000_001, 422, story=story)
    assert "<img" not in mail(desk)
