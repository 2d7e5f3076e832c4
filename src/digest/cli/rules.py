"""`digest digest rules`: the rules of selection of a digest, or of one of its cadences."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError

_LONGEST_FILE = 100_000  # bytes


def rules(
    name: Annotated[str, typer.Argument(help="The digest's short name.")],
    cadence: Annotated[
        str | None, typer.Option(help="What this cadence has otherwise, in place of the digest's own rules.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="RULE=VALUE", help="Such as featured.fallback=hold. May be repeated."),
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Leave a rule, or a group of them, as built in.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Take all rules from this file, JSON or TOML; those there are go.")
    ] = None,
    as_json: bool = JsonOption,
) -> None:
    """Show or change by what rules stories are chosen. The rules themselves: the page on selection."""
    from digest.editions.rules_form import changed, rules_of, set_rules  # noqa: PLC0415
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415
    from digest.models import Cadence, Digest  # noqa: PLC0415

    is_change = bool(set_ or unset or file)
    with common.write() if is_change else common.read() as session:
        digest = digest_named(session, name)
        beat = cadence_named(session, digest.id, cadence) if cadence is not None else None
        owner: Digest | Cadence = beat if beat is not None else digest
        if is_change:
            base = _read(file) if file is not None else owner.rules or {}
            wanted = changed(base, set_ or (), unset or ())
            set_rules(session, owner, wanted, actor=common.actor(), now=common.now())
        told = {"rules": dict(owner.rules or {}), "in_force": rules_of(digest, beat)}
    if as_json:
        common.print_json(told)
        return
    if is_change:
        common.say("The rules are changed. They hold for every edition that is not locked yet.")
    own = json.dumps(told["rules"], ensure_ascii=False, indent=2)
    common.say(own if told["rules"] else "It has no further rules: the built-in ones hold.")
    if not is_change:
        common.say("In force, with those that are built in: `--json` shows them.")


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            raw = stream.read(_LONGEST_FILE + 1)
        if len(raw) > _LONGEST_FILE:
            raise InputError(f"The file {file} is longer than {_LONGEST_FILE} bytes.")
        text = raw.decode()
        read = tomllib.loads(text) if file.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, UnicodeDecodeError):
        raise InputError(f"The file {file} cannot be read as UTF-8 text.") from None
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise InputError(f"The file {file} is not what its name says: {str(error)[:200]}.") from None
    if not isinstance(read, dict):
        raise InputError(f"The file {file} must hold a table of rules.")
    return read
