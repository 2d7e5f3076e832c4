"""The rows of mail services: add, choose, and turn into an endpoint that can be connected to.

A password is never in the database: the row names a secret, which is a file in the secrets folder.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock, keys
from digest.db import Database
from digest.db.dialect import insert_if_new
from digest.errors import ConfigError, InputError, NotFoundError
from digest.mail import transport as wire
from digest.mail.smtp_client import ServerOffer, check
from digest.models import Security, Transport

_NAME = re.compile(r"[a-z0-9-]{1,50}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
DEFAULT_PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}


def add_transport(
    session: Session,
    *,
    name: str,
    host: str,
    now: dt.datetime,
    port: int | None = None,
    security: Security = Security.STARTTLS,
    username: str = "",
    secret_name: str | None = None,
    helo: str = "",
    rank: int = 0,
) -> Transport:
    """Add a mail service; without a port it is the usual one of its security. Nothing is connected.

    Raises InputError for a name that is taken or no name, a host, port or user name that cannot be one, and
    ConfigError for a password that would travel in the open.
    """
    if not _NAME.fullmatch(name):
        raise InputError("The name of a mail service is 1 to 50 of a-z, digits and hyphens.")
    if not _HOST.fullmatch(host):
        raise InputError(f"{host[:80]!r} is not a host name or an IP address.")
    port = DEFAULT_PORTS[security] if port is None else port
    if not 1 <= port <= 65535:
        raise InputError("A port is a number from 1 to 65535.")
    if not username.isprintable() or len(username) > 254:
        raise InputError("The user name must be one line of at most 254 characters.")
    # Made only to be checked: user names without TLS, and names that cannot stand in EHLO.
    wire.Endpoint(
        host=host, port=port, security=wire.Security(security), username=username, helo=helo or "localhost"
    )
    row = {
        "name": name,
        "host": host,
        "port": port,
        "security": security,
        "username": username,
        "secret_name": secret_name,
        "helo": helo,
        "rank": rank,
        "created_at": now,
    }
    made = insert_if_new(session, Transport, row)
    if made is None:
        raise InputError(f"There is a mail service {name!r} already; choose another name.")
    return session.get_one(Transport, made)


def transport_named(session: Session, name: str) -> Transport:
    """The mail service of this name; raises NotFoundError."""
    found = session.scalars(sa.select(Transport).where(Transport.name == name)).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no mail service {name[:60]!r}; `digest transport list` shows them.")
    return found


def transports(session: Session) -> list[Transport]:
    """All mail services in the order they are tried, disabled ones last."""
    query = sa.select(Transport).order_by(Transport.is_enabled.desc(), Transport.rank, Transport.id)
    return list(session.scalars(query))


def pick(session: Session) -> Transport:
    """The enabled mail service of the lowest rank; raises ConfigError if there is none."""
    query = sa.select(Transport).where(Transport.is_enabled).order_by(Transport.rank, Transport.id).limit(1)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise ConfigError("No mail service is set up and enabled; add one with `digest transport add`.")
    return found


def endpoint(row: Transport, secrets_folder: Path) -> wire.Endpoint:
    """What a connection needs; reads the password's file. Raises ConfigError if that is missing."""
    return wire.Endpoint(
        host=row.host,
        port=row.port,
        security=wire.Security(row.security),
        username=row.username,
        password=keys.read_secret(secrets_folder, row.secret_name) if row.secret_name else "",
        helo=row.helo or "localhost",
        max_connections=row.most_connections,
        max_messages=row.most_messages,
        max_seconds=row.most_seconds,
    )


def try_transport(
    database: Database,
    name: str,
    secrets_folder: Path,
    *,
    now: Callable[[], dt.datetime] = clock.utc_now,
) -> ServerOffer:
    """Connect, TLS, sign in, and say goodbye: a flow, with no transaction open while it talks.

    Notes the moment it worked. Raises UnreachableError with a sentence that says what failed, ConfigError if
    the password's file is missing.
    """
    with database.read() as session:
        row = transport_named(session, name)
        target = endpoint(row, secrets_folder)
    offer = check(target)
    with database.write() as session:
        session.execute(sa.update(Transport).where(Transport.id == row.id).values(tested_at=now()))
    return offer
