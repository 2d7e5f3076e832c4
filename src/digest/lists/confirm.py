"""What a confirmation mail's link shows and does: showing changes nothing, pressing twice is harmless."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.lists import confirmations, consent
from digest.lists.life import note_life
from digest.lists.links import subscription_of_token
from digest.lists.stationery import Stationery
from digest.lists.status import Action, Origin
from digest.lists.subscribe import confirm, confirm_again
from digest.lists.suppress import lift_by_sign_up, not_suppressed
from digest.lists.welcome import ask_welcome, latest_url
from digest.models import (
    ConsentEvent,
    Digest,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.tokens import Purpose, Signer

_SHOWN = (SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED)


@dataclass(frozen=True, slots=True)
class ConfirmLink:
    """What the page may say. `is_done`: it was pressed before. `web_url` is the latest edition or ""."""

    titles: tuple[str, ...]
    language: str
    is_done: bool
    web_url: str = ""


def describe(
    session: Session, signer: Signer, token: str, *, post: str = "", public_url: str = ""
) -> ConfirmLink | None:
    """What to show for a link; None if it is over. Raises TokenError for a link that is not ours."""
    asked = _asked(session, signer, token, post)
    return _link(session, asked.together, public_url) if asked else None


def confirm_by_token(
    session: Session,
    token: str,
    stationery: Stationery,
    *,
    now: dt.datetime,
    post: str = "",
    network: str = "",
) -> ConfirmLink | None:
    """Confirm the list of a link and those that its mail, `post`, asked about with it; None if it is over.

    Welcomes whoever is new. If this is the end of a new sign-up of the person's own, a bounce or complaint of
    before is forgiven (`suppress.lift_by_sign_up`); of whoever is on the list already it is on record too.
    Raises TokenError for a link that is not ours.
    """
    asked = _asked(session, stationery.signer, token, post)
    if asked is None:
        return None
    for subscription in asked.together:
        consent.lock(session, subscription)
    together = [each for each in asked.together if each.status in _SHOWN]
    if not together:
        return None  # erased, or left, this very moment
    person = session.get_one(Subscriber, together[0].subscriber_id, populate_existing=True)
    note_life(session, person.id, now=now)
    details = _lift(session, person, asked.at, now=now)
    source = Origin.CONFIRM_LINK
    for subscription in together:
        if subscription.status is SubscriptionStatus.PENDING:
            confirm(session, subscription, source=source, now=now, details=details, network=network)
            _welcome(session, subscription, stationery, now=now)
        elif details or _is_new(session, subscription, asked):
            confirm_again(session, subscription, source=source, now=now, details=details, network=network)
    return _link(session, together, stationery.public_url)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The subscriptions that a mail asked about, by their ids; `at` is None if that is long ago.

    `is_known`: that mail is on record, and `at` is its own moment.
    """

    together: list[Subscription]
    at: dt.datetime | None
    is_known: bool


def _asked(session: Session, signer: Signer, token: str, post: str) -> _Asked | None:
    found = subscription_of_token(session, signer, token, purpose=Purpose.CONFIRM)
    if found is None or found.status not in _SHOWN:
        return None
    address_hash = session.get_one(Subscriber, found.subscriber_id).address_hash
    list_id = found.list_id
    mail = confirmations.asked_together(session, list_id=list_id, address_hash=address_hash, post=post)
    others = sa.select(Subscription).where(Subscription.subscriber_id == found.subscriber_id)
    if mail is not None:
        at: dt.datetime | None = mail.at
        others = others.where(Subscription.list_id.in_(mail.list_ids), Subscription.status.in_(_SHOWN))
    else:
        # A mail of long ago: what was asked for with it has not been touched since.
        at = None if post else confirmations.last_asked(session, list_id=list_id, address_hash=address_hash)
        same = Subscription.status == found.status, Subscription.changed_at == found.changed_at
        others = others.where(*same)
    together = list(session.scalars(others.order_by(Subscription.id)))
    return _Asked(together, at, is_known=mail is not None)


def _is_new(session: Session, subscription: Subscription, asked: _Asked) -> bool:
    """Whether this mail's question has not been answered yet by somebody who is on the list."""
    if not asked.is_known:
        return False
    answered = sa.select(sa.func.max(ConsentEvent.at)).where(
        ConsentEvent.subscription_id == subscription.id, ConsentEvent.action == Action.CONFIRM
    )
    last = session.scalars(answered).one()
    return last is None or (asked.at is not None and last < asked.at)


def _lift(
    session: Session, person: Subscriber, asked_at: dt.datetime | None, *, now: dt.datetime
) -> dict[str, str]:
    """Forgive what the new sign-up forgives; what the proof of consent says of it."""
    lifted = lift_by_sign_up(session, person, asked_at=asked_at) if asked_at else None
    if lifted is None:
        return {}
    # The row is gone; its id and cause stay in the audit, and the person's own act in the proof.
    audit.record(
        session,
        "suppression.lift",
        lifted,
        actor="reader",
        now=now,
        details={"cause": lifted.cause.value, "subscriber": person.id},
    )
    return {"lifted": lifted.cause.value}


def _welcome(
    session: Session, subscription: Subscription, stationery: Stationery, *, now: dt.datetime
) -> None:
    """The welcome mail, unless something keeps this address from being mailed all the same."""
    may_be_mailed = sa.select(Subscriber.id).where(
        Subscriber.id == subscription.subscriber_id, not_suppressed()
    )
    if session.scalars(may_be_mailed).first() is not None:
        ask_welcome(
            session,
            subscription,
            signer=stationery.signer,
            public_url=stationery.public_url,
            now=now,
            templates=stationery.templates,
        )


def _link(session: Session, together: list[Subscription], public_url: str) -> ConfirmLink:
    lists = {
        row.id: row
        for row in session.execute(
            sa.select(MailingList.id, MailingList.title, MailingList.digest_id, Digest.language)
            .join(Digest, Digest.id == MailingList.digest_id)
            .where(MailingList.id.in_([each.list_id for each in together]))
        )
    }
    first = lists[together[0].list_id]
    return ConfirmLink(
        titles=tuple(lists[each.list_id].title for each in together),
        language=first.language,
        is_done=all(each.status is not SubscriptionStatus.PENDING for each in together),
        web_url=latest_url(session, first.digest_id, public_url),
    )
