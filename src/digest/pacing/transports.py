"""The rows of mail services: add, choose, and turn into an endpoint that can be connected to.

A password is never in the database: the row names a secret, which is a file in the secrets folder.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock, keys
from digest.db import Database
from digest.db.dialect import insert_if_new
from digest.errors import ConfigError, InputError, NotFoundError
from digest.i18n import N_
from digest.mail import transport as wire
from digest.mail.smtp_client import ServerOffer, check
from digest.models import RampUp, Security, Signer, Transport

_NAME = re.compile(r"[a-z0-9-]{1,50}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*|[0-9A-Fa-f:.]{{2,45}}")
# Seconds that a mail service rests after a fault, another one right after that, and so on.
RESTS = (10, 20, 40, 80, 160, 300)
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
    signer: Signer = Signer.RELAY,
    per_second: float | None = None,
    per_hour: int | None = None,
    connections: int = 8,
) -> Transport:
    """Add a mail service; without a port it is the usual one of its security. Nothing is connected.

    Raises InputError for a name that is taken or no name, a host, port, user name or limit that cannot be
    one, and ConfigError for a password that would travel in the open.
    """
    if not _NAME.fullmatch(name):
        raise InputError(N_("The name of a mail service is 1 to 50 of a-z, digits and hyphens."))
    port = DEFAULT_PORTS[security] if port is None else port
    check_server(host=host, port=port, security=security, username=username, helo=helo)
    row = {
        "name": name,
        "host": host,
        "port": port,
        "security": security,
        "username": username,
        "secret_name": secret_name,
        "helo": helo,
        "rank": rank,
        "signer": signer,
        **checked_limits(per_second=per_second, per_hour=per_hour, connections=connections),
        "created_at": now,
    }
    made = insert_if_new(session, Transport, row)
    if made is None:
        raise InputError(N_("There is a mail service %(name)r already; choose another name."), name=name)
    return session.get_one(Transport, made)


def check_server(*, host: str, port: int, security: Security, username: str, helo: str) -> None:
    """Raise InputError, or ConfigError where a password would travel in the open, for what cannot be one."""
    if not _HOST.fullmatch(host):
        raise InputError(N_("%(text)r is not a host name or an IP address."), text=host[:80])
    if not 1 <= port <= 65535:
        raise InputError(N_("A port is a number from 1 to 65535."))
    if not username.isprintable() or len(username) > 254:
        raise InputError(N_("The login must be one line of at most 254 characters."))
    # Made only to be checked: user names without TLS, and names that cannot stand in EHLO.
    wire.Endpoint(
        host=host, port=port, security=wire.Security(security), username=username, helo=helo or "localhost"
    )


def checked_limits(
    *, per_second: float | None = None, per_hour: int | None = None, connections: int | None = None
) -> dict[str, float | int | None]:
    """The columns for those limits that are given; 0 a second or an hour is none. Raises InputError."""
    found: dict[str, float | int | None] = {}
    if per_second is not None:
        if per_second and not 0.001 <= per_second <= 10_000:
            raise InputError(N_("The mails a second are a number from 0.001 to 10000, or 0 for no limit."))
        found["per_second"] = per_second or None
    if per_hour is not None:
        if per_hour and not 1 <= per_hour <= 10_000_000:
            raise InputError(N_("The mails an hour are a number from 1 to 10000000, or 0 for no limit."))
        found["per_hour"] = per_hour or None
    if connections is not None:
        if not 1 <= connections <= 64:
            raise InputError(N_("A worker may have 1 to 64 connections to a mail service."))
        found["most_connections"] = connections
    return found


def transport_named(session: Session, name: str) -> Transport:
    """The mail service of this name; raises NotFoundError."""
    found = session.scalars(sa.select(Transport).where(Transport.name == name)).one_or_none()
    if found is None:
        raise NotFoundError(
            N_("There is no mail service %(name)r."),
            name=name[:60],
            hint="`digest transport list` shows them.",
        )
    return found


def transports(session: Session) -> list[Transport]:
    """All mail services in the order they are tried, disabled ones last."""
    query = sa.select(Transport).order_by(Transport.is_enabled.desc(), Transport.rank, Transport.id)
    return list(session.scalars(query))


def ways(session: Session, *, now: dt.datetime, only: int | None = None) -> list[Transport]:
    """The mail services that readers may be mailed by, in the order they are to be tried.

    These are the enabled ones that took a test mail and do not rest because of a fault; by rank, then age. If
    all rest, it is the one whose rest ends first: the caller waits for that. One with a ramp-up is no
    stand-in: unless it is the first in rank it is left out, for what it may send is planned. `only` asks for
    one of them by its id, resting or not.

    Raises ConfigError with what to do if there is none.
    """
    proven = _proven(session, only)
    if only is not None:
        return proven
    ramping = set(session.scalars(sa.select(RampUp.transport_id)))
    usable = [row for row in proven if row is proven[0] or row.id not in ramping]
    awake = [row for row in usable if row.rests_until is None or row.rests_until <= now]
    return awake or [min(usable, key=lambda row: row.rests_until or now)]


def first_way(session: Session) -> Transport | None:
    """The first in rank of those that readers may be mailed by, resting or not; None if there is none."""
    try:
        return _proven(session, None)[0]
    except ConfigError:
        return None


def note_fault(session: Session, transport_id: int, problem: str, *, now: dt.datetime) -> dt.datetime:
    """Let a mail service rest because it failed as a whole, ever longer; returns the end of its rest.

    While it rests nothing grows: whoever fails then had begun before.
    """
    row = session.execute(
        sa.select(Transport.faults_in_a_row, Transport.rests_until)
        .where(Transport.id == transport_id)
        .with_for_update(key_share=True)
    ).one()
    until, times = next_fault(row.rests_until, row.faults_in_a_row, now=now)
    session.execute(
        sa.update(Transport)
        .where(Transport.id == transport_id)
        .values(fault=problem[:500], faults_in_a_row=times, rests_until=until),
        execution_options={"synchronize_session": False},
    )
    return until


def next_fault(
    rests_until: dt.datetime | None, faults_in_a_row: int, *, now: dt.datetime
) -> tuple[dt.datetime, int]:
    """Until when a mail service rests that fails now, and how many times in a row it has. Pure."""
    if rests_until is not None and rests_until > now:
        return rests_until, faults_in_a_row
    wait = RESTS[min(faults_in_a_row, len(RESTS) - 1)]
    # A small number in the table: it only has to be beyond the last of the rests.
    return now + dt.timedelta(seconds=wait), min(faults_in_a_row + 1, 1000)


def note_working(session: Session, transport_id: int) -> None:
    """Forget a mail service's faults: it took a mail. Most often there is none, and nothing is written."""
    session.execute(
        sa.update(Transport)
        .where(Transport.id == transport_id, Transport.faults_in_a_row > 0)
        .values(fault="", faults_in_a_row=0, rests_until=None),
        execution_options={"synchronize_session": False},
    )


