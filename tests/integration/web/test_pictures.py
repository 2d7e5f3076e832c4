"""Our copies of pictures, as mails and web editions ask for them."""

from __future__ import annotations

import hashlib
import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from digest.db import Database
from digest.feeds.picture_file import mail_picture
from digest.feeds.stored_pictures import KIND
from digest.lists import assets
from tests.factories.moments import NOW
from tests.integration.web.scanner import watched


def make_copy(database: Database, kind: str = KIND, mode: str = "RGB") -> tuple[str, bytes]:
    """A copy in the database: its name without the ending, and its bytes."""
    out = io.BytesIO()
    Image.new(mode, (90, 60)).save(out, "PNG")
    made = mail_picture(out.getvalue())
    with database.write() as session:
        stream = io.BytesIO(made.data)
        stored = assets.store(session, stream, kind=kind, name="90x60", media_type=made.media_type, now=NOW)
        assert stored.fingerprint == hashlib.sha256(made.data).hexdigest()
        return stored.fingerprint, made.data


def test_a_copy_is_served_to_be_kept(client: TestClient, database: Database) -> None:
    """With its type and length, for a year, for every site that shows mail; nothing in it can run."""
    for mode, ending in (("RGBA", "png"), ("RGB", "png")):
        fingerprint, data = make_copy(database, mode=mode)
        with watched(database) as witness:
            answer = client.get(f"/p/{fingerprint}.{ending}")
            head = client.head(f"/p/{fingerprint}.{ending}")
            assert witness.changes() == []
        assert (answer.status_code, answer.content) == (200, data)
        assert (head.status_code, head.content) == (200, b"")
        for given in (answer, head):
            assert given.headers["content-type"] == "image/png"
            assert given.headers["content-length"] == str(len(data))
            assert given.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert given.headers["cross-origin-resource-policy"] == "cross-origin"
            assert given.headers["x-content-type-options"] == "nosniff"
            assert given.headers["content-security-policy"].startswith("default-src 'none'; sandbox;")
            assert "set-cookie" not in given.headers


def test_who_has_it_gets_no_body(client: TestClient, database: Database) -> None:
    """304 by its entity tag, with the same word to keep it."""
    fingerprint, _ = make_copy(database)
    url = f"/p/{fingerprint}.png"
    tag = client.get(url).headers["etag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}'):
        again = client.get(url, headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "immutable" in again.headers["cache-control"]
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_else_is_served(client: TestClient, database: Database, method: str) -> None:
    """No file of another kind, no other type than its own, no other spelling, nothing that is gone."""
    fingerprint, _ = make_copy(database)
    upload, _ = make_copy(database, kind="import", mode="RGBA")
    names = [f"{fingerprint}.jpg", f"{fingerprint}.svg", fingerprint, f"{fingerprint.upper()}.png"]
    names += [
        f"{upload}.png",
        f"{'0' * 64}.png",
        f"{'0' * 64}.jpg",
        "x.png",
        f"{fingerprint}.png%00",
        "..%2fx.png",
    ]
    assert upload != fingerprint
    for name in names:
        answer = client.request(method, f"/p/{name}")
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store"), name
    assert client.post(f"/p/{fingerprint}.png").status_code == 405
