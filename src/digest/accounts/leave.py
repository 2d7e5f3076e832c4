"""Somebody leaves the paper: one act that ends their sessions and links and hands on what was theirs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.accounts.people import digests_of, disable, set_digests
from digest.accounts.rights import sees_all
from digest.errors import InputError
from digest.i18n import N_
from digest.models import (
    Account,
    AccountDigest,
    AccountLink,
    AccountSession,
    AlertReceiver,
    Digest,
    DkimKey,
    FirstCopy,
    Transport,
)


@dataclass(frozen=True, slots=True)
class Belongings:
    """What somebody has who leaves. `orphans` are digests that no other editor works on.

    `to_rotate` are the secrets that they may know, for an admin has seen where they lie: by what they are and
    their name.
    """

    sessions: int
    links: int
    digests: tuple[str, ...]
    orphans: tuple[str, ...]
    alerts: int
    first_copies: int
    to_rotate: tuple[tuple[str, str], ...]


def belongings_of(session: Session, account: Account, *, now: dt.datetime) -> Belongings:
    """What would be handed on or ended."""
    chosen = digests_of(session, account.id)
    titles = _titles(session, chosen)
    shared = set(
        session.scalars(
            sa.select(AccountDigest.digest_id)
            .join(Account, Account.id == AccountDigest.account_id)
            .where(
                AccountDigest.digest_id.in_(chosen),
                AccountDigest.account_id != account.id,
                Account.disabled_at.is_(None),
            )
        )
    )
    return Belongings(
        sessions=_count(
            session, AccountSession, AccountSession.account_id == account.id, AccountSession.until > now
        ),
        links=_count(
            session,
            AccountLink,
            AccountLink.account_id == account.id,
            AccountLink.used_at.is_(None),
            AccountLink.until > now,
        ),
        digests=tuple(titles[each] for each in chosen),
        orphans=tuple(titles[each] for each in chosen if each not in shared),
        alerts=_count(session, AlertReceiver, AlertReceiver.account_id == account.id),
        first_copies=_count(session, FirstCopy, FirstCopy.account_id == account.id),
        to_rotate=_secrets(session) if sees_all(account.role) else (),
    )


def leave(
    session: Session, account: Account, *, heir: Account | None, actor: str, now: dt.datetime
) -> Belongings:
    """Shut somebody out for good; `heir` takes over their digests, alerts and first copies.

    Raises StateError for the last admin who can sign in, InputError for an heir who cannot be one.
    """
    if heir is not None and (heir.id == account.id or heir.disabled_at is not None):
        raise InputError(N_("Whoever takes over must be somebody else, who is not shut out."))
    had = belongings_of(session, account, now=now)
    disable(session, account, actor=actor, now=now)
    if heir is not None:
        _hand_on(session, account, heir, actor=actor, now=now)
    set_digests(session, account, (), actor=actor, now=now)
    for model in (AlertReceiver, FirstCopy):
        session.execute(sa.delete(model).where(model.account_id == account.id))
    details = {"heir": heir.id if heir is not None else None, "digests": len(had.digests)}
    audit.record(session, "account.leave", account, actor=actor, now=now, details=details)
    return had


def _hand_on(session: Session, account: Account, heir: Account, *, actor: str, now: dt.datetime) -> None:
    if not sees_all(heir.role):
        wanted = {*digests_of(session, heir.id), *digests_of(session, account.id)}
        set_digests(session, heir, wanted, actor=actor, now=now)
    for model, key in ((AlertReceiver, AlertReceiver.digest_id), (FirstCopy, FirstCopy.cadence_id)):
        has = set(session.scalars(sa.select(key).where(model.account_id == heir.id)))
        of_both = sa.update(model).where(model.account_id == account.id, key.not_in(has))
        session.execute(of_both.values(account_id=heir.id), execution_options={"synchronize_session": False})


def _secrets(session: Session) -> tuple[tuple[str, str], ...]:
    services = session.scalars(
        sa.select(Transport.name).where(Transport.secret_name.is_not(None)).order_by(Transport.name)
    )
    keys = session.execute(sa.select(DkimKey.domain, DkimKey.selector).order_by(DkimKey.domain))
    return (
        *(("mail_service", name) for name in services),
        *(("dkim", f"{selector}._domainkey.{domain}") for domain, selector in keys),
    )


def _titles(session: Session, digest_ids: list[int]) -> dict[int, str]:
    rows = session.execute(sa.select(Digest.id, Digest.title).where(Digest.id.in_(digest_ids)))
    return {row.id: row.title for row in rows}


def _count(session: Session, model: type, *conditions: sa.ColumnElement[bool]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions)) or 0
