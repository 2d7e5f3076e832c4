"""What every test gets: an environment without settings of this machine, and the services of the run.

The heavy parts are in tests/servers. A service that is missing skips its tests and is printed in red at the
end; with REQUIRE_SERVICES=1 it fails them.
"""

from __future__ import annotations

import gc
import itertools
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import hypothesis
import pytest

import digest.logs  # noqa: F401  # before anybody imports structlog with what draws tracebacks
from digest.errors import ConfigError
from tests.servers import migrated, run, speed, turns

if TYPE_CHECKING:
    from tests.servers.postgres import PostgresServer, PrivatePostgres
    from tests.servers.redis import RedisServer

_RUN = pytest.StashKey[Path]()
_LOCK = pytest.StashKey[int]()
_TITLES = {
    "postgres": "PostgreSQL",
    "redis": "Redis",
    "chromium": "Chromium",
    "opendkim": "OpenDKIM",
    "postfix": "Postfix",
    "spamassassin": "SpamAssassin",
    "thunderbird": "Thunderbird",
}


def pytest_configure(config: pytest.Config) -> None:
    """Forget this machine's settings; make the run's folder, or take the controller's."""
    speed.keep_bytecode()
    speed.use_memory_for_files()
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        del os.environ[name]
    # No example is judged by the clock: a busy machine is no fault. `make proof` asks for the second.
    hypothesis.settings.register_profile("house", deadline=None, max_examples=20)
    hypothesis.settings.register_profile("proof", deadline=None, max_examples=500)
    hypothesis.settings.load_profile(config.getoption("--hypothesis-profile") or "house")
    if hasattr(config, "workerinput"):
        gc.disable()  # until all is imported and collected
        config.stash[_RUN] = Path(config.workerinput["digest_run"])
    else:
        config.stash[_RUN], config.stash[_LOCK] = run.make_run_folder()
    migrated.keep_in(config.stash[_RUN])


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Have the workers of a run of everything share the compiling."""
    given = getattr(session.config, "workerinput", {})
    if given.get("digest_everything"):
        speed.share_compiling(int(given["workerid"].removeprefix("gw")), given["workercount"])


@pytest.hookimpl(tryfirst=True)  # before anything is left out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have the databases take turns, and order the rest.

    Begin with what waits for the clock and with the browser, which keep one worker each for long.

    What starts processes waits for them now and then: its files are spread over the first two thirds of the
    rest, so that other workers have something to compute meanwhile, and nothing long is left for the end.
    """

    def has(item: pytest.Item, *marks: str) -> bool:
        return any(item.get_closest_marker(mark) for mark in marks)

    if turns.is_run_of_everything(config):
        turns.take_turns(items)
    first = [item for item in items if has(item, "waits", "browser")]
    first.sort(key=lambda item: not has(item, "waits"))
    rest = [item for item in items if not has(item, "waits", "browser", "process")]
    others = [item for item in items if has(item, "process") and not has(item, "waits", "browser")]
    files = [list(group) for _, group in itertools.groupby(others, key=lambda item: item.path)]
    ordered = [(number * len(rest) * 2 // (3 * len(files)), file) for number, file in enumerate(files)]
    for place, file in reversed(ordered):
        rest[place:place] = file
    items[:] = first + rest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal out the tests one by one, but whole files of those that share processes."""
    from tests.servers import sharing

    return sharing.Scheduler(config, log)


def pytest_collection_finish() -> None:
    """What has been imported stays: the collector of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as rarely as the product's own processes, or thereabouts
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each xdist worker the run's folder, and whether all is run."""
    node.workerinput["digest_run"] = str(node.config.stash[_RUN])
    node.workerinput["digest_everything"] = turns.is_run_of_everything(node.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the services, in the controller."""
    if _LOCK in config.stash:
        run.end_run(config.stash[_RUN], config.stash[_LOCK])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which services the tests ran against, and which they went without."""
    for service in run.announced(config.stash[_RUN]):
        title = _TITLES[service.name]
        if service.url:
            terminalreporter.write_line(f"{title}: {service.text}")
        else:
            terminalreporter.write_line(f"{title}: NOT TESTED, {service.text}", red=True, bold=True)


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees the settings of another one."""
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        monkeypatch.delenv(name)
    yield
    config = sys.modules.get("digest.config")
    if config is not None:
        config.settings.cache_clear()


@pytest.fixture(autouse=True)
def _own_log_handlers() -> Iterator[None]:
    """A test that sets up logs, as commands do, leaves no handler to the next: its stream is shut."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> PostgresServer:
    """The PostgreSQL server of the run."""
    from tests.servers.postgres import PostgresServer

    service = run.obtain(pytestconfig.stash[_RUN], "postgres")
    if not service.url:
        _missing(service)
    return PostgresServer(service.url, service.text)


@pytest.fixture(scope="session")
def migrated_postgres(pytestconfig: pytest.Config, postgres_server: PostgresServer) -> str:
    """The name of a migrated database without rows: to copy it costs a tenth of migrating another."""
    return migrated.postgres_name(pytestconfig.stash[_RUN], postgres_server)


@pytest.fixture(scope="session")
def sqlite_template(pytestconfig: pytest.Config) -> Path:
    """A migrated SQLite file without rows."""
    return migrated.sqlite_file(pytestconfig.stash[_RUN])


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database for one test."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="module")
def private_postgres(pytestconfig: pytest.Config) -> Iterator[PrivatePostgres]:
    """A PostgreSQL server that the tests of a module may stop and start again.

    In the run's folder: a test's own is closed to the account that the server runs as.
    """
    from tests.servers import postgres

    folder = Path(tempfile.mkdtemp(prefix="private-", dir=pytestconfig.stash[_RUN]))
    folder.chmod(0o711)
    try:
        with postgres.private(folder) as server:
            yield server
    except ConfigError as error:
        _missing(run.Service("postgres", "", str(error)))


@pytest.fixture(scope="session")
def redis_server(pytestconfig: pytest.Config) -> RedisServer:
    """The Redis server of the run."""
    from tests.servers.redis import RedisServer

    service = run.obtain(pytestconfig.stash[_RUN], "redis")
    if not service.url:
        _missing(service)
    return RedisServer(service.url, service.text)


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """An empty Redis database, this xdist worker's own, as Celery and the client take it."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    redis_server.flush(number)
    return redis_server.url(number)


def _program(config: pytest.Config, service: run.Service) -> Path:
    """Where a program is that Debian must provide; without it the test is skipped, or fails if required."""
    run.announce(config.stash[_RUN], service)
    if not service.url:
        _missing(service)
    return Path(service.url)


@pytest.fixture(scope="session")
def chromium_path(pytestconfig: pytest.Config) -> Path:
    """The browser's program."""
    from tests.servers import chromium

    return _program(pytestconfig, chromium.find())


@pytest.fixture(scope="session")
def opendkim_path(pytestconfig: pytest.Config) -> Path:
    """The verifier's program."""
    from tests.servers import opendkim

    return _program(pytestconfig, opendkim.find())


@pytest.fixture(scope="session")
def spamassassin_path(pytestconfig: pytest.Config) -> Path:
    """The program that judges mails as receivers do."""
    from tests.servers import spamassassin

    return _program(pytestconfig, spamassassin.find())


@pytest.fixture(scope="session")
def thunderbird_path(pytestconfig: pytest.Config) -> Path:
    """The mail program, with a screen for it; `make proof` alone asks for it."""
    from tests.servers import thunderbird

    return _program(pytestconfig, thunderbird.find())


@pytest.fixture(scope="session")
def postfix_path(pytestconfig: pytest.Config) -> Path:
    """The program that runs Postfix's processes."""
    from tests.servers import postfix

    return _program(pytestconfig, postfix.find())


def _missing(service: run.Service) -> NoReturn:
    sentence = f"{_TITLES[service.name]}: {service.text}"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{sentence} (and REQUIRE_SERVICES=1)", pytrace=False)
    pytest.skip(sentence)
