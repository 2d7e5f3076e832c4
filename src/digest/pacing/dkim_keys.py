"""The rows of DKIM keys: make, list, switch, and turn into a signer.

A private key is never in the database: the row names a secret, which is a file in the secrets folder. A new
key signs nothing until it is enabled, for its record has to be in the DNS first.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import keys
from digest.addresses import parse_domain
from digest.db.dialect import insert_if_new
from digest.errors import ConfigError, InputError, NotFoundError
from digest.i18n import N_
from digest.mail.dkim import Signer
from digest.mail.signing_key import Algorithm, SigningKey, check_selector, load_key, make_private
from digest.models import DkimKey, Transport
from digest.models import Signer as WhoSigns

_LONGEST_SECRET = 120  # characters of a secret's name, as the column holds


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made and is nowhere yet."""

    domain: str
    selector: str
    algorithm: Algorithm
    pem: str = field(repr=False)


def make_key(domain: str, selector: str, algorithm: Algorithm) -> NewKey:
    """A new key of a domain; takes a while for RSA, so make it before a transaction. Raises InputError."""
    return NewKey(parse_domain(domain), check_selector(selector.lower()), algorithm, make_private(algorithm))


def add_keys(
    session: Session,
    made: Sequence[NewKey],
    secrets_folder: Path,
    *,
    now: dt.datetime,
    is_enabled: bool = False,
) -> list[DkimKey]:
    """Keep new keys: first all rows, then the private halves as secrets.

    Raises InputError if a domain has a key of this selector, ConfigError if the folder cannot be written.
    """
    rows = [_insert(session, new, secrets_folder, now=now, is_enabled=is_enabled) for new in made]
    try:
        for new, row in zip(made, rows, strict=True):
            keys.write_secret(secrets_folder, row.secret_name, new.pem)
    except OSError as error:
        raise ConfigError(
            N_("The secrets folder %(folder)s cannot be written: %(reason)s."),
            folder=secrets_folder,
            reason=error.strerror,
        ) from None
    return rows


def keys_of(session: Session, domain: str | None = None) -> list[DkimKey]:
    """All keys, or those of a domain; the oldest first."""
    query = sa.select(DkimKey).order_by(DkimKey.domain, DkimKey.id)
    if domain is not None:
        query = query.where(DkimKey.domain == parse_domain(domain))
    return list(session.scalars(query))


def key_named(session: Session, domain: str, selector: str) -> DkimKey:
    """The key of this selector; raises NotFoundError."""
    domain = parse_domain(domain)
    query = sa.select(DkimKey).where(DkimKey.domain == domain, DkimKey.selector == selector.lower())
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError(
            N_("There is no key %(selector)r of %(domain)s."),
            selector=selector[:63],
            domain=domain,
            hint="`digest dkim list` shows them.",
        )
    return found


def load(row: DkimKey, secrets_folder: Path) -> SigningKey:
    """Read a row's private half. Raises ConfigError with a sentence if it is missing or damaged."""
    return _load(secrets_folder, row.domain, row.selector, row.algorithm, row.secret_name)


def signer_for(session: Session, transport: Transport, domain: str, secrets_folder: Path) -> Signer | None:
    """What signs a domain's mail through a mail service; None where the service signs by itself.

    `domain` is the part of the sender's address behind the @. One query and no file after the first call, so
    ask once for a batch; a key that was switched is seen by the next call. Raises ConfigError if we are to
    sign and have no enabled key of the domain, or cannot read one.
    """
    if transport.signer is WhoSigns.RELAY:
        return None
    found = session.connection().execute(_enabled(), {"of_domain": parse_domain(domain)})
    enabled = tuple(tuple(row) for row in found)
    if not enabled:
        rows = keys_of(session, domain)
        what_to_do = (
            f"`digest dkim enable {rows[0].domain} {rows[0].selector}` has one sign."
            if rows
            else f"`digest dkim keygen {domain}` makes one."
        )
        raise ConfigError(
            N_("The mail service %(name)s leaves signing to us, and no DKIM key of %(domain)s is in use."),
            name=transport.name,
            domain=domain,
            hint=what_to_do,
        )
    return _signer(secrets_folder, enabled)


@functools.cache
def _enabled() -> sa.Select[str, str, str, str]:
    """The statement of `signer_for`, built once: it is run for every batch."""
    return (
        sa.select(DkimKey.domain, DkimKey.selector, DkimKey.algorithm, DkimKey.secret_name)
        .where(DkimKey.domain == sa.bindparam("of_domain"), DkimKey.is_enabled)
        .order_by(DkimKey.id)
    )


def _insert(
    session: Session, new: NewKey, secrets_folder: Path, *, now: dt.datetime, is_enabled: bool
) -> DkimKey:
    secret = _secret_name(new.domain, new.selector)
    row = {
        "domain": new.domain,
        "selector": new.selector,
        "algorithm": new.algorithm.value,
        "secret_name": secret,
        "is_enabled": is_enabled,
        "created_at": now,
    }
    made = insert_if_new(session, DkimKey, row)
    # A file without a row is of another state of the database: its record may be in the DNS.
    if made is None or (secrets_folder / secret).exists():
        raise InputError(
            N_("There is a key %(name)r of %(domain)s already; choose another selector."),
            name=new.selector,
            domain=new.domain,
        )
    return session.get_one(DkimKey, made)


@functools.lru_cache(maxsize=32)
def _signer(folder: Path, rows: Sequence[tuple[str, str, str, str]]) -> Signer:
    return Signer([_load(folder, *row) for row in rows])


def _load(folder: Path, domain: str, selector: str, algorithm: str, secret_name: str) -> SigningKey:
    return load_key(domain, selector, Algorithm(algorithm), keys.read_secret(folder, secret_name))


def _secret_name(domain: str, selector: str) -> str:
    """A file's name; neither a domain nor a selector holds the underscore, so no two keys share one."""
    name = f"dkim_{domain}_{selector}"
    if len(name) <= _LONGEST_SECRET:
        return name
    return f"dkim_{hashlib.sha256(name.encode()).hexdigest()}"
