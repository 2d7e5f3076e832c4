"""Recovery codes: ten, each good for once, to be printed; kept by hashes."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import RecoveryCode

COUNT: Final = 10
# No letters that are taken for others; 16 of 31 are 79 bits, too many to guess from a hash.
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_LENGTH: Final = 16
_GROUP: Final = 4


def make(session: Session, account_id: int) -> list[str]:
    """New codes in the place of those there were, to be shown once."""
    forget(session, account_id)
    made = ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(COUNT)]
    session.add_all(RecoveryCode(account_id=account_id, code_hash=_hash(account_id, code)) for code in made)
    session.flush()
    return ["-".join(code[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP)) for code in made]


def take(session: Session, account_id: int, code: str, *, now: dt.datetime) -> bool:
    """Use a code up; False if it is none, or was used."""
    plain = "".join(char for char in code.casefold() if char.isalnum())
    if len(plain) != _LENGTH:
        return False
    used = session.execute(
        sa.update(RecoveryCode)
        .where(
            RecoveryCode.account_id == account_id,
            RecoveryCode.code_hash == _hash(account_id, plain),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now),
        execution_options={"synchronize_session": False},
    )
    return bool(getattr(used, "rowcount", 0))


def count_left(session: Session, account_id: int) -> int:
    """How many codes are still good."""
    left = sa.select(sa.func.count()).where(
        RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(left) or 0


def forget(session: Session, account_id: int) -> None:
    """Have none any more."""
    session.execute(
        sa.delete(RecoveryCode).where(RecoveryCode.account_id == account_id),
        execution_options={"synchronize_session": False},
    )


def _hash(account_id: int, plain: str) -> str:
    return hashlib.sha256(f"recovery {account_id} {plain}".encode()).hexdigest()
