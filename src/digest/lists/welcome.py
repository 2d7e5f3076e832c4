"""The welcome mail: what will come, how often, the latest edition if the list wants it, and the way out."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import notices
from digest.i18n import spoken, translator
from digest.lists.links import sign_off_url
from digest.lists.preferences import cadence_of
from digest.mail.headers import date_text, notice_message_id
from digest.mail.message import build_notice
from digest.models import Cadence, Digest, Edition, EditionState, MailingList, Subscriber, Subscription
from digest.rendering.notices import NoticeKind, WelcomeNotice, render_notice
from digest.rendering.rhythms import Schedule, rhythm_words
from digest.tokens import Signer


def ask_welcome(
    session: Session,
    subscription: Subscription,
    *,
    signer: Signer,
    public_url: str,
    now: dt.datetime,
    templates: Path | None = None,
) -> bool:
    """Ask for the welcome mail of a subscription; False if it was asked for since it last began.

    The caller has just added or revived the subscription, which looks at the do-not-mail list.
    """
    subscriber = session.get_one(Subscriber, subscription.subscriber_id)
    mailing_list = session.get_one(MailingList, subscription.list_id)
    digest = session.get_one(Digest, mailing_list.digest_id)
    if subscriber.address is None:
        return False
    link = sign_off_url(public_url, signer, list_id=mailing_list.id, subscriber_id=subscriber.id)
    rendered = render_notice(
        NoticeKind.WELCOME,
        digest.language,
        WelcomeNotice(
            list_title=mailing_list.title,
            how_often=_how_often(session, subscription, digest, now=now),
            sender_name=digest.sender_name,
            postal_address=digest.postal_address,
            web_url=latest_url(session, digest.id, public_url) if mailing_list.welcomes_with_latest else "",
            unsubscribe_url=link,
            page_url=f"{link}/page",
        ),
        templates=templates,
    )
    domain = digest.sender_address.rpartition("@")[2]
    key = f"welcome:{subscription.id}:{subscription.changed_at:%Y%m%dT%H%M%S}"
    message = build_notice(
        from_name=digest.sender_name,
        from_address=digest.sender_address,
        to=subscriber.address,
        to_name=subscriber.name,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        date=date_text(now),
        message_id=notice_message_id(_number_of(key), domain, signer.keys[signer.current]),
        reply_to=digest.reply_to or "",
    )
    return notices.ask(
        session,
        key=key,
        kind=NoticeKind.WELCOME.value,
        address=subscriber.address,
        sender_address=digest.sender_address,
        message=message,
        now=now,
    )


def latest_url(session: Session, digest_id: int, public_url: str) -> str:
    """The web page of a digest's latest edition that goes out or has gone out; "" if there is none yet."""
    public_id = session.scalars(
        sa.select(Edition.public_id)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Cadence.digest_id == digest_id, Edition.state.in_((EditionState.SENDING, EditionState.SENT)))
        .order_by(Edition.due_at.desc(), Edition.id.desc())
        .limit(1)
    ).first()
    return f"{public_url}/e/{public_id}" if public_id else ""


def _number_of(key: str) -> int:
    """A number for the Message-ID that no notice with another key has."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6])


def _how_often(session: Session, subscription: Subscription, digest: Digest, *, now: dt.datetime) -> str:
    """When it comes, in the words of the form and of the reader's page; "" if there is no cadence yet."""
    present = cadence_of(session, subscription)
    if present is None:
        return ""
    of_digest = sa.select(Cadence).where(Cadence.digest_id == digest.id).order_by(Cadence.id)
    schedules = [
        Schedule(each.id, each.name, each.cron, each.zone)
        for each in session.scalars(of_digest)
        if each.is_running or each.id == present.id
    ]
    words = rhythm_words(schedules, translator(spoken(digest.language)), now=now)
    return next(f"{each.label} ({each.detail})" for each in words if each.id == present.id)
