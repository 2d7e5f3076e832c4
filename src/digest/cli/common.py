"""What the commands share: settings, the database, who acts, and output for people and for programs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from zoneinfo import ZoneInfo

import typer

from digest.errors import ConfigError, InputError, SchemaError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.config import Settings
    from digest.db import Database
    from digest.keys import Keys

_T = TypeVar("_T")

JsonOption = typer.Option(False, "--json", help="Print JSON, for programs.")
_WIDE = 200  # columns of a table that no terminal shows
_process = {"is_own": False}


def own_process() -> None:
    """Say that this process is ours alone, so that its logging may be set up when first needed."""
    _process["is_own"] = True


def group(help_text: str, *, epilog: str | None = None) -> typer.Typer:
    """A command group. The callback keeps a group with one command from becoming that command."""
    made = typer.Typer(
        help=help_text, epilog=epilog, no_args_is_help=True, rich_markup_mode=None, add_completion=False
    )
    made.callback(help=help_text)(_nothing)
    return made


def _nothing() -> None:
    return


def settings() -> Settings:
    """The settings of this process."""
    from digest import config  # noqa: PLC0415  (0.2 s that `--help` need not wait for)

    found = config.settings()
    # 0.1 s that a command without words need not wait for: where there are none, there is nothing to name.
    if found.templates is not None or "digest.i18n" in sys.modules:
        from digest.i18n import use_words  # noqa: PLC0415

        use_words(found.templates)
    return found


def load_keys() -> Keys:
    """The installation's keys; raises ConfigError if they are missing."""
    from digest import keys  # noqa: PLC0415

    return keys.load(settings().secrets_folder)


def actor() -> str:
    """Who gives the command, for the audit: the login name."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"cli:{name}"[:120]


def now() -> dt.datetime:
    """The moment of the command."""
    from digest import clock  # noqa: PLC0415

    return clock.utc_now()


@contextmanager
def open_database(*, at_head: bool = True) -> Iterator[Database]:
    """The database, for flows; raises SchemaError unless it is at this version's head."""
    _set_up_logs()
    from digest.db import Database  # noqa: PLC0415
    from digest.db.schema import require_head  # noqa: PLC0415

    url = settings().database
    if at_head:
        _require_file(url)
    database = Database(url)
    try:
        if at_head:
            require_head(database)
        yield database
    finally:
        database.close()


@contextmanager
def read() -> Iterator[Session]:
    """A transaction that only reads."""
    with open_database() as database, database.read() as session:
        yield session


@contextmanager
def write() -> Iterator[Session]:
    """A transaction that commits if the command's block ends well."""
    with open_database() as database, database.write() as session:
        yield session


def shown(moment: dt.datetime | None, zone: str | None = None) -> str:
    """A moment in UTC, and in a zone too if there is one; a dash for none."""
    if moment is None:
        return "-"
    text = f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    if zone and zone != "UTC":
        text += f" ({moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone})"
    return text


def parse_moment(text: str, zone: str | None) -> dt.datetime:
    """`2027-01-15` (its first moment) or `2027-01-15T07:00`, in the zone or UTC; raises InputError."""
    try:
        found = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            f"{text[:40]!r} is not a date; write it like 2027-01-15 or 2027-01-15T07:00."
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(zone or "UTC"))
    return found.astimezone(dt.UTC)


def parse_span(text: str) -> int:
    """`90s`, `20m`, `24h` or `7d` in seconds; a bare number is seconds. Raises InputError."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhd]?)", text.strip().lower())
    if not found:
        raise InputError(f"{text[:40]!r} is not a span of time; write it like 90s, 20m, 24h or 7d.")
    return int(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}[found[2]]


def span(seconds: int) -> str:
    """Seconds as `parse_span` reads them, in the largest unit that fits."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def is_terminal() -> bool:
    """Whether a person looks at what we print."""
    return sys.stdout.isatty()


def say(sentence: str) -> None:
    """A sentence on standard output."""
    typer.echo(sentence)


