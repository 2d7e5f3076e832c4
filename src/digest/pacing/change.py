"""Change a mail service that is there: where it listens, its limits, its password, its place in the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import keys
from digest.errors import ConfigError, InputError
from digest.i18n import N_
from digest.models import Transport
from digest.pacing.transports import check_server, transports

# With another one of these it is another service: what was proven of it counts no more.
PROVEN = ("host", "port", "security", "username", "helo")


def change_transport(row: Transport, wanted: Mapping[str, object]) -> dict[str, object]:
    """Take over those columns that are other ones now; returns them, as the trail notes them.

    A service that listens elsewhere, or knows us by another name, must take a test mail before readers are
    mailed by it again. Raises InputError, or ConfigError for a password that would travel in the open.
    """
    changed = {column: value for column, value in wanted.items() if value != getattr(row, column)}
    if any(column in changed for column in PROVEN):
        given: dict[str, Any] = {column: changed.get(column, getattr(row, column)) for column in PROVEN}
        check_server(**given)
        row.accepted_at = row.tested_at = row.rests_until = None
        row.fault, row.faults_in_a_row = "", 0
    for column, value in changed.items():
        setattr(row, column, value)
    if "username" in changed:
        row.secret_name = secret_name_of(row.name) if row.username else None
    return changed


def move(session: Session, row: Transport, *, by: int) -> bool:
    """Try a mail service earlier (`by` -1) or later (1) than its neighbour; False at the end of the order.

    Only those that are switched on have a place; all of them are numbered anew, so that no two share one.
    """
    order = [each.id for each in transports(session) if each.is_enabled]
    if row.id not in order:
        return False
    here = order.index(row.id)
    there = here + by
    if not 0 <= there < len(order):
        return False
    order[here], order[there] = order[there], order[here]
    _number(session, order)
    return True


def secret_name_of(name: str) -> str:
    """The secret that holds a mail service's password."""
    return f"transport-{name}"


def check_password(text: str) -> str:
    """A password that can be kept and sent; raises InputError, which does not repeat it."""
    password = text.strip("\r\n")
    if not password or len(password) > 1000 or not password.isascii() or not password.isprintable():
        raise InputError(N_("A password is one line of ASCII letters, digits and signs."))
    return password


def keep_password(secrets_folder: Path, secret: str, password: str) -> None:
    """Write the password's file; raises ConfigError if the folder cannot be written."""
    try:
        keys.write_secret(secrets_folder, secret, password)
    except OSError as error:
        raise ConfigError(
            N_("The secrets folder %(folder)s cannot be written: %(reason)s."),
            folder=secrets_folder,
            reason=error.strerror,
        ) from None


def _number(session: Session, order: Sequence[int]) -> None:
    for rank, number in enumerate(order):
        session.execute(sa.update(Transport).where(Transport.id == number).values(rank=rank))
    session.flush()
