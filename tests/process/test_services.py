"""The services of a test run: they are what the ladder says, and they end with the run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from tests.servers import chromium, postgres, run
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer, private
from tests.servers.waiting import process_lives, wait_until

pytestmark = pytest.mark.process

_ROOT = Path(__file__).resolve().parents[2]


def test_databases_come_and_go(postgres_server: PostgresServer) -> None:
    """A database can be made as a copy of another, and is gone after its block."""
    template = postgres_server.create_database()
    with psycopg.connect(postgres_server.url(template)) as connection:
        connection.execute("CREATE TABLE story AS SELECT 'Ծիրան' AS title")
    with postgres_server.database(template=template) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT title FROM story").fetchone() == ("Ծիրան",)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
    postgres_server.drop_database(template)


def test_postgres_url_is_an_empty_database(postgres_url: str) -> None:
    """A test begins without tables of another."""
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert found == (0,)


def test_redis_database_is_emptied(redis_server: RedisServer, redis_url: str) -> None:
    """A test begins without keys of another, and does not touch another worker's database."""
    other = redis_server.url(63)
    with redis.Redis.from_url(redis_url) as mine, redis.Redis.from_url(other) as theirs:
        mine.set("key", "mine")
        theirs.set("key", "theirs")
        redis_server.flush(int(redis_url.rpartition("/")[2]))
        assert mine.get("key") is None
        assert theirs.get("key") == b"theirs"
        theirs.flushdb()


def test_private_redis_can_be_killed_and_comes_back(tmp_path: Path) -> None:
    """A test's own server keeps its port and what was on disk."""
    with private(tmp_path / "redis") as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "kept")
        wait_until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        server.restart()
        assert client.get("key") == b"kept"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_services_end_with_a_killed_run(tmp_path: Path, number: int) -> None:
    """However the controller ends, no server is left, and the next run removes its folder."""
    code = (
        "import sys, time\nfrom tests.servers import run\n"
        "folder, lock = run.make_run_folder()\n"
        "print(folder, flush=True)\n"
        "for name in ('postgres', 'redis'): print(run.obtain(folder, name).url, flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as controller:
        assert controller.stdout is not None
        folder = Path(controller.stdout.readline().strip())
        postgres_url, redis_url = (controller.stdout.readline().strip() for _ in range(2))
        server = int((folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        with redis.Redis.from_url(redis_url) as client:
            other = client.info("server")["process_id"]
        assert process_lives(server)
        controller.send_signal(number)
    wait_until(lambda: not process_lives(server) and not process_lives(other), what="the end of both servers")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres_url, connect_timeout=2)
    wait_until(lambda: all(run._is_free(keeper) for keeper in folder.glob("*.keeper")))
    run._sweep()
    assert not folder.exists()


@pytest.mark.slow
def test_packaged_server_runs(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ladder's last rung works, from a folder that the server's account cannot look into too."""
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    monkeypatch.setattr(postgres, "_system_programs", lambda: None)
    monkeypatch.setattr(postgres, "_open_to_all", lambda _path: False)
    folder, lock = run.make_run_folder()
    try:
        with postgres.serve(folder) as service:
            assert service.text.endswith("from package")
            with psycopg.connect(service.url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        run.end_run(folder, lock)
    assert not folder.exists()


_INNER = """
def test_wants_postgres(postgres_server):
    assert postgres_server
"""


@pytest.mark.slow
@pytest.mark.parametrize(("required", "status"), [("0", 0), ("1", 1)])
def test_missing_service_is_loud(tmp_path: Path, required: str, status: int) -> None:
    """Without a server its tests are skipped and a line says so; with REQUIRE_SERVICES=1 the run fails."""
    (tmp_path / "test_inner.py").write_text(_INNER)
    (tmp_path / "conftest.py").write_text(
        "from tests.conftest import *\n"
        "from tests.servers import run\n"
        "def obtain(folder, name):\n"
        "    service = run.Service(name, '', 'none here')\n"
        "    run.announce(folder, service)\n"
        "    return service\n"
        "run.obtain = obtain\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "0",
            "-c",
            "/dev/null",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        env={**os.environ, "REQUIRE_SERVICES": required, "PYTHONPATH": str(_ROOT)},
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "PostgreSQL: NOT TESTED, none here" in done.stdout
    assert ("1 skipped" if status == 0 else "1 error") in done.stdout


@pytest.mark.slow
def test_event_loop_can_be_run_after_a_browser(chromium_path: Path) -> None:
    """A closed browser leaves the thread free for an event loop of a test's own."""

    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    with chromium.launched(chromium_path) as browser:
        assert browser.version
    assert asyncio.run(answer()) == 42


def test_announcements_are_read_back(tmp_path: Path) -> None:
    """What one worker says about a service is what the summary prints."""
    service = run.Service("redis", "redis://127.0.0.1:1", "7.0 from system")
    run.announce(tmp_path, service)
    assert run.announced(tmp_path) == [service]
    assert json.loads((tmp_path / "redis.json").read_text())["text"] == "7.0 from system"
