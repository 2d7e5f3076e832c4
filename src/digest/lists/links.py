"""What a signed link of a mail stands for and does. A sign-off works for years."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from digest.lists.locks import lock_person
from digest.lists.queries import subscription_of
from digest.lists.status import Origin
from digest.lists.subscribe import end
from digest.models import Subscription
from digest.tokens import Claim, Purpose, Signer


def subscription_of_token(
    session: Session, signer: Signer, token: str, *, purpose: Purpose
) -> Subscription | None:
    """The subscription a link stands for; None if it is gone, TokenError if the link is not ours."""
    claim = signer.check(token, purpose)
    return subscription_of(session, list_id=claim.list_id, subscriber_id=claim.subscriber_id)


def held_subscription_of_token(
    session: Session, signer: Signer, token: str, *, purpose: Purpose
) -> Subscription | None:
    """As `subscription_of_token`, with its person held first: for whoever is going to change something."""
    claim = signer.check(token, purpose)
    try:
        lock_person(session, claim.subscriber_id)
    except NoResultFound:
        return None
    return subscription_of(session, list_id=claim.list_id, subscriber_id=claim.subscriber_id)


def end_by_token(
    session: Session, signer: Signer, token: str, *, source: Origin, now: dt.datetime, network: str = ""
) -> Subscription | None:
    """Sign off by the link of a mail (RFC 8058): the subscription if this ended it, else None.

    Again, or for a subscription that is gone, it does nothing and all is well: whoever pressed the button
    gets what they wanted. Raises TokenError only for a link that is not ours.
    """
    subscription = held_subscription_of_token(session, signer, token, purpose=Purpose.UNSUBSCRIBE)
    if subscription is None:
        return None
    was_ended = end(session, subscription, source=source, now=now, reason="unsubscribed", network=network)
    return subscription if was_ended else None


def sign_off_url(public_url: str, signer: Signer, *, list_id: int, subscriber_id: int) -> str:
    """The address of the sign-off page, which is also where RFC 8058's POST goes."""
    token = signer.sign(Claim(Purpose.UNSUBSCRIBE, list_id, subscriber_id))
    return f"{public_url}/u/{token}"
