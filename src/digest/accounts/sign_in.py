"""Signing in: the password, then the code of a telephone where one is set up.

It is a flow with short transactions: the hash takes a tenth of a second, in which none is open. An address
that is not known is answered as one that is, after the same work.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.accounts import codes, passwords, recovery
from digest.accounts.me import actor_of
from digest.accounts.sessions import open_session
from digest.addresses import keyed_hash, parse_address
from digest.db import Database
from digest.errors import InputError
from digest.lists.limits import Limit, address_bucket, network_bucket, take_all
from digest.models import Account, AccountSession

# Somebody who tries the three passwords that they have, twice; and a guesser's hour at one address.
_BY_BOTH: Final = Limit("sign-in", burst=8, per_second=1 / 60)
_BY_ADDRESS: Final = Limit("sign-in-address", burst=60, per_second=1 / 60)
_BY_NETWORK: Final = Limit("sign-in-network", burst=40, per_second=1 / 10)
_BY_CODE: Final = Limit("sign-in-code", burst=8, per_second=1 / 60)


class Outcome(StrEnum):
    """What came of an attempt."""

    SIGNED_IN = "signed_in"
    WANTS_CODE = "wants_code"
    REFUSED = "refused"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt's outcome; `token` is what the browser's cookie is to hold from now on."""

    outcome: Outcome
    token: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """Where an attempt comes from; `key` is that by which addresses and networks are hashed."""

    network: str
    agent: str
    key: bytes


def sign_in(database: Database, address: str, password: str, where: Where, *, now: dt.datetime) -> Attempt:
    """Check address and password. Slow on purpose."""
    key = _key_of(address)
    with database.write() as session:
        if not _may_try(session, key, where, now=now):
            return Attempt(Outcome.TOO_MANY)
    with database.read() as session:
        account = _account(session, key)
        kept = account.password_hash if account else None
    if not passwords.is_right(kept, password) or kept is None:
        return Attempt(Outcome.REFUSED)
    fresh = passwords.hashed(password) if passwords.is_outdated(kept) else kept
    with database.write() as session:
        account = _account(session, key)
        # Somebody may have changed it, or shut the account, while we were counting.
        if account is None or account.password_hash != kept:
            return Attempt(Outcome.REFUSED)
        account.password_hash = fresh
        return _opened(session, account, where, is_whole=account.totp_secret is None, now=now)


def give_code(
    database: Database, token_session: int, code: str, where: Where, *, now: dt.datetime
) -> Attempt:
    """Go on from a session that waits for its code: of the telephone, or one of the recovery codes."""
    with database.write() as session:
        half = session.get(AccountSession, token_session)
        account = session.get(Account, half.account_id) if half is not None and not half.is_whole else None
        if half is None or account is None or account.totp_secret is None or half.until <= now:
            return Attempt(Outcome.REFUSED)
        bucket = address_bucket(keyed_hash(where.key, f"code {account.id}"), limit=_BY_CODE)
        if take_all(session, (bucket,), now=now) is not None:
            return Attempt(Outcome.TOO_MANY)
        is_recovery = not codes.take_code(session, account, code, key=where.key, now=now)
        if is_recovery and not recovery.take(session, account.id, code, now=now):
            return Attempt(Outcome.REFUSED)
        session.delete(half)
        session.flush()
        if is_recovery:
            left = recovery.count_left(session, account.id)
            details = {"left": left}
            audit.record(
                session, "account.recover", account, actor=actor_of(account.id), now=now, details=details
            )
        return _opened(session, account, where, is_whole=True, now=now)


def _opened(session: Session, account: Account, where: Where, *, is_whole: bool, now: dt.datetime) -> Attempt:
    token = open_session(
        session, account, is_whole=is_whole, network=where.network, agent=where.agent, now=now
    )
    if not is_whole:
        return Attempt(Outcome.WANTS_CODE, token)
    account.signed_in_at = now
    audit.record(session, "account.sign_in", account, actor=actor_of(account.id), now=now)
    return Attempt(Outcome.SIGNED_IN, token)


def account_with(session: Session, address: str) -> Account | None:
    """The active account with an address, however it is typed."""
    return _account(session, _key_of(address))


def may_ask(session: Session, address: str, where: Where, *, now: dt.datetime) -> bool:
    """Whether another password may be asked for this address, from there."""
    return _may_try(session, _key_of(address), where, now=now)


def _may_try(session: Session, key: str, where: Where, *, now: dt.datetime) -> bool:
    both = keyed_hash(where.key, f"sign-in {key} {where.network}")
    one = keyed_hash(where.key, f"sign-in {key}")
    buckets = (
        address_bucket(both, limit=_BY_BOTH),
        address_bucket(one, limit=_BY_ADDRESS),
        network_bucket(where.key, where.network, limit=_BY_NETWORK),
    )
    return take_all(session, buckets, now=now) is None


def _key_of(address: str) -> str:
    try:
        return parse_address(address).key
    except InputError:
        return ""


def _account(session: Session, key: str) -> Account | None:
    return session.scalars(
        sa.select(Account).where(Account.address_key == key, Account.disabled_at.is_(None))
    ).one_or_none()
