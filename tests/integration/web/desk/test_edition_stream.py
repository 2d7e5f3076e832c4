"""The stream of an edition's figures by a real server: what it costs, whom it lets in, and how it ends."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from digest import clock, keys
from digest.accounts.sessions import open_session
from digest.config import Settings
from digest.db import Database
from digest.deliveries import control
from digest.models import AccountDigest, AccountRole, Edition, EditionState
from digest.web.deps import Services
from digest.web.desk.live import Live
from digest.web.desk.pages.edition_progress import look_at_edition
from digest.web.listener import listen
from digest.web.serve import _config, _Server
from tests.factories import make_account
from tests.integration.newsroom import make_newsroom
from tests.servers.waiting import HANG, wait_until

MANY = 30


@dataclass(frozen=True, slots=True)
class Running:
    """A server in a thread of this process, so that its statements can be counted; `token` is an editor's."""

    database: Database
    port: int
    live: Live
    edition: int
    token: str
    stop: Callable[[], None]
    connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def open(
        self, *, state: str = "sending", token: str = "", edition: int = 0, method: str = "GET"
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG)
        self.connections.append(connection)
        path = f"/desk/editions/{edition or self.edition}/stream?state={state}"
        connection.request(method, path, headers={"Cookie": f"desk={token or self.token}"})
        return connection.getresponse()

    def leave(self) -> None:
        """Close every stream, as a browser does whose page is left."""
        while self.connections:
            connection = self.connections.pop()
            if connection.sock is not None:
                connection.sock.close()
            connection.close()


def told(answer: http.client.HTTPResponse, name: str) -> str:
    """The next event of this name, as it came."""
    lines: list[str] = []
    while True:
        line = answer.readline().decode()
        assert line, f"it ended without {name}: {lines}"
        if line == "\n":
            if f"event: {name}\n" in lines:
                return "".join(lines)
            lines = []
        else:
            lines.append(line)


@pytest.fixture
def running(settings: Settings, database: Database) -> Iterator[Running]:
    room = make_newsroom(database)
    room.publish("The harbour", categories=["Commentary"])
    edition = room.edition()
    room.freeze(edition)
    assert room.send(edition) is EditionState.SENDING
    with database.write() as session:
        me = make_account(session, role=AccountRole.EDITOR, password_hash="x")
        session.add(AccountDigest(account_id=me.id, digest_id=room.digest_id))
        token = open_session(session, me, is_whole=True, network="", agent="", now=clock.utc_now())
    services = Services(settings, database, keys.load(settings.secrets_folder))
    ready = threading.Event()
    config = _config(settings, services)
    server: Any = _Server(config, ready.set)
    # One look, and then none for longer than any test takes.
    live = Live(lambda key, languages: look_at_edition(services, key, languages), every=3600, most=MANY)
    config.app.state.live = live  # type: ignore[union-attr]
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join(HANG)
            assert not thread.is_alive()

        try:
            assert ready.wait(HANG)
            running = Running(database, listener.getsockname()[1], live, edition, token, stop)
            yield running
            running.leave()
        finally:
            stop()


@contextlib.contextmanager
def counted(database: Database, what: str) -> Iterator[list[str]]:
    """The statements that have these words in them."""
    found: list[str] = []

    def note(*given: Any) -> None:
        if what in given[2]:
            found.append(given[2])

    sa.event.listen(database.engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(database.engine, "before_cursor_execute", note)


def test_many_streams_cost_one_look_and_hold_nothing(running: Running) -> None:
    """All are told by one look; open, they hold no connection of the database; gone, nothing is left."""
    threads = threading.active_count()
    with counted(running.database, "GROUP BY deliveries.status") as looks:
        streams = [running.open() for _ in range(MANY)]
        for each in streams:
            assert each.status == 200
            assert each.headers["content-type"].startswith("text/event-stream")
            assert "waiting" in told(each, "figures")
        assert len(looks) == 1
    assert (running.live.streams, running.live.channels) == (MANY, 1)
    pool: Any = running.database.engine.pool
    assert pool.checkedout() == 0
    # The server's own few, of which none waits for a stream.
    assert threading.active_count() - threads < MANY
    full = running.open()
    assert full.status == 503
    for each in (*streams, full):
        each.close()
    running.leave()
    wait_until(
        lambda: running.live.streams == 0 and running.live.channels == 0, what="the end of the streams"
    )


def test_a_stream_ends_with_its_edition_and_with_its_server(running: Running) -> None:
    """Another state than the page has is the last word; and the server's stop waits for no stream."""
    assert "data: sending" in told(running.open(state="paused"), "state")
    with running.database.write() as session:
        found = session.get_one(Edition, running.edition)
        control.pause(session, found, actor="cli:nare", now=clock.utc_now())
    last = running.open()
    assert "data: paused" in told(last, "state")
    assert last.read() == b""
    open_one = running.open(state="paused")
    told(open_one, "figures")
    began = time.monotonic()
    running.stop()
    assert open_one.read() == b""
    assert time.monotonic() - began < 8  # after which the server would have cut it


def test_a_stream_is_for_those_who_may_see_the_edition(running: Running) -> None:
    """Somebody else's is not there; nobody in particular is led to sign in; asked for its head it ends."""
    with running.database.write() as session:
        other = make_account(session, role=AccountRole.EDITOR, password_hash="x")
        token = open_session(session, other, is_whole=True, network="", agent="", now=clock.utc_now())
    assert running.open(token=token).status == 404
    assert running.open(edition=2**40).status == 404
    assert running.open(token="nobody").status == 303
    assert running.open(method="HEAD").status == 200
    assert running.live.streams == 0
