"""Files that people give the desk: what they are is seen by what is in them, and no byte is handed on."""

from __future__ import annotations

import io
import zlib

import httpx2
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from PIL import Image

from digest.db import Database
from digest.models import Account, Asset, Digest
from digest.rendering.theme_form import flat
from digest.web.desk import cookies
from tests.factories import make_cadence, make_digest
from tests.integration.web.desk.hands import HERE, Hands, signed_in

SCRIPT = b"<script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'


def picture(kind: str) -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (40, 20), "#1f4a73").save(drawn, kind)
    return drawn.getvalue()


def bomb() -> bytes:
    """A PNG of thirty thousand by thirty thousand dots, in a few hundred bytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")

    side = (30_000).to_bytes(4, "big")
    head = chunk(b"IHDR", side + side + b"\x08\x02\x00\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 9000)) + chunk(b"IEND", b"")


NO_PICTURES = {
    "a drawing": ("logo.svg", SVG, "image/svg+xml"),
    "a drawing called a picture": ("logo.png", SVG, "image/png"),
    "a drawing behind a declaration": ("logo.png", b"\xef\xbb\xbf<?xml version='1.0'?>" + SVG, "image/png"),
    "a page": ("logo.gif", b"GIF89a" + SCRIPT, "image/gif"),
    "a bomb": ("logo.png", bomb(), "image/png"),
    "half of one": ("logo.png", picture("PNG")[:40], "image/png"),
    "nothing": ("logo.png", b"", "image/png"),
    "a program": ("logo.jpg", b"MZ" + b"\0" * 200, "image/jpeg"),
    "another kind": ("logo.png", picture("BMP"), "image/png"),
}


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


@pytest.fixture
def digest_id(database: Database) -> int:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        return digest.id


def give(hands: Hands, digest_id: int, name: str, body: bytes, kind: str) -> httpx2.Response:
    fields = {"form_token": cookies.form_token(hands.token), "layout": "paper", "accent": "#1f4a73"}
    headers = {**HERE, "cookie": f"desk={hands.token}"}
    files = {"logo": (name, body, kind)}
    return hands.client.post(f"/desk/digests/{digest_id}/look", data=fields, files=files, headers=headers)


def stored(database: Database) -> list[Asset]:
    with database.read() as session:
        return list(session.scalars(sa.select(Asset).order_by(Asset.id)))


def test_what_is_no_picture_is_not_kept(hands: Hands, database: Database, digest_id: int) -> None:
    """Whatever it is called, and whatever the browser says it is: the form comes again, with the reason."""
    answers = {what: give(hands, digest_id, *file).status_code for what, file in NO_PICTURES.items()}
    assert answers == dict.fromkeys(NO_PICTURES, 422)
    assert stored(database) == []


def test_a_picture_is_drawn_anew(hands: Hands, database: Database, digest_id: int) -> None:
    """What was hidden in it or behind it is gone, and it is served as the picture that it is."""
    for kind in ("PNG", "JPEG", "GIF"):
        _is_drawn_anew(hands, database, digest_id, picture(kind) + SCRIPT)


def _is_drawn_anew(hands: Hands, database: Database, digest_id: int, body: bytes) -> None:
    assert give(hands, digest_id, "a.html", body, "text/html").status_code == 303
    assert {each.media_type for each in stored(database)} <= {"image/png", "image/jpeg"}
    with database.read() as session:
        look = flat(session.get_one(Digest, digest_id).look)
    answer = hands.client.get(f"/p/{look['logo.file']}")
    assert answer.status_code == 200
    assert SCRIPT not in answer.content
    assert answer.content != body
    assert answer.headers["content-type"] in {"image/png", "image/jpeg"}
    assert answer.headers["x-content-type-options"] == "nosniff"