def _proven(session: Session, only: int | None) -> list[Transport]:
    """The enabled ones that took a test mail, by rank and age; raises ConfigError if there is none."""
    query = sa.select(Transport).order_by(Transport.rank, Transport.id)
    rows = session.scalars(query if only is None else query.where(Transport.id == only)).all()
    enabled = [row for row in rows if row.is_enabled]
    if not enabled:
        raise ConfigError(_none_enabled(rows, only))
    proven = [row for row in enabled if row.accepted_at is not None]
    if not proven:
        raise ConfigError(
            f"The mail service {enabled[0].name} has taken no test mail yet; send one with "
            f"`digest transport test {enabled[0].name} --to ADDRESS`."
        )
    return proven


def _none_enabled(rows: Sequence[Transport], only: int | None) -> str:
    if only is not None and rows:
        return (
            f"The mail service {rows[0].name} is to carry this and is switched off; "
            f"`digest transport set {rows[0].name} --enabled` switches it on."
        )
    if only is not None:
        return "The mail service that is to carry this is not there any more."
    return "No mail service is set up and enabled; add one with `digest transport add`."


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
    now: Callable[[], dt.datetime] | None = None,
) -> ServerOffer:
    """Connect, TLS, sign in, and say goodbye: a flow, with no transaction open while it talks.

    Notes the moment it worked. Raises UnreachableError with a sentence that says what failed, ConfigError if
    the password's file is missing.
    """
    with database.read() as session:
        row = transport_named(session, name)
        target = endpoint(row, secrets_folder)
    offer = check(target)
    at = (now or clock.utc_now)()
    with database.write() as session:
        session.execute(sa.update(Transport).where(Transport.id == row.id).values(tested_at=at))
    return offer
