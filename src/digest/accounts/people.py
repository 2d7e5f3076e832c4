"""The people of the desk: added, given roles and digests, shut out and let in again.

There is always an admin who can come in: what would leave none is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.accounts.links import end_links
from digest.accounts.sessions import end_sessions
from digest.addresses import parse_address
from digest.db.dialect import insert_if_new, lock_alone
from digest.errors import InputError, NotFoundError, StateError
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.models import Account, AccountDigest, AccountRole, Digest


def add_account(
    session: Session, *, address: str, name: str, role: AccountRole, actor: str, now: dt.datetime
) -> Account:
    """Add a person. Raises InputError for an address or name that is none, or an address that is there."""
    parsed = parse_address(address)
    cleaned = clean_line(name, what=N_("name"))
    if not cleaned:
        raise InputError(N_("A name is needed: it stands beside what the person does."))
    row = {
        "name": cleaned,
        "address": parsed.text,
        "address_key": parsed.key,
        "role": role,
        "created_at": now,
    }
    made = insert_if_new(session, Account, row)
    if made is None:
        raise InputError(N_("There is an account with this address already."))
    account = session.get_one(Account, made)
    audit.record(session, "account.add", account, actor=actor, now=now, details={"role": role.value})
    return account


def get_account(session: Session, account_id: int) -> Account:
    """An account by its id; raises NotFoundError."""
    found = session.get(Account, account_id)
    if found is None:
        raise NotFoundError(N_("There is no account %(account)s."), account=account_id)
    return found


def account_at(session: Session, address: str) -> Account:
    """An account by its address, whatever its state; raises NotFoundError, which does not repeat it."""
    query = sa.select(Account).where(Account.address_key == parse_address(address).key)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError(
            N_("No account has this address."), hint="`digest account list` shows those there are."
        )
    return found


def set_password(
    session: Session, account: Account, kept: str, *, actor: str, now: dt.datetime, action: str
) -> None:
    """Take a password, which comes as its hash; all that was signed in or could be, by links, ends."""
    account.password_hash = kept
    account.credentials_at = now
    end_sessions(session, account.id)
    end_links(session, account.id)
    audit.record(session, action, account, actor=actor, now=now)


def set_role(session: Session, account: Account, role: AccountRole, *, actor: str, now: dt.datetime) -> bool:
    """Give another role, which counts from the next click on; False if it is the same."""
    if account.role is role:
        return False
    if account.role is AccountRole.ADMIN:
        _keep_an_admin(session, account)
    was, account.role = account.role, role
    details = {"was": was.value, "role": role.value}
    audit.record(session, "account.role", account, actor=actor, now=now, details=details)
    return True


def set_digests(
    session: Session, account: Account, digest_ids: Iterable[int], *, actor: str, now: dt.datetime
) -> bool:
    """Choose the digests that an editor works on; False if they are the same. Unknown ids are left out."""
    wanted = set(session.scalars(sa.select(Digest.id).where(Digest.id.in_(set(digest_ids)))))
    present = set(digests_of(session, account.id))
    if wanted == present:
        return False
    session.execute(
        sa.delete(AccountDigest).where(
            AccountDigest.account_id == account.id, AccountDigest.digest_id.in_(present - wanted)
        )
    )
    session.add_all(AccountDigest(account_id=account.id, digest_id=each) for each in wanted - present)
    session.flush()
    details = {"digests": sorted(wanted)}
    audit.record(session, "account.digests", account, actor=actor, now=now, details=details)
    return True


def digests_of(session: Session, account_id: int) -> list[int]:
    """The digests that were chosen for a person."""
    query = sa.select(AccountDigest.digest_id).where(AccountDigest.account_id == account_id)
    return list(session.scalars(query.order_by(AccountDigest.digest_id)))


def disable(session: Session, account: Account, *, actor: str, now: dt.datetime) -> bool:
    """Shut a person out at once, browsers and links too; False if that is so already."""
    if account.disabled_at is not None:
        return False
    if account.role is AccountRole.ADMIN:
        _keep_an_admin(session, account)
    account.disabled_at = now
    details = {"sessions": end_sessions(session, account.id), "links": end_links(session, account.id)}
    audit.record(session, "account.disable", account, actor=actor, now=now, details=details)
    return True


def enable(session: Session, account: Account, *, actor: str, now: dt.datetime) -> bool:
    """Let a person in again, by an invitation: the password of before is gone. False if they may come in."""
    if account.disabled_at is None:
        return False
    account.disabled_at = account.password_hash = account.totp_secret = account.totp_offered = None
    audit.record(session, "account.enable", account, actor=actor, now=now)
    return True


def admins_who_enter(session: Session) -> int:
    """How many admins have a password and are not shut out."""
    query = sa.select(sa.func.count()).where(
        Account.role == AccountRole.ADMIN,
        Account.disabled_at.is_(None),
        Account.password_hash.is_not(None),
    )
    return session.scalar(query) or 0


def _keep_an_admin(session: Session, account: Account) -> None:
    """Refuse what would leave no admin. Two who shut each other out in the same moment come one by one."""
    lock_alone(session, "admins")
    can_enter = account.password_hash is not None and account.disabled_at is None
    if can_enter and admins_who_enter(session) == 1:
        raise StateError(N_("This is the last admin who can sign in; make somebody else an admin first."))
