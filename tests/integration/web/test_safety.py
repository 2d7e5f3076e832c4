"""What holds for every answer: headers, methods, errors in words, nothing given away."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from digest import config
from digest.config import Settings
from digest.db import Database
from digest.errors import ConfigError, SchemaError, UnreachableError
from digest.i18n import use_words
from digest.web.app import create_app
from tests.integration.web.doors import routes_of
from tests.integration.web.rows import Scene, make_settings


def paths(scene: Scene) -> list[str]:
    """One address of each kind."""
    return [
        "/",
        "/health",
        "/robots.txt",
        "/static/public.css",
        "/static/live.js",
        f"/e/{scene.public_id}",
        f"/u/{scene.token}",
        "/u/other",
        "/u/other/page",
        "/undo/other",
        "/f/data/other",
        "/f/other/other",
        "/k/other",
        "/stop/other",
        "/proof/other",
        "/s",
        "/s/other",
        "/c/other",
        "/e/other",
        "/p/other",
        "/archive/other",
        "/archive/other/2026-11",
        "/archive/other/feed.xml",
        "/archive/other/feed.json",
        "/sitemap.xml",
        "/inbox",
        "/inbox/other",
        "/inbox/other/html",
        "/inbox/other/source",
        "/inbox/other/raw",
        "/static/other",
        "/other",
    ]


def test_every_answer_has_the_headers(client: TestClient, scene: Scene) -> None:
    """No cookie, no sniffing, no referrer, and a policy that starts from nothing."""
    for path in paths(scene):
        for answer in (client.get(path), client.head(path), client.post(path), client.put(path)):
            assert "set-cookie" not in answer.headers
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert not answer.is_redirect
            assert answer.status_code < 500


@pytest.mark.parametrize("sign", ["%00", "a%00b", "%ED%A0%80", "%FF", "%EF%BF%BE"])
def test_no_sign_in_an_address_is_a_fault_of_ours(
    app: FastAPI, client: TestClient, scene: Scene, sign: str
) -> None:
    """Wherever a route takes a name or a text: PostgreSQL has no NUL, UTF-8 no halves of signs."""
    found = [path for path, _ in routes_of(app) if "{" in path]
    assert len(found) > 12
    addresses = [re.sub(r"\{[^}]+\}", sign, path) for path in found]
    addresses += [
        re.sub(r"\{kind\}", "data", path).replace("{token}", sign) for path in found if "{kind}" in path
    ]
    addresses += [
        f"/u/{scene.token}/page?done={sign}&was={sign}",
        f"/u/{scene.token}/page?done=left&was={sign}",
    ]
    addresses += [f"/inbox?before={sign}", f"/s?list={sign}", f"/c/{scene.token}?p={sign}", f"/{sign}"]
    for path in addresses:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            assert client.request(method, path).status_code < 500, (method, path)
    headers = {"Accept-Language": "\x00\xff", "Origin": "\x00\xff", "If-None-Match": "\xff"}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    assert client.get(f"/e/{scene.public_id}", headers=encoded).status_code == 200
    body = {"do": "\0", "value": "\0", "word": "\0", "address": "\0", "\0": "\0", f"topic-{sign}": "1"}
    for do in (
        "\0",
        "cadence",
        "pause_until",
        "topics",
        "join",
        "leave",
        "language",
        "text",
        "reason",
        "ask",
    ):
        answer = client.post(f"/u/{scene.token}/page", data={**body, "do": do}, follow_redirects=False)
        assert answer.status_code < 500, do


def test_only_a_few_routes_take_a_post(app: FastAPI) -> None:
    """Every route takes GET and HEAD; a few take POST too. A new one that acts must be thought about here."""
    methods = routes_of(app)
    assert len(methods) > 20
    acting = [(path, set(given)) for path, given in methods if given != {"GET", "HEAD"}]
    assert acting == [
        ("/s/{name}", {"POST"}),
        ("/s", {"POST"}),
        ("/s/{name}", {"OPTIONS"}),
        ("/s", {"OPTIONS"}),
        ("/c/{token}", {"POST"}),
        ("/u/{token}", {"POST"}),
        ("/u/{token}/page", {"POST"}),
        ("/undo/{token}", {"POST"}),
        ("/f/{kind}/{token}", {"POST"}),
        ("/stop/{token}", {"POST"}),
        ("/proof/{token}", {"POST"}),
        ("/k/{token}", {"POST"}),
    ]


def test_the_routes_are_not_published(client: TestClient) -> None:
    """FastAPI's own pages are off."""
    assert {client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")} == {404}


def test_addresses_have_one_spelling(client: TestClient, scene: Scene) -> None:
    """Another spelling leads nowhere: neither to the page nor, by a redirect that shows the token, to it."""
    token = scene.token
    spellings = [
        f"/u/{token}/",
        f"//u/{token}",
        f"/u//{token}",
        f"/U/{token}",
        f"/u/{token};x",
    ]
    for path in [*spellings, f"/u/./{token}/x", f"/e/../u/{token}/"]:
        answer = client.get("http://testserver" + path)
        assert answer.status_code == 404, path
        assert token not in answer.text


def test_static_files_are_only_those(client: TestClient) -> None:
    """Nothing outside the folder, by whatever spelling."""
    tries = ["..%2fapp.py", "%2e%2e/app.py", "....//app.py", "%00", "/etc/passwd", "%5c..%5capp.py", "", "."]
    assert {client.get(f"/static/{path}").status_code for path in tries} == {404}
    assert client.get("/static/public.css").status_code == 200


def test_static_files_are_kept_by_browsers(client: TestClient) -> None:
    """For a day, and then asked for by entity tag."""
    first = client.get("/static/public.css")
    assert first.headers["content-type"].startswith("text/css")
    assert first.headers["cache-control"] == "public, max-age=86400"
    again = client.get("/static/public.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "public, max-age=86400"


def test_crawlers_are_kept_from_links_of_mails(client: TestClient, settings: Settings) -> None:
    """Each line of the file is a rule; sign-off links and the inbox are among them."""
    rules = client.get("/robots.txt").text.splitlines()
    kept = ["/u/", "/c/", "/undo/", "/f/", "/k/", "/stop/", "/proof/", "/inbox"]
    sitemap = f"Sitemap: {settings.public_url}/sitemap.xml"
    assert rules == ["User-agent: *", *(f"Disallow: {path}" for path in kept), "", sitemap]


def test_an_error_nobody_foresaw_is_a_page_and_one_line(app: FastAPI, scene: Scene) -> None:
    """The reader gets a sentence and a reference; the log the same reference, the route and no token."""

    def fail(token: str) -> None:
        raise RuntimeError("a secret of the house")

    app.add_api_route("/fail/{token}", fail)
    with TestClient(app) as client, capture_logs() as logged:
        answer = client.get(f"/fail/{scene.token}", headers={"Accept-Language": "hy"})
    assert answer.status_code == 500
    assert '<html lang="hy"' in answer.text
    assert "secret" not in answer.text
    (line,) = [line for line in logged if line["log_level"] == "error"]
    assert re.fullmatch(r"[0-9a-f]{8}", line["reference"])
    assert line["reference"] in answer.text
    assert (line["route"], line["method"]) == ("/fail/{token}", "GET")
    assert scene.token not in repr(line)


def test_an_answer_that_has_begun_is_cut(app: FastAPI) -> None:
    """A fault in mid-answer cannot become a page any more; it reaches the server, which hangs up."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("in the middle")

    app.add_api_route("/begin", lambda: StreamingResponse(parts()))
    with TestClient(app) as client, capture_logs() as logged, pytest.raises(RuntimeError, match="middle"):
        client.get("/begin")
    assert [line["route"] for line in logged if line["log_level"] == "error"] == ["/begin"]


def test_the_start_is_refused_in_one_sentence(database_url: str, database: Database, tmp_path: Path) -> None:
    """Without keys, another schema, no database, wrong words: our errors, before anything is served."""
    bare = config.load(data_dir=tmp_path / "bare", database_url=database_url)
    nowhere = (
        "postgresql://nobody@127.0.0.1:1/none" if not database.is_sqlite else "sqlite:////no/such/folder/x"
    )
    with database.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = 'of tomorrow'"))
    cases: list[tuple[Settings, type[Exception]]] = [
        (bare, ConfigError),
        (make_settings(tmp_path / "data", database_url), SchemaError),
        (make_settings(tmp_path / "data", nowhere), UnreachableError),
    ]
    for settings, kind in cases:
        with pytest.raises(kind), TestClient(create_app(settings)):
            pass
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "ar.po").write_text("no catalogue", encoding="utf-8")
    worded = make_settings(tmp_path / "data", database_url, templates=tmp_path)
    try:
        with pytest.raises(ConfigError, match=r"words/ar\.po"), TestClient(create_app(worded)):
            pass
    finally:
        use_words(None)
