"""Links mailed on request, for what the link in every mail must not do: my data, erasing, another address.

A link in a mail may be forwarded with it. So these go, at the press of a button, to the address on file and
nowhere else; each works once, for a day, and a person gets at most three a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.lists.life import note_life
from digest.lists.locks import lock_person
from digest.lists.notice_keys import fresh_key
from digest.lists.person_mail import ask_person_mail, list_and_digest
from digest.lists.stationery import Stationery
from digest.lists.suppress import is_suppressed
from digest.models import FreshLink, Subscriber, Subscription
from digest.rendering.contexts import UNSUBSCRIBE_URL
from digest.rendering.notices import FreshLinkNotice, NoticeKind
from digest.tokens import Claim, Purpose, Signer, TokenError

LASTS = dt.timedelta(hours=24)
MOST_A_DAY = 3


class FreshKind(StrEnum):
    """What a fresh link is for; the value is stored, and is a part of the link's path."""

    DATA = "data"
    ERASE = "erase"
    ADDRESS = "address"  # to the old address: asks for the new one
    NEW_ADDRESS = "new-address"  # to the new address: makes the change

    @property
    def purpose(self) -> Purpose:
        """What its token is signed for."""
        return _PURPOSES[self]


_PURPOSES = {
    FreshKind.DATA: Purpose.MY_DATA,
    FreshKind.ERASE: Purpose.ERASE,
    FreshKind.ADDRESS: Purpose.OLD_ADDRESS,
    FreshKind.NEW_ADDRESS: Purpose.NEW_ADDRESS,
}
_ASKED_BY_PEOPLE = (FreshKind.DATA.value, FreshKind.ERASE.value, FreshKind.ADDRESS.value)


class Asked(StrEnum):
    """What became of a request for a link."""

    MAILED = "mailed"
    ENOUGH = "enough"  # three were asked for in the last 24 hours
    NOT_ALLOWED = "not_allowed"  # the address is on the do-not-mail list, or erased


@dataclass(frozen=True, slots=True)
class Fresh:
    """A fresh link that works: its row and the list in whose words its page speaks."""

    link: FreshLink
    list_id: int


def ask_fresh_link(
    session: Session,
    subscription: Subscription,
    kind: FreshKind,
    stationery: Stationery,
    *,
    now: dt.datetime,
) -> Asked:
    """Have a link mailed to the address on file; at most three a day for a person."""
    # Read anew: an erasure of a moment ago has left no address.
    subscriber = lock_person(session, subscription.subscriber_id)
    if subscriber.address is None or is_suppressed(
        session, stationery.address_key, parse_address(subscriber.address)
    ):
        return Asked.NOT_ALLOWED
    recent = sa.select(sa.func.count()).where(
        FreshLink.subscriber_id == subscriber.id,
        FreshLink.purpose.in_(_ASKED_BY_PEOPLE),
        FreshLink.created_at > now - LASTS,
    )
    if (session.scalar(recent) or 0) >= MOST_A_DAY:
        return Asked.ENOUGH
    note_life(session, subscriber.id, now=now)
    link = make_fresh_link(session, subscriber.id, kind, now=now)
    mail_fresh_link(
        session,
        link,
        stationery,
        list_id=subscription.list_id,
        address=subscriber.address,
        name=subscriber.name,
        key=fresh_key(link.id),
        now=now,
    )
    return Asked.MAILED


def make_fresh_link(
    session: Session,
    subscriber_id: int,
    kind: FreshKind,
    *,
    now: dt.datetime,
    details: Mapping[str, str] | None = None,
) -> FreshLink:
    """A link's row; nothing is mailed yet."""
    link = FreshLink(
        subscriber_id=subscriber_id,
        purpose=kind.value,
        details=dict(details or {}),
        created_at=now,
        expires_at=now + LASTS,
    )
    session.add(link)
    session.flush()
    return link


def mail_fresh_link(
    session: Session,
    link: FreshLink,
    stationery: Stationery,
    *,
    list_id: int,
    address: str,
    name: str,
    key: str,
    now: dt.datetime,
) -> bool:
    """Mail a link; False if a mail with this key was asked for before."""
    mailing_list, digest = list_and_digest(session, list_id)
    kind = FreshKind(link.purpose)
    return ask_person_mail(
        session,
        stationery,
        NoticeKind.FRESH_LINK,
        FreshLinkNotice(
            kind=kind.value,
            list_title=mailing_list.title,
            link_url=UNSUBSCRIBE_URL,
            sender_name=digest.sender_name,
            postal_address=digest.postal_address,
            digest_title=digest.title,
        ),
        digest=digest,
        address=address,
        name=name,
        link=stationery.public_url + fresh_path(stationery.signer, link, list_id=list_id),
        key=key,
        now=now,
    )


def fresh_path(signer: Signer, link: FreshLink, *, list_id: int) -> str:
    """A link's address on our own site."""
    kind = FreshKind(link.purpose)
    return f"/f/{kind.value}/{signer.sign(Claim(kind.purpose, list_id, link.id))}"


def open_fresh_link(
    session: Session, signer: Signer, token: str, kind: FreshKind, *, now: dt.datetime, to_act: bool = False
) -> Fresh | None:
    """The link of a token, if it still works; None if it was used, is too old or its person is erased.

    `to_act` holds the person's row and the link's, so that of two who press at once one finds it used. Raises
    TokenError.
    """
    claim = signer.check(token, kind.purpose)
    link = session.get(FreshLink, claim.subscriber_id)
    if link is None or link.purpose != kind.value:
        # A row that is gone says as little as one that never was.
        raise TokenError
    if to_act:
        lock_person(session, link.subscriber_id)
        link = session.get(FreshLink, link.id, with_for_update=True, populate_existing=True)
        if link is None:
            raise TokenError  # deleted this moment, being past its time
    if link.used_at is not None or link.expires_at <= now or is_erased(session, link):
        return None
    return Fresh(link, claim.list_id)


def is_erased(session: Session, link: FreshLink) -> bool:
    """Whether the person whose link it is has been erased."""
    erased_at = sa.select(Subscriber.erased_at).where(Subscriber.id == link.subscriber_id)
    return session.scalars(erased_at).one() is not None


def use_up(session: Session, link: FreshLink, *, now: dt.datetime) -> None:
    """The link has done its one act; what it knew of a new address is not needed any more."""
    link.used_at = now
    link.details = {}
    session.flush()


def void_links(
    session: Session, subscriber_id: int, kinds: Collection[FreshKind], *, now: dt.datetime
) -> None:
    """The person's address is changed: none of these links of theirs, asked for before, works any more.

    What such a link knew stays with it until it is deleted: that finds the mail that went to a stranger.
    """
    session.execute(
        sa.update(FreshLink)
        .where(
            FreshLink.subscriber_id == subscriber_id,
            FreshLink.purpose.in_([kind.value for kind in kinds]),
            FreshLink.used_at.is_(None),
        )
        .values(used_at=now),
        execution_options={"synchronize_session": "fetch"},
    )
