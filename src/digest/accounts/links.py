"""Links for the staff that work once: the first account, an invitation, another password."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.accounts.opaque import hash_of, new_token
from digest.models import Account, AccountLink, LinkPurpose

GOOD_FOR: Final = {
    LinkPurpose.SET_UP: dt.timedelta(days=1),
    LinkPurpose.INVITE: dt.timedelta(days=7),
    LinkPurpose.RESET: dt.timedelta(minutes=30),
}
PATHS: Final = {
    LinkPurpose.SET_UP: "/desk/set-up/",
    LinkPurpose.INVITE: "/desk/join/",
    LinkPurpose.RESET: "/desk/reset/",
}


def make_link(
    session: Session, purpose: LinkPurpose, *, account_id: int | None, public_url: str, now: dt.datetime
) -> str:
    """The address of a new link; those of this kind that the person had before end."""
    end_links(session, account_id, purpose=purpose)
    token = new_token()
    session.add(
        AccountLink(
            account_id=account_id,
            purpose=purpose,
            token_hash=hash_of(token),
            created_at=now,
            until=now + GOOD_FOR[purpose],
        )
    )
    session.flush()
    return f"{public_url}{PATHS[purpose]}{token}"


def find_link(session: Session, token: str, purpose: LinkPurpose, *, now: dt.datetime) -> AccountLink | None:
    """A link that still works; of a person who was shut out none does."""
    shut_out = sa.select(Account.id).where(Account.disabled_at.is_not(None))
    return session.scalars(
        sa.select(AccountLink).where(
            AccountLink.token_hash == hash_of(token),
            AccountLink.purpose == purpose,
            AccountLink.used_at.is_(None),
            AccountLink.until > now,
            sa.or_(AccountLink.account_id.is_(None), AccountLink.account_id.not_in(shut_out)),
        )
    ).one_or_none()


def use_link(session: Session, link: AccountLink, *, now: dt.datetime) -> bool:
    """Use a link up; False if somebody else has done so in the same moment."""
    used = session.execute(
        sa.update(AccountLink)
        .where(AccountLink.id == link.id, AccountLink.used_at.is_(None), AccountLink.until > now)
        .values(used_at=now),
        execution_options={"synchronize_session": False},
    )
    return bool(getattr(used, "rowcount", 0))


def end_links(session: Session, account_id: int | None, *, purpose: LinkPurpose | None = None) -> int:
    """End the links of a person, of one kind or all; returns how many there were."""
    gone = sa.delete(AccountLink).where(
        AccountLink.account_id.is_(None) if account_id is None else AccountLink.account_id == account_id,
        AccountLink.used_at.is_(None),
    )
    if purpose is not None:
        gone = gone.where(AccountLink.purpose == purpose)
    done = session.execute(gone, execution_options={"synchronize_session": False})
    return int(getattr(done, "rowcount", 0))


def purge_links(session: Session, *, now: dt.datetime) -> None:
    """Delete what has ended by itself or was used."""
    over = sa.or_(AccountLink.until <= now, AccountLink.used_at.is_not(None))
    session.execute(sa.delete(AccountLink).where(over), execution_options={"synchronize_session": False})
