"""Sign up by the public pages: whatever the address, the answer and about the work are the same.

A new address gets a mail with a link; the subscription waits, `pending`, until its button is pressed. Whoever
left or bounced is asked the same way. Whoever is on the list already is told so, by mail. Addresses that must
never be mailed get nothing, and the page says the same. What was chosen on the form counts with the mail that
it caused: a post that causes none, because one was sent a moment ago, changes nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import Address, keyed_hash, parse_address
from digest.db import Database
from digest.lists import confirm_mail, confirmations, limits
from digest.lists.links import sign_off_url
from digest.lists.notice_keys import confirm_key
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.subscribe import Added, AddOutcome, add_subscriber
from digest.lists.suppress import find_suppression
from digest.lists.welcome import ask_welcome
from digest.models import (
    Digest,
    MailingList,
    OptIn,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)


class SignUp(StrEnum):
    """What the door may say of a sign-up; nothing about the address."""

    TAKEN = "taken"
    TOO_MANY = "too_many"  # from this network, or from everybody together


@dataclass(frozen=True, slots=True)
class ListWish:
    """A list that somebody wants, how often, and of which topics (none: all)."""

    list_id: int
    consent: str  # the words that stood beside the button
    cadence_id: int | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for by a form, checked. `network` is the IP address it came from."""

    address: Address
    lists: tuple[ListWish, ...]
    name: str = ""
    language: str | None = None
    network: str = ""
    actor: str = "form"


class _Told(StrEnum):
    """What a person is told of a list."""

    TO_CONFIRM = "to_confirm"
    KNOWN = "known"
    WELCOMED = "welcomed"


_Lists = list[tuple[MailingList, Added]]


def sign_up(database: Database, wish: Wish, stationery: Stationery, *, now: dt.datetime) -> SignUp:
    """Flow: look at the limits, then ask.

    All sign-ups share a row of the limits. So on PostgreSQL they are asked by a statement that stands for
    itself; on SQLite a writer is alone anyway, and one transaction costs half as much as two.
    """
    address_hash = keyed_hash(stationery.address_key, wish.address.key)
    buckets = (
        limits.address_bucket(address_hash),
        limits.network_bucket(stationery.address_key, wish.network),
        limits.global_bucket(),
    )
    with database.write() if database.is_sqlite else database.look() as session:
        empty = limits.take_all(session, buckets, now=now)
        if empty is None and database.is_sqlite:
            ask(session, wish, stationery, now=now)
    if empty is not None:
        # Of an address nobody is told how often it was typed in.
        return SignUp.TAKEN if empty.limit is limits.BY_ADDRESS else SignUp.TOO_MANY
    if not database.is_sqlite:
        with database.write() as session:
            ask(session, wish, stationery, now=now)
    return SignUp.TAKEN


def ask(session: Session, wish: Wish, stationery: Stationery, *, now: dt.datetime) -> int:
    """Step: make the subscriptions and ask for the mail; returns for how many lists one was due.

    Holds the lock of each list and address, in the order of the lists.
    """
    address_hash, post = keyed_hash(stationery.address_key, wish.address.key), confirmations.new_post()
    due = [
        each
        for each in sorted(wish.lists, key=lambda each: each.list_id)
        if confirmations.note_if_allowed(
            session, list_id=each.list_id, address_hash=address_hash, post=post, now=now
        )
    ]
    if not due:
        return 0
    if find_suppression(session, stationery.address_key, wish.address, but_liftable=True) is None:
        asked = _ask(session, wish, due, post, stationery, now=now)
        others = [each.list_id for each in due if each.list_id not in asked]
        if others:
            confirmations.take_back_post(session, others, address_hash=address_hash, post=post)
        return len(due)
    # The same work as for anybody, for an address that is nobody's; and then it was not done.
    nobody = parse_address(f"{address_hash[:32]}@nobody.invalid")
    with session.begin_nested() as savepoint:
        _ask(session, dataclasses.replace(wish, address=nobody), due, post, stationery, now=now)
        savepoint.rollback()
    unasked = [each.list_id for each in due]
    confirmations.take_back_post(session, unasked, address_hash=address_hash, post=post)
    return len(due)


def _ask(
    session: Session,
    wish: Wish,
    due: Sequence[ListWish],
    post: str,
    stationery: Stationery,
    *,
    now: dt.datetime,
) -> set[int]:
    """The lists that the mail asks about, by which `post` may confirm them."""
    told: dict[_Told, _Lists] = {each: [] for each in _Told}
    # Held here, so that nothing below reads a list or its digest once more.
    rows = session.execute(_lists(), {"lists": [each.list_id for each in due]}).all()
    lists = {row[0].id: row[0] for row in rows}
    for each in due:
        mailing_list = lists[each.list_id]
        what, added = _begin(session, mailing_list, each, wish, stationery, now=now)
        told[what].append((mailing_list, added))
    _ask_by_mail(session, told, post, stationery, now=now)
    return {mailing_list.id for mailing_list, _ in told[_Told.TO_CONFIRM]}


