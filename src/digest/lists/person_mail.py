"""A single mail to one person, in the words of a digest, from its sender, in its look."""

from __future__ import annotations

import datetime as dt
import hashlib

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import notices
from digest.errors import InputError
from digest.lists.stationery import Stationery
from digest.logs import get_logger
from digest.mail.headers import date_text, notice_message_id
from digest.mail.prepared import fill
from digest.models import Digest, MailingList
from digest.preflight.single_mail import LINK, Sender, single_mail
from digest.rendering.notices import NoticeKind, NoticeValues
from digest.rendering.theme import Look
from digest.rendering.theme_form import read_look

log = get_logger(__name__)


def list_and_digest(session: Session, list_id: int) -> tuple[MailingList, Digest]:
    """A list with its digest; raises NoResultFound if there is none."""
    row = session.execute(
        sa.select(MailingList, Digest)
        .join(Digest, Digest.id == MailingList.digest_id)
        .where(MailingList.id == list_id)
    ).one()
    return row[0], row[1]


def look_of(digest: Digest, public_url: str) -> Look:
    """The digest's theme; that of the house where the stored one cannot be read: the mail must go."""
    try:
        return read_look(digest.look or {}, public_url=public_url)
    except InputError:
        log.exception("the theme of a digest cannot be read", digest=digest.id)
        return Look()


def person_mail(
    stationery: Stationery,
    kind: NoticeKind,
    values: NoticeValues,
    *,
    digest: Digest,
    address: str,
    name: str = "",
    link: str = "",
    key: str,
    now: dt.datetime,
) -> bytes:
    """The finished mail. `link` is the person's own, in the place of UNSUBSCRIBE_URL in the values."""
    single = single_mail(
        kind,
        digest.language,
        values,
        sender=Sender(digest.sender_name, digest.sender_address, digest.reply_to or ""),
        look=look_of(digest, stationery.public_url),
        templates=stationery.templates,
    )
    domain = digest.sender_address.rpartition("@")[2]
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6])  # of no notice with another key
    signer = stationery.signer
    return fill(
        single.prepared,
        {
            "to": address,
            "to_name": name,
            "date": date_text(now),
            "message_id": notice_message_id(number, domain, signer.keys[signer.current]),
            LINK: link,
        },
    )


def ask_person_mail(
    session: Session,
    stationery: Stationery,
    kind: NoticeKind,
    values: NoticeValues,
    *,
    digest: Digest,
    address: str,
    name: str = "",
    link: str = "",
    key: str,
    now: dt.datetime,
) -> bool:
    """Ask for the mail; False if one with this key was asked for before.

    Whether the person may be mailed is the caller's question.
    """
    message = person_mail(
        stationery, kind, values, digest=digest, address=address, name=name, link=link, key=key, now=now
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
