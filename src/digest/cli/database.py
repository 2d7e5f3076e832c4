"""`digest db` and `digest keys`."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
import typer

from digest import audit, keys
from digest.accounts.set_up import set_up_link
from digest.cli import common
from digest.cli.common import JsonOption
from digest.db import Database, schema
from digest.errors import ConfigError
from digest.models import Subscriber, Suppression

app = common.group("Make and check the database.")
keys_app = common.group("The installation's own keys.")


@app.command("upgrade", epilog="Example: digest db upgrade")
def upgrade(
    *,
    with_link: bool = typer.Option(
        False, "--set-up-link", help="Print the link for the first account too, if there is none yet."
    ),
    as_json: bool = JsonOption,
) -> None:
    """Bring the database to this version's schema; make what is not there: folder, database, keys."""
    link = ""
    settings = common.settings()
    common.make_folder(settings.data, what="data folder")
    common.make_private_file(settings.database)
    with common.open_database(at_head=False) as database:
        database.check()
        _make_keys(database, settings.secrets_folder)
        before, after = schema.upgrade(database)
        if with_link:
            with database.write() as session:
                link = set_up_link(session, public_url=settings.public_url, now=common.now())
    if as_json:
        common.print_json({"from": before, "to": after, **({"set_up_link": link} if with_link else {})})
    elif before == after:
        common.say(f"The database is at {after} already.")
    else:
        common.say(f"The database is now at {after}.")
    if link and not as_json:
        common.say(f"Make the first account of the desk: {link}")


@app.command("check", epilog="Example: digest db check && echo ready")
def check(*, as_json: bool = JsonOption) -> None:
    """Say whether the database answers and is at this version's schema, and whether the keys are there."""
    with common.open_database() as database:
        kind = database.engine.dialect.name
        revision = schema.current(database)
    common.load_keys()
    if as_json:
        common.print_json({"database": kind, "revision": revision})
    else:
        common.say(f"The {kind} database answers and is at {revision}; the keys are there.")


@keys_app.command("rotate", epilog="Example: digest keys rotate")
def rotate(*, as_json: bool = JsonOption) -> None:
    """Sign new links with a new key. Links in mails already sent go on working."""
    with common.write() as session:
        new_id = keys.rotate(common.settings().secrets_folder)
        signer = common.load_keys().signer
        details = {"key": new_id}
        audit.record(session, "keys.rotate", signer, actor=common.actor(), now=common.now(), details=details)
    if as_json:
        common.print_json({"key": new_id})
    else:
        common.say(f"New links are signed with key {new_id}; restart the workers and the web.")


def _make_keys(database: Database, folder: Path) -> None:
    """Make missing keys, but never beside a database with people in it: their links would all be void."""
    if _has_people(database):
        try:
            keys.load(folder)
        except ConfigError as error:
            raise ConfigError(f"There are subscribers, so no new keys are made. {error}") from None
        return
    keys.make_missing(folder)


def _has_people(database: Database) -> bool:
    tables = set(sa.inspect(database.engine).get_table_names())
    with database.read() as session:
        return any(
            model.__tablename__ in tables and session.execute(sa.select(model.id).limit(1)).first()
            for model in (Subscriber, Suppression)
        )
