"""The welcome mail: what will come, how often, the latest edition if the list wants it, and the way out.

Of that edition stand in it the commentary's beginning and the headlines, and a link to the whole on the web.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.i18n import translator
from digest.lists.links import sign_off_url
from digest.lists.notice_keys import welcome_key
from digest.lists.person_mail import ask_person_mail
from digest.lists.preferences import cadence_of
from digest.lists.stationery import Stationery
from digest.models import (
    Amendment,
    AmendmentKind,
    Cadence,
    Digest,
    Edition,
    EditionState,
    Item,
    MailingList,
    Role,
    Subscriber,
    Subscription,
)
from digest.rendering.contexts import PAGE_URL, Story
from digest.rendering.notices import NoticeKind, WelcomeNotice
from digest.rendering.rhythms import Schedule, rhythm_words
from digest.tokens import Signer

_STORIES_MOST = 12  # of an edition; the rest is on the web


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
    latest = _latest(session, digest.id) if mailing_list.welcomes_with_latest else None
    featured, recent = _stories(session, latest) if latest is not None else (None, ())
    values = WelcomeNotice(
        list_title=mailing_list.title,
        how_often=_how_often(session, subscription, digest, now=now),
        sender_name=digest.sender_name,
        postal_address=digest.postal_address,
        web_url=_web_url(public_url, latest),
        page_url=PAGE_URL,
        featured=featured,
        recent=recent,
        digest_title=digest.title,
    )
    return ask_person_mail(
        session,
        Stationery(signer, b"", public_url, templates),
        NoticeKind.WELCOME,
        values,
        digest=digest,
        address=subscriber.address,
        name=subscriber.name,
        link=sign_off_url(public_url, signer, list_id=mailing_list.id, subscriber_id=subscriber.id),
        key=welcome_key(subscription.id, subscription.changed_at),
        now=now,
    )


def latest_url(session: Session, digest_id: int, public_url: str) -> str:
    """The web page of a digest's latest edition that goes out or has gone out; "" if there is none yet."""
    return _web_url(public_url, _latest(session, digest_id))


def _latest(session: Session, digest_id: int) -> Edition | None:
    """Not a correction: whoever comes now has nothing that is put right by it."""
    is_out = Edition.state.in_((EditionState.SENDING, EditionState.SENT))
    return session.scalars(
        sa.select(Edition)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Cadence.digest_id == digest_id, is_out, Edition.corrects_id.is_(None))
        .order_by(Edition.due_at.desc(), Edition.id.desc())
        .limit(1)
    ).first()


def _web_url(public_url: str, edition: Edition | None) -> str:
    return f"{public_url}/e/{edition.public_id}" if edition is not None else ""


def _stories(session: Session, edition: Edition) -> tuple[Story | None, tuple[Story, ...]]:
    """The commentary and the headlines of an edition, but for what was taken down since it went out.

    Its links are everybody's.
    """
    is_gone = sa.exists().where(
        Amendment.edition_id == edition.id,
        Amendment.position == Item.position,
        Amendment.kind == AmendmentKind.TAKEN_DOWN,
        Amendment.undone_at.is_(None),
    )
    items = session.execute(
        sa.select(Item.role, Item.story)
        .where(Item.revision_id == edition.revision_id, ~is_gone)
        .order_by(Item.position)
        .limit(_STORIES_MOST)
    )
    featured, recent = None, []
    for role, stored in items:
        story = Story(
            **{name: stored[name] for name in ("title", "url", "author", "section", "excerpt", "language")},
            published_at=dt.datetime.fromisoformat(stored["published_at"]),
        )
        if role is Role.FEATURED:
            featured = story
        else:
            recent.append(story)
    return featured, tuple(recent)


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
    words = rhythm_words(schedules, translator(digest.language), now=now)
    return next(f"{each.label} ({each.detail})" for each in words if each.id == present.id)
