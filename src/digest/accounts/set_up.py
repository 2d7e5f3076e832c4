"""The first account: whoever holds the link that was printed makes it, once."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from digest.accounts.links import find_link, make_link, use_link
from digest.accounts.me import actor_of
from digest.accounts.people import add_account, admins_who_enter, set_password
from digest.db.dialect import lock_alone
from digest.errors import InputError, NotFoundError, StateError
from digest.i18n import N_
from digest.models import Account, AccountRole, LinkPurpose
from digest.notices.staff import account_of

_CLOSED = N_("The desk has its first admin already; ask them for an invitation.")


def wants_set_up(session: Session) -> bool:
    """Whether nobody can come in as an admin."""
    return admins_who_enter(session) == 0


def set_up_link(session: Session, *, public_url: str, now: dt.datetime) -> str:
    """The link to print, new each time; "" where somebody has used one."""
    if not wants_set_up(session):
        return ""
    return make_link(session, LinkPurpose.SET_UP, account_id=None, public_url=public_url, now=now)


def make_first_account(
    session: Session, token: str, *, address: str, name: str, kept: str, now: dt.datetime
) -> Account:
    """Make the first admin, or give an account that is there its password; `kept` is the password's hash.

    Raises NotFoundError for a link that does not work, StateError where there is an admin, InputError.
    """
    lock_alone(session, "admins")
    link = find_link(session, token, LinkPurpose.SET_UP, now=now)
    if link is None or not use_link(session, link, now=now):
        raise NotFoundError(N_("This link does not work any more."))
    if not wants_set_up(session):
        raise StateError(_CLOSED)
    try:
        account = account_of(session, address, is_active=False)
    except NotFoundError:
        account = add_account(
            session, address=address, name=name, role=AccountRole.ADMIN, actor="set-up", now=now
        )
    if account.disabled_at is not None:
        raise InputError(N_("The account with this address was shut out; take another address."))
    account.role, account.name = AccountRole.ADMIN, name.strip() or account.name
    set_password(session, account, kept, actor=actor_of(account.id), now=now, action="account.set_up")
    return account
