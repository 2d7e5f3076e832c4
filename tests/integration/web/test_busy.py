"""Pages while the database is busy or gone."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from digest.config import Settings
from digest.db import Database
from digest.db.schema import upgrade
from digest.models import Digest, Subscription, SubscriptionStatus
from digest.web.app import create_app
from tests.integration.web.rows import Scene, make_scene, make_settings
from tests.integration.web.served import served
from tests.servers.postgres import PostgresServer
from tests.servers.waiting import wait_until

pytestmark = pytest.mark.both_databases

FEW_SECONDS = 25.0  # less than the 30 s for which SQLite waits for a lock, however slow the machine


def ask(url: str, body: bytes | None = None) -> int:
    """The status of a GET, or of a POST with this body."""
    try:
        with urlopen(url, data=body, timeout=60) as answer:
            answer.read()
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


@contextmanager
def writing(database: Database) -> Iterator[threading.Event]:
    """Another process's long write, of every subscription and digest, until the event is set."""
    begun, done = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write() as session:
            session.execute(sa.update(Subscription).values(topics=["held"]))
            session.execute(sa.update(Digest).values(sister_group="held"))
            begun.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert begun.wait(60)
        yield done
    finally:
        done.set()
        thread.join()


def test_pages_are_read_while_somebody_writes(
    database: Database, settings: Settings, scene: Scene, tmp_path: Path
) -> None:
    """50 readers at once are answered soon, though a writer holds its transaction all the while, and though
    20 sign-offs wait for that writer; those succeed when it is done."""
    people = [scene, *(make_scene(database, settings) for _ in range(19))]
    paths = [f"/e/{scene.public_id}", f"/u/{scene.token}", "/health", "/", "/static/public.css"] * 10
    with (
        served(settings, tmp_path) as server,
        concurrent.futures.ThreadPoolExecutor(70) as pool,
        writing(database) as done,
    ):
        posts = [
            pool.submit(ask, f"{server.url}/u/{one.token}", b"List-Unsubscribe=One-Click") for one in people
        ]
        start = time.monotonic()
        answers = list(pool.map(ask, [server.url + path for path in paths]))
        took = time.monotonic() - start
        assert answers == [200] * 50
        assert took < FEW_SECONDS
        assert not [post for post in posts if post.done()]
        done.set()
        assert [post.result() for post in posts] == [200] * 20
    with database.read() as session:
        statuses = session.scalars(sa.select(Subscription.status)).all()
    assert statuses == [SubscriptionStatus.ENDED] * 20


def test_health_says_no_more_than_that_all_is_well(client: TestClient) -> None:
    """Two words, for machines."""
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok"})


def test_health_does_not_wait_for_a_locked_file(tmp_path: Path, sqlite_template: Path) -> None:
    """A SQLite file that somebody holds for himself alone: 503 soon, and 200 again afterwards."""
    path = tmp_path / "digest.db"
    path.write_bytes(sqlite_template.read_bytes())
    settings = make_settings(tmp_path / "data", f"sqlite:///{path}")
    with TestClient(create_app(settings)) as client:
        client.app.state.services.database.close()  # type: ignore[attr-defined]
        holder = sa.create_engine(f"sqlite:///{path}").connect()
        holder.exec_driver_sql("PRAGMA locking_mode = EXCLUSIVE")
        holder.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")
        holder.commit()
        start = time.monotonic()
        answers: list[Any] = [client.get("/health") for _ in range(2)]
        took = time.monotonic() - start
        holder.close()
        holder.engine.dispose()
        assert [answer.status_code for answer in answers] == [503, 503]
        assert answers[0].json() == {"status": "fault", "database": "no answer"}
        assert took < FEW_SECONDS
        wait_until(lambda: client.get("/health").status_code == 200, what="the database is back")


def test_a_database_that_is_gone_is_said_in_words(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """Readers get a page that asks them to come again, mail services 503, so that they try once more."""
    with postgres_server.database() as url:
        plain = url.replace("postgresql://", "postgresql+psycopg://")
        settings = make_settings(tmp_path / "data", plain)
        database = Database(plain)
        upgrade(database)
        scene = make_scene(database, settings)
        database.close()
        with TestClient(create_app(settings)) as client:
            assert client.get("/health").status_code == 200
            postgres_server.drop_database(url.rpartition("/")[2].partition("?")[0])
            with capture_logs() as logged:
                answers = [client.get(f"/e/{scene.public_id}"), client.post(f"/u/{scene.token}")]
            health = client.get("/health")
    assert [answer.status_code for answer in (*answers, health)] == [503, 503, 503]
    assert [answer.headers["retry-after"] for answer in answers] == ["30", "30"]
    assert [line["route"] for line in logged] == ["/e/{public_id}", "/u/{token}"]
    assert scene.token not in repr(logged)
    assert "try again in a few minutes" in answers[0].text
    assert "postgres" not in (answers[0].text + health.text).lower()


def test_unknown_addresses_ask_no_writer(client: TestClient, database: Database) -> None:
    """What is not ours is refused at once, by POST too, while a writer holds its transaction."""
    with writing(database):
        start = time.monotonic()
        assert [client.post(path).status_code for path in ("/e/x", "/u/x", "/inbox")] == [405, 404, 405]
        assert time.monotonic() - start < FEW_SECONDS