@functools.cache
def _lists() -> sa.Select[MailingList, Digest]:
    """Built once: to build it takes longer than to run it."""
    chosen = MailingList.id.in_(sa.bindparam("lists", expanding=True))
    return sa.select(MailingList, Digest).join(Digest, Digest.id == MailingList.digest_id).where(chosen)


def _begin(
    session: Session,
    mailing_list: MailingList,
    each: ListWish,
    wish: Wish,
    stationery: Stationery,
    *,
    now: dt.datetime,
) -> tuple[_Told, Added]:
    at_once = mailing_list.opt_in is OptIn.SINGLE and _is_new(session, mailing_list, wish.address, stationery)
    added = add_subscriber(
        session,
        mailing_list,
        wish.address.text,
        address_key=stationery.address_key,
        consent_text=each.consent,
        source=Origin.FORM,
        actor=wish.actor,
        now=now,
        name=wish.name,
        language=wish.language,
        cadence_id=each.cadence_id,
        status=SubscriptionStatus.ACTIVE if at_once else SubscriptionStatus.PENDING,
        topics=each.topics,
        may_be_mailed=True,
        network=wish.network,
    )
    subscription = added.subscription
    if added.outcome is not AddOutcome.ADDED and (
        added.status is SubscriptionStatus.PENDING or added.outcome is AddOutcome.REVIVED
    ):
        subscription.cadence_id = each.cadence_id
        subscription.topics = list(each.topics)
        session.flush()
    told = _Told.WELCOMED
    if added.status is SubscriptionStatus.PENDING or _is_suppressed(session, wish.address, stationery):
        told = _Told.TO_CONFIRM
    elif added.outcome is AddOutcome.KNOWN:
        told = _Told.KNOWN
    if mailing_list.opt_in is OptIn.SINGLE:
        # Written for whomever, and then it was not asked for: it takes longer than all the rest.
        with session.begin_nested() as savepoint:
            _welcome(session, subscription, stationery, now=now)
            if told is not _Told.WELCOMED:
                savepoint.rollback()
    return told, added


def _welcome(
    session: Session, subscription: Subscription, stationery: Stationery, *, now: dt.datetime
) -> None:
    ask_welcome(
        session,
        subscription,
        signer=stationery.signer,
        public_url=stationery.public_url,
        now=now,
        templates=stationery.templates,
    )


def _ask_by_mail(
    session: Session,
    told: Mapping[_Told, _Lists],
    post: str,
    stationery: Stationery,
    *,
    now: dt.datetime,
) -> None:
    """One mail for all that is to be confirmed, or for what is known if that is all."""
    is_known = not told[_Told.TO_CONFIRM]
    chosen = told[_Told.KNOWN] if is_known else told[_Told.TO_CONFIRM]
    if not chosen:
        return
    first, added = chosen[0]
    digest = session.get_one(Digest, first.digest_id)
    # As it is on file, however it was typed into the form: by that the person's mails are found again.
    subscriber_id, to = added.subscriber_id, added.address
    if not is_known:
        url = confirm_mail.confirm_url(stationery, list_id=first.id, subscriber_id=subscriber_id, post=post)
    else:
        mailed = sign_off_url(
            stationery.public_url, stationery.signer, list_id=first.id, subscriber_id=subscriber_id
        )
        url = f"{mailed}/page"
    key = confirm_key(first.id, subscriber_id, now)
    message = confirm_mail.build(
        stationery,
        digest,
        [mailing_list.title for mailing_list, _ in chosen],
        to=to,
        url=url,
        is_known=is_known,
        key=key,
        now=now,
    )
    confirm_mail.ask(session, digest, to=to, message=message, key=key, now=now)


def _is_new(session: Session, mailing_list: MailingList, address: Address, stationery: Stationery) -> bool:
    """Whether nothing is known that a stranger must not undo without a confirmation.

    That is: never on this list, never erased, and not on the do-not-mail list for whatever reason.
    """
    address_hash = keyed_hash(stationery.address_key, address.key)
    was_here = sa.exists().where(
        Subscriber.address_hash == address_hash,
        sa.or_(
            Subscriber.erased_at.is_not(None),
            sa.exists().where(
                Subscription.subscriber_id == Subscriber.id, Subscription.list_id == mailing_list.id
            ),
        ),
    )
    return not session.scalar(sa.select(was_here)) and not _is_suppressed(session, address, stationery)


def _is_suppressed(session: Session, address: Address, stationery: Stationery) -> bool:
    return find_suppression(session, stationery.address_key, address) is not None
