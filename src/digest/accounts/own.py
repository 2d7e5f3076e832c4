"""What a person changes about their own account. Flows: passwords are counted with no transaction open."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from digest import audit
from digest.accounts import codes, passwords, recovery
from digest.accounts.links import find_link, use_link
from digest.accounts.mails import mail_reset, tell
from digest.accounts.me import actor_of
from digest.accounts.people import set_password
from digest.accounts.sessions import open_session
from digest.accounts.sign_in import Where, account_with, may_ask
from digest.db import Database
from digest.i18n import N_
from digest.lists.fields import check_zone, clean_line
from digest.lists.stationery import Stationery
from digest.models import Account, LinkPurpose, Scheme
from digest.rendering.staff_mails import StaffMail


def choose_by_link(
    database: Database,
    token: str,
    purpose: LinkPurpose,
    password: str,
    *,
    stationery: Stationery,
    now: dt.datetime,
) -> bool:
    """Take a password from whoever holds a link; False if it does not work. Nobody is signed in by it."""
    with database.read() as session:
        if find_link(session, token, purpose, now=now) is None:
            return False
    kept = passwords.hashed(password)
    with database.write() as session:
        link = find_link(session, token, purpose, now=now)
        if link is None or link.account_id is None or not use_link(session, link, now=now):
            return False
        account = session.get_one(Account, link.account_id)
        action = "account.join" if purpose is LinkPurpose.INVITE else "account.reset"
        set_password(session, account, kept, actor=actor_of(account.id), now=now, action=action)
        if purpose is LinkPurpose.RESET:
            tell(session, account, StaffMail.PASSWORD_CHANGED, stationery=stationery, now=now)
    return True


def ask_reset(
    database: Database, address: str, where: Where, *, stationery: Stationery, now: dt.datetime
) -> None:
    """Mail a link to whom an address belongs. Whoever asks learns nothing: call it once they are answered."""
    with database.write() as session:
        if not may_ask(session, address, where, now=now):
            return
        account = account_with(session, address)
        if account is not None and account.password_hash is not None:
            mail_reset(session, account, stationery=stationery, now=now)


def is_own_password(
    database: Database, account_id: int, password: str, where: Where, *, now: dt.datetime
) -> bool | None:
    """Whether a password is the person's; None if it was tried too often. Slow on purpose."""
    with database.write() as session:
        account = session.get_one(Account, account_id)
        if not may_ask(session, account.address, where, now=now):
            return None
        kept = account.password_hash
    return passwords.is_right(kept, password)


def change_password(
    database: Database,
    account_id: int,
    password: str,
    where: Where,
    *,
    stationery: Stationery,
    now: dt.datetime,
) -> str:
    """Take another password; every browser is signed out but this one, whose new token is returned."""
    kept = passwords.hashed(password)
    with database.write() as session:
        account = session.get_one(Account, account_id)
        actor = actor_of(account_id)
        set_password(session, account, kept, actor=actor, now=now, action="account.password")
        tell(session, account, StaffMail.PASSWORD_CHANGED, stationery=stationery, now=now)
        return again(session, account, where, now=now)


def again(session: Session, account: Account, where: Where, *, now: dt.datetime) -> str:
    """A session in the place of the one that has just ended with all others."""
    return open_session(session, account, is_whole=True, network=where.network, agent=where.agent, now=now)


def switch_codes_off(
    session: Session, account: Account, *, actor: str, stationery: Stationery, now: dt.datetime
) -> None:
    """Ask for no codes any more, and tell the person."""
    codes.switch_off(session, account, actor=actor, now=now)
    tell(session, account, StaffMail.CODES_OFF, stationery=stationery, now=now)


def new_recovery_codes(session: Session, account: Account, *, now: dt.datetime) -> list[str]:
    """Ten new codes; those of before are void."""
    audit.record(session, "account.recovery_codes", account, actor=actor_of(account.id), now=now)
    return recovery.make(session, account.id)


def set_own(
    session: Session, account: Account, *, name: str, language: str, zone: str, scheme: Scheme
) -> None:
    """How the desk names and speaks to a person. Raises InputError for a name or zone that is none."""
    account.name = clean_line(name, what=N_("name")) or account.name
    account.language = language
    account.zone = check_zone(zone) or ""
    account.scheme = scheme
    session.flush()
