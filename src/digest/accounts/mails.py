"""Mails to the people of the desk about their own accounts. They go to active accounts and to nobody else."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import notices
from digest.accounts.links import make_link
from digest.lists.stationery import Stationery
from digest.mail.headers import date_text, notice_message_id
from digest.mail.message import build_notice
from digest.models import Account, AccountRole, Digest, LinkPurpose, Transport
from digest.notices.staff import ACCOUNT
from digest.rendering.staff_mails import StaffLetter, StaffMail, render_staff_mail


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a link: mailed, or to be handed over by whoever made it."""

    is_mailed: bool
    url: str


def can_mail(session: Session) -> bool:
    """Whether there is a digest whose name and address stand in a mail, and a service that takes it."""
    has_service = sa.exists().where(Transport.is_enabled)
    return bool(session.scalar(sa.select(sa.and_(sa.exists(sa.select(Digest.id)), has_service))))


def invite(session: Session, account: Account, *, by: str, stationery: Stationery, now: dt.datetime) -> Sent:
    """Ask somebody to choose a password of their own; the link is for whoever gets it to them."""
    return _mail_link(
        session, account, LinkPurpose.INVITE, StaffMail.INVITE, by=by, stationery=stationery, now=now
    )


def mail_reset(session: Session, account: Account, *, stationery: Stationery, now: dt.datetime) -> Sent:
    """Mail the link by which somebody chooses another password."""
    return _mail_link(session, account, LinkPurpose.RESET, StaffMail.RESET, stationery=stationery, now=now)


def tell(
    session: Session, account: Account, kind: StaffMail, *, stationery: Stationery, now: dt.datetime
) -> bool:
    """Tell a person what has changed about their account; False where nothing can be mailed."""
    if not can_mail(session):
        return False
    _ask(session, account, kind, stationery=stationery, now=now)
    return True


def tell_taken_away(session: Session, by: Account, *, stationery: Stationery, now: dt.datetime) -> int:
    """Tell the other admins that one of them has taken a list away as a file; how many are told."""
    if not can_mail(session):
        return 0
    others = sa.select(Account).where(
        Account.role == AccountRole.ADMIN, Account.disabled_at.is_(None), Account.id != by.id
    )
    told = list(session.scalars(others.order_by(Account.id)))
    link = f"{stationery.public_url}/desk/trail?action=list."
    for each in told:
        _ask(session, each, StaffMail.TAKEN_AWAY, stationery=stationery, now=now, link=link, by=by.name)
    return len(told)


def _mail_link(
    session: Session,
    account: Account,
    purpose: LinkPurpose,
    kind: StaffMail,
    *,
    stationery: Stationery,
    now: dt.datetime,
    by: str = "",
) -> Sent:
    link = make_link(session, purpose, account_id=account.id, public_url=stationery.public_url, now=now)
    if not can_mail(session):
        return Sent(is_mailed=False, url=link)
    _ask(session, account, kind, stationery=stationery, now=now, link=link, by=by)
    return Sent(is_mailed=True, url=link)


def _ask(
    session: Session,
    account: Account,
    kind: StaffMail,
    *,
    stationery: Stationery,
    now: dt.datetime,
    link: str = "",
    by: str = "",
) -> None:
    digest = session.scalars(sa.select(Digest).order_by(Digest.id).limit(1)).one()
    letter = StaffLetter(kind, digest.sender_name, f"{stationery.public_url}/desk/forgotten", link, by)
    mail = render_staff_mail(letter, account.language or digest.language, templates=stationery.templates)
    key = f"account:{kind.value}:{account.id}:{now:%Y%m%dT%H%M%S.%f}"
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6])
    domain = digest.sender_address.rpartition("@")[2]
    message = build_notice(
        from_name=digest.sender_name,
        from_address=digest.sender_address,
        to=account.address,
        to_name=account.name,
        subject=mail.subject,
        html=mail.html,
        text=mail.text,
        date=date_text(now),
        message_id=notice_message_id(number, domain, stationery.address_key),
        reply_to=digest.reply_to or "",
    )
    notices.ask(
        session,
        key=key,
        kind=ACCOUNT,
        address=account.address,
        sender_address=digest.sender_address,
        message=message,
        now=now,
    )
