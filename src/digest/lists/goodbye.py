"""The goodbye mail: once for each leaving, with the way back in it.

Who leaves by the page gets it. Who leaves by the button of a mail service (RFC 8058) does not: one more mail
after it looks as if the button had not worked, and is the mail that gets reported as spam. The page that each
link in a mail leads to offers the same way back (docs/adr/0025).
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.lists.leaving import last_leaving
from digest.lists.notice_keys import goodbye_key
from digest.lists.person_mail import ask_person_mail, list_and_digest
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.suppress import is_suppressed
from digest.models import Subscriber, Subscription
from digest.rendering.contexts import UNSUBSCRIBE_URL
from digest.rendering.notices import GoodbyeNotice, NoticeKind
from digest.tokens import Claim, Purpose, Signer


def undo_path(signer: Signer, subscription: Subscription) -> str:
    """Where the button that takes a leaving back posts to, on our own site."""
    return f"/undo/{signer.sign(Claim(Purpose.UNDO, subscription.list_id, subscription.subscriber_id))}"


def ask_goodbye(
    session: Session, subscription: Subscription, stationery: Stationery, *, now: dt.datetime
) -> bool:
    """Ask for the goodbye mail of a subscription that has just ended; False if none is due.

    None is due for a one-click, for an address on the do-not-mail list, and twice for one leaving.
    """
    leaving = last_leaving(session, subscription)
    if leaving is None or leaving.source is Origin.ONE_CLICK:
        return False
    subscriber = session.get_one(Subscriber, subscription.subscriber_id)
    if subscriber.address is None or is_suppressed(
        session, stationery.address_key, parse_address(subscriber.address)
    ):
        return False
    mailing_list, digest = list_and_digest(session, subscription.list_id)
    return ask_person_mail(
        session,
        stationery,
        NoticeKind.GOODBYE,
        GoodbyeNotice(
            list_title=mailing_list.title,
            sender_name=digest.sender_name,
            postal_address=digest.postal_address,
            undo_url=UNSUBSCRIBE_URL,
            digest_title=digest.title,
        ),
        digest=digest,
        address=subscriber.address,
        name=subscriber.name,
        link=f"{stationery.public_url}{undo_path(stationery.signer, subscription)}",
        key=goodbye_key(subscription.id, leaving.number),
        now=now,
    )