def print_json(value: Any) -> None:
    """JSON on standard output: moments as ISO 8601 in UTC, dataclasses as objects."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_as_json))


def print_json_line(value: Any) -> None:
    """The same on one line, for programs that read on while it is written."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_as_json))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """A table, or the sentence for none."""
    if not rows:
        say(empty)
        return
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text: a name with [brackets] is a name, not markup.
        table.add_row(*(Text("-" if cell is None else str(cell)) for cell in row))
    width = None if sys.stdout.isatty() else _WIDE
    Console(file=sys.stdout, width=width, highlight=False).print(table)


def say_more(found: Sequence[Any], limit: int) -> None:
    """After a full page of rows with numbers: how to see the next one."""
    if len(found) == limit:
        say(f"There may be more: add --after {found[-1].id}.")


@contextmanager
def progress() -> Iterator[Callable[[int], None] | None]:
    """Tells a person at a terminal how many are done; nothing to a program."""
    if not sys.stderr.isatty():
        yield None
        return
    yield lambda done: typer.echo(f"\r{done:,} done", err=True, nl=False)
    typer.echo("", err=True)


def lines_told(pieces: Iterable[bytes], tell: Callable[[int], None] | None) -> Iterator[bytes]:
    """The same pieces of a table; how many of its lines have gone by is told, the heading not among them."""
    done = -1
    for piece in pieces:
        yield piece
        done += piece.count(b"\n")
        if tell:
            tell(max(done, 0))


def counted(rows: Iterable[_T], tell: Callable[[int], None] | None, *, every: int = 1000) -> Iterator[_T]:
    """The same rows; how many have gone by is told now and then, and at the end."""
    done = 0
    for row in rows:
        done += 1
        if tell and done % every == 0:
            tell(done)
        yield row
    if tell:
        tell(done)


def print_fields(fields: Mapping[str, object]) -> None:
    """Names and values, one a line."""
    width = max(len(name) for name in fields) + 2
    for name, value in fields.items():
        say(f"{name + ':':{width}}{'-' if value is None else value}")


def read_password(file: Path | None, *, prompt: str) -> str:
    """A password from a file, standard input, or a prompt; never from the command's own words.

    Raises InputError for an unreadable file, for nothing, and for letters outside ASCII.
    """
    if file is not None:
        try:
            with file.open(encoding="utf-8") as stream:
                text = stream.read(2000)
        except (OSError, UnicodeDecodeError):
            raise InputError(f"The password file {file} cannot be read.") from None
    elif sys.stdin.isatty():
        text = typer.prompt(prompt, hide_input=True, err=True)
    else:
        text = sys.stdin.readline(2000)
    password = text.strip("\r\n")
    if not password or not password.isascii() or not password.isprintable():
        raise InputError("A password is one line of ASCII letters, digits and signs.")
    return password


def make_private_file(url: str) -> None:
    """Make a new SQLite database's file readable by its owner alone: it is full of addresses."""
    path = url.removeprefix("sqlite:///")
    if path == url:
        return
    try:
        Path(path).touch(mode=0o600)
    except OSError as error:
        raise ConfigError(f"The database file {path} cannot be made: {error.strerror}.") from None


def _require_file(url: str) -> None:
    """On SQLite a file that is not there would be made, empty, by looking."""
    path = url.removeprefix("sqlite:///")
    if path != url and not Path(path).exists():
        raise SchemaError(f"There is no database at {path} yet; run `digest db upgrade`.")


def _set_up_logs() -> None:
    if not _process["is_own"]:
        return
    from digest import logs  # noqa: PLC0415

    # A dropped hint, for one, is nothing to tell a person at a command: the tick finds the rows.
    logs.set_up(level="ERROR", json=settings().log_json)


def _as_json(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def make_folder(path: Path, *, what: str) -> None:
    """Make a folder that only we may read; raises ConfigError with a sentence."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The {what} {path} cannot be made: {error.strerror}.") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError(f"The {what} {path} cannot be written to; give this user the right to.")


def write_private_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that only we may read; raises InputError with a sentence, also if it is there already."""
    with private_file(path) as stream:
        stream.writelines(pieces)


@contextmanager
def private_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A new file that only we may read; gone again if the block raises.

    With `force` it takes, once it is whole, the place of one that is there: that one is not written into, for
    others may read it. Raises InputError.
    """
    target = path.with_name(f"{path.name}.new") if force else path
    try:
        if force:
            target.unlink(missing_ok=True)  # of a process that was killed
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
            target.replace(path)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    except FileExistsError:
        raise InputError(f"There is a file {path} already; choose another name.") from None
    except OSError as error:
        raise InputError(f"The file {path} cannot be written: {error.strerror}.") from None
