"""What a confirmation mail's link shows and does: showing changes nothing, pressing twice is harmless."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.lists import confirmations
from digest.lists.links import subscription_of_token
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.subscribe import confirm
from digest.lists.suppress import lift_by_sign_up, not_suppressed
from digest.lists.welcome import ask_welcome, latest_url
from digest.models import Digest, MailingList, Subscriber, Subscription, SubscriptionStatus
from digest.tokens import Purpose, Signer

_SHOWN = (SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED)


@dataclass(frozen=True, slots=True)
class ConfirmLink:
    """What the page may say. `is_done`: it was pressed before. `web_url` is the latest edition or ""."""

    titles: tuple[str, ...]
    language: str
    is_done: bool
    web_url: str = ""


def describe(session: Session, signer: Signer, token: str, *, public_url: str = "") -> ConfirmLink | None:
    """What to show for a link; None if it is over. Raises TokenError for a link that is not ours."""
    together = _together(session, signer, token)
    return _link(session, together, public_url) if together else None


def confirm_by_token(
    session: Session, token: str, stationery: Stationery, *, now: dt.datetime, network: str = ""
) -> ConfirmLink | None:
    """Confirm the list of a link and those that were asked for with it; None if it is over.

    Welcomes whoever is new. If this is the end of a new sign-up of the person's own, a bounce or complaint of
    before is forgiven (`suppress.lift_by_sign_up`). Raises TokenError for a link that is not ours.
    """
    together = _together(session, stationery.signer, token)
    if not together:
        return None
    person = session.get_one(Subscriber, together[0].subscriber_id)
    details = _lift(session, person, together, now=now)
    for subscription in together:
        if subscription.status is SubscriptionStatus.PAUSED:
            continue  # only they themselves end a pause, on their page
        if confirm(
            session, subscription, source=Origin.CONFIRM_LINK, now=now, details=details, network=network
        ):
            _welcome(session, subscription, stationery, now=now)
    return _link(session, together, stationery.public_url)


def _together(session: Session, signer: Signer, token: str) -> list[Subscription]:
    """The link's subscription and those of the same post, which have its moment and status; by their ids."""
    found = subscription_of_token(session, signer, token, purpose=Purpose.CONFIRM)
    if found is None or found.status not in _SHOWN:
        return []
    others = sa.select(Subscription).where(
        Subscription.subscriber_id == found.subscriber_id,
        Subscription.status == found.status,
        Subscription.changed_at == found.changed_at,
    )
    return list(session.scalars(others.order_by(Subscription.id)))


def _lift(
    session: Session, person: Subscriber, together: list[Subscription], *, now: dt.datetime
) -> dict[str, str]:
    """Forgive what the new sign-up forgives; what the proof of consent says of it."""
    asked = [
        confirmations.last_asked(session, list_id=each.list_id, address_hash=person.address_hash)
        for each in together
    ]
    latest = max((moment for moment in asked if moment is not None), default=None)
    lifted = lift_by_sign_up(session, person, asked_at=latest) if latest else None
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
        is_done=together[0].status is not SubscriptionStatus.PENDING,
        web_url=latest_url(session, first.digest_id, public_url),
    )
