"""A single mail to one person, in the words of a digest and from its sender."""

from __future__ import annotations

import datetime as dt
import hashlib

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import notices
from digest.lists.stationery import Stationery
from digest.mail.headers import date_text, notice_message_id
from digest.mail.message import build_notice
from digest.models import Digest, MailingList
from digest.rendering.notices import NoticeKind, NoticeValues, render_notice


def list_and_digest(session: Session, list_id: int) -> tuple[MailingList, Digest]:
    """A list with its digest; raises NoResultFound if there is none."""
    row = session.execute(
        sa.select(MailingList, Digest)
        .join(Digest, Digest.id == MailingList.digest_id)
        .where(MailingList.id == list_id)
    ).one()
    return row[0], row[1]


def ask_person_mail(
    session: Session,
    stationery: Stationery,
    kind: NoticeKind,
    values: NoticeValues,
    *,
    digest: Digest,
    address: str,
    name: str = "",
    key: str,
    now: dt.datetime,
) -> bool:
    """Ask for the mail; False if one with this key was asked for before.

    Whether the person may be mailed is the caller's question.
    """
    rendered = render_notice(kind, digest.language, values, templates=stationery.templates)
    domain = digest.sender_address.rpartition("@")[2]
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6])
    message = build_notice(
        from_name=digest.sender_name,
        from_address=digest.sender_address,
        to=address,
        to_name=name,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        date=date_text(now),
        message_id=notice_message_id(number, domain, stationery.signer.keys[stationery.signer.current]),
        reply_to=digest.reply_to or "",
    )
    return notices.ask(
        session,
        key=key,
        kind=kind.value,
        address=address,
        sender_address=digest.sender_address,
        message=message,
        now=now,
    )
