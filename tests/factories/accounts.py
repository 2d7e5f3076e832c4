"""The people who work with Digest."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.models import Account, AccountRole
from tests.factories.moments import NOW

_numbers = itertools.count(1)


def make_account(session: Session, address: str | None = None, **values: Any) -> Account:
    """An editor with an address of an invented domain."""
    parsed = parse_address(address or f"editor{next(_numbers)}@courier.example")
    plain = {"name": "Nare Saroyan", "role": AccountRole.EDITOR, "created_at": NOW}
    account = Account(address=parsed.text, address_key=parsed.key, **{**plain, **values})
    session.add(account)
    session.flush()
    return account
