"""Mails that are for the staff alone: test mails, first copies, proofs, alerts.

Asking looks at the address, and so does whoever hands it over (`notices.send`): what was asked for in any
other way, or for somebody whose account was closed meanwhile, goes to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.errors import InputError, NotFoundError
from digest.i18n import N_
from digest.models import Account

TEST: Final = "test"
FIRST_COPY: Final = "first_copy"
PROOF: Final = "proof"
ALERT: Final = "alert"
# About somebody's own account at the desk.
ACCOUNT: Final = "account"
STAFF_KINDS: Final = frozenset({TEST, FIRST_COPY, PROOF, ALERT, ACCOUNT})


def account_of(session: Session, address: str, *, is_active: bool = True) -> Account:
    """The account with this address, an active one unless that does not matter.

    Raises NotFoundError or InputError; neither repeats the address.
    """
    query = sa.select(Account).where(Account.address_key == parse_address(address).key)
    if is_active:
        query = query.where(Account.disabled_at.is_(None))
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError(
            N_("No account that is active has this address."), hint="`digest account list` shows who does."
        )
    return found


def staff_among(session: Session, addresses: Iterable[str]) -> frozenset[str]:
    """Those of the addresses, as they are written, that belong to active accounts."""
    keys = {address: key for address in addresses if (key := _key(address)) is not None}
    if not keys:
        return frozenset()
    known = set(
        session.scalars(
            sa.select(Account.address_key).where(
                Account.address_key.in_(set(keys.values())), Account.disabled_at.is_(None)
            )
        )
    )
    return frozenset(address for address, key in keys.items() if key in known)


def _key(address: str) -> str | None:
    try:
        return parse_address(address).key
    except InputError:
        return None
