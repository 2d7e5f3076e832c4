"""`digest digest look`: how a digest looks: layout, colours, pictures, the words around its stories."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError

_LONGEST_FILE = 100_000  # bytes of a theme's file

Picture = Annotated[Path | None, typer.Option(help="PNG, JPEG or GIF; it is made smaller and stored.")]


def look(
    name: Annotated[str, typer.Argument(help="The digest's short name.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Such as layout=briefing. May be repeated."),
    ] = None,
    unset: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Leave a value, or a group such as sponsor, as built in."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Take the theme from this file, JSON or TOML; pictures stay.")
    ] = None,
    logo: Picture = None,
    logo_dark: Picture = None,
    sponsor_picture: Picture = None,
    as_json: bool = JsonOption,
) -> None:
    """Show or change how a digest looks. Every key: the page on the look. What is locked keeps its own."""
    from digest.editions.look import look_of, set_look  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415

    given = {"logo": logo, "logo_dark": logo_dark, "sponsor.picture": sponsor_picture}
    pictures = {key: _bytes(path) for key, path in given.items() if path is not None}
    is_change = bool(set_ or unset or file or pictures)
    with common.write() if is_change else common.read() as session:
        digest = digest_named(session, name)
        if is_change:
            set_look(
                session,
                digest,
                given=(_theme(file) if file is not None else {}) | _settings(set_ or ()),
                unset=unset or (),
                pictures=pictures,
                anew=file is not None,
                actor=common.actor(),
                now=common.now(),
            )
        stored, in_force = dict(digest.look or {}), look_of(digest)
    if as_json:
        common.print_json({"look": stored, "in_force": in_force})
        return
    if is_change:
        common.say("The look is changed. It holds for every edition that is not locked yet.")
    if not stored:
        common.say("It has the built-in look.")
        return
    common.print_fields({key: _shown(value) for key, value in sorted(stored.items())})


def _settings(settings: Iterable[str]) -> dict[str, str]:
    found = {}
    for setting in settings:
        key, mark, value = setting.partition("=")
        if not mark:
            raise InputError(f"{setting[:60]!r} sets nothing; write it like layout=briefing.")
        found[key.strip()] = value.strip()
    return found


def _theme(file: Path) -> dict[str, Any]:
    from digest.rendering.theme_form import flat  # noqa: PLC0415

    raw = _read(file, _LONGEST_FILE)
    try:
        text = raw.decode()
        read = tomllib.loads(text) if file.suffix.lower() == ".toml" else json.loads(text)
    except UnicodeDecodeError:
        raise InputError(f"The file {file} cannot be read as UTF-8 text.") from None
    except ValueError as error:  # what both readers raise
        raise InputError(f"The file {file} is not what its name says: {str(error)[:200]}.") from None
    if not isinstance(read, dict):
        raise InputError(f"The file {file} must hold a table of names and values.")
    return flat(read)


def _bytes(path: Path) -> bytes:
    from digest.editions.look import LARGEST  # noqa: PLC0415

    return _read(path, LARGEST)


def _read(path: Path, most: int) -> bytes:
    """A file's bytes; one more than `most` says that it is too large, whatever its size."""
    try:
        if not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path} is not a file.")
        with path.open("rb") as stream:
            raw = stream.read(most + 1)
    except OSError:
        raise InputError(f"The file {path} cannot be read.") from None
    if len(raw) > most:
        raise InputError(f"The file {path} has more than {most:,} bytes; make it smaller.")
    return raw


def _shown(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else value
