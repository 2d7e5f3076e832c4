"""The browsers that are signed in: rows, found by the hash of what their cookie holds.

A session ends after twelve hours in which nobody was there, after thirty days, and when anything changes by
which its person signs in.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.accounts.me import Me, me_of
from digest.accounts.opaque import hash_of, new_token
from digest.lists.limits import network_of
from digest.models import Account, AccountSession

IDLE: Final = dt.timedelta(hours=12)
LONGEST: Final = dt.timedelta(days=30)
# How long somebody has to type the code of their telephone.
HALF: Final = dt.timedelta(minutes=10)
_SEEN_EVERY: Final = dt.timedelta(minutes=5)
_AGENT_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Found:
    """The session of a request. One that is not whole may do nothing but give its code."""

    id: int
    me: Me
    is_whole: bool
    wants_touch: bool


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One browser in a list."""

    id: int
    created_at: dt.datetime
    seen_at: dt.datetime
    network: str
    agent: str


def open_session(
    session: Session, account: Account, *, is_whole: bool, network: str, agent: str, now: dt.datetime
) -> str:
    """Sign a browser in; returns what its cookie is to hold. The token is always a new one."""
    token = new_token()
    session.add(
        AccountSession(
            account_id=account.id,
            token_hash=hash_of(token),
            is_whole=is_whole,
            created_at=now,
            seen_at=now,
            until=now + (LONGEST if is_whole else HALF),
            network=network_of(network) if network else "",
            agent=agent[:_AGENT_LIMIT],
        )
    )
    session.flush()
    return token


def find_session(session: Session, token: str, *, now: dt.datetime) -> Found | None:
    """The session of a cookie with its person; None if it has ended or its person may not come in."""
    row = session.execute(
        sa.select(AccountSession, Account)
        .join(Account, Account.id == AccountSession.account_id)
        .where(
            AccountSession.token_hash == hash_of(token),
            AccountSession.until > now,
            AccountSession.seen_at > now - IDLE,
            Account.disabled_at.is_(None),
            sa.or_(Account.credentials_at.is_(None), Account.credentials_at <= AccountSession.created_at),
        )
    ).one_or_none()
    if row is None:
        return None
    found, account = row
    wants_touch = found.is_whole and found.seen_at < now - _SEEN_EVERY
    return Found(found.id, me_of(account), found.is_whole, wants_touch)


def touch(session: Session, session_id: int, *, now: dt.datetime) -> None:
    """Note that somebody was there just now."""
    session.execute(
        sa.update(AccountSession).where(AccountSession.id == session_id).values(seen_at=now),
        execution_options={"synchronize_session": False},
    )


def sessions_of(session: Session, account_id: int, *, now: dt.datetime) -> list[SessionLine]:
    """The browsers of a person, the latest first."""
    rows = session.scalars(
        sa.select(AccountSession)
        .where(
            AccountSession.account_id == account_id,
            AccountSession.is_whole,
            AccountSession.until > now,
            AccountSession.seen_at > now - IDLE,
        )
        .order_by(AccountSession.seen_at.desc(), AccountSession.id.desc())
    )
    return [SessionLine(row.id, row.created_at, row.seen_at, row.network, row.agent) for row in rows]


def end_session(session: Session, session_id: int) -> None:
    """Sign one browser out."""
    session.execute(
        sa.delete(AccountSession).where(AccountSession.id == session_id),
        execution_options={"synchronize_session": False},
    )


def end_sessions(session: Session, account_id: int, *, but: int | None = None) -> int:
    """Sign out every browser of a person, or all but one; returns how many."""
    gone = sa.delete(AccountSession).where(AccountSession.account_id == account_id)
    if but is not None:
        gone = gone.where(AccountSession.id != but)
    done = session.execute(gone, execution_options={"synchronize_session": False})
    return int(getattr(done, "rowcount", 0))


def purge_sessions(session: Session, *, now: dt.datetime) -> None:
    """Delete what has ended by itself."""
    over = sa.or_(AccountSession.until <= now, AccountSession.seen_at <= now - IDLE)
    session.execute(sa.delete(AccountSession).where(over), execution_options={"synchronize_session": False})
