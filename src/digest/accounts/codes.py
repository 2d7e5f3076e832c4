"""Codes of a telephone (TOTP, RFC 6238): each is taken once, and the secret is sealed where it is kept."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import os
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.accounts import recovery
from digest.accounts.me import actor_of
from digest.accounts.sessions import end_sessions
from digest.macs import mac
from digest.models import Account

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_STEP: Final = 30  # seconds
_DIGITS: Final = 6
_SECRET_BYTES: Final = 20
# A telephone's clock may be a step off either way.
_STEPS: Final = (0, -1, 1)
_NONCE: Final = 12


def offer(session: Session, account: Account, *, key: bytes) -> str:
    """A new secret to be shown once; it counts when the first code of it has come back."""
    secret = base64.b32encode(os.urandom(_SECRET_BYTES)).decode()
    account.totp_offered = seal(secret, key=key, account_id=account.id)
    session.flush()
    return secret


def offered(account: Account, *, key: bytes) -> str | None:
    """The secret that was offered and not confirmed yet."""
    if account.totp_offered is None:
        return None
    return unseal(account.totp_offered, key=key, account_id=account.id)


def address_for_app(secret: str, *, address: str, issuer: str) -> str:
    """What the picture says to the telephone."""
    import pyotp  # noqa: PLC0415

    return pyotp.TOTP(secret).provisioning_uri(name=address, issuer_name=issuer)


def confirm(session: Session, account: Account, code: str, *, key: bytes, now: dt.datetime) -> list[str]:
    """Have codes be asked for from now on; returns the recovery codes, or none if the code is not right.

    Every browser of the person is signed out.
    """
    secret = offered(account, key=key)
    step = _step_of(secret, code, after=0, now=now) if secret is not None else None
    if step is None:
        return []
    account.totp_secret, account.totp_offered, account.totp_step = account.totp_offered, None, step
    account.credentials_at = now
    end_sessions(session, account.id)
    made = recovery.make(session, account.id)
    audit.record(session, "account.codes_on", account, actor=actor_of(account.id), now=now)
    return made


def switch_off(session: Session, account: Account, *, actor: str, now: dt.datetime) -> None:
    """Ask for no codes any more; every browser of the person is signed out."""
    account.totp_secret = account.totp_offered = None
    account.credentials_at = now
    recovery.forget(session, account.id)
    end_sessions(session, account.id)
    audit.record(session, "account.codes_off", account, actor=actor, now=now)


def take_code(session: Session, account: Account, code: str, *, key: bytes, now: dt.datetime) -> bool:
    """Whether a code is right and was not given before; two who give it in the same moment get one yes."""
    if account.totp_secret is None:
        return False
    secret = unseal(account.totp_secret, key=key, account_id=account.id)
    step = _step_of(secret, code, after=account.totp_step, now=now)
    if step is None:
        return False
    taken = session.execute(
        sa.update(Account).where(Account.id == account.id, Account.totp_step < step).values(totp_step=step)
    )
    return bool(getattr(taken, "rowcount", 0))


def code_at(secret: str, now: dt.datetime) -> str:
    """The code that a telephone shows."""
    import pyotp  # noqa: PLC0415

    return pyotp.TOTP(secret).at(now)


def seal(secret: str, *, key: bytes, account_id: int) -> str:
    """Encrypted and bound to its account: who reads the table, or moves a value in it, gains nothing."""
    nonce = os.urandom(_NONCE)
    sealed = _cipher(key).encrypt(nonce, secret.encode(), str(account_id).encode())
    return base64.b64encode(nonce + sealed).decode()


def unseal(text: str, *, key: bytes, account_id: int) -> str | None:
    """What was sealed; None if it was changed, or sealed by other keys than those there are."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415

    raw = base64.b64decode(text)
    try:
        return _cipher(key).decrypt(raw[:_NONCE], raw[_NONCE:], str(account_id).encode()).decode()
    except (InvalidTag, ValueError):
        return None


def _step_of(secret: str | None, code: str, *, after: int, now: dt.datetime) -> int | None:
    """The step that a code is of, later than `after`."""
    import pyotp  # noqa: PLC0415

    typed = "".join(code.split())
    if secret is None or len(typed) != _DIGITS or not (typed.isascii() and typed.isdecimal()):
        return None
    made = pyotp.TOTP(secret)
    present = int(now.timestamp()) // _STEP
    right = [
        step
        for step in (present + off for off in _STEPS)
        if hmac.compare_digest(made.generate_otp(step), typed)
    ]
    return next((step for step in right if step > after), None)


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return AESGCM(mac(key, b"codes of accounts"))
