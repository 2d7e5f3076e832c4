"""Reads of lists: by name, the audience of a cadence, and who may still be mailed."""

from __future__ import annotations

import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.errors import NotFoundError, Word
from digest.i18n import N_
from digest.lists.suppress import not_suppressed
from digest.models import (
    Cadence,
    Digest,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    TextSize,
)

_NAMES_SHOWN = 5


def digest_named(session: Session, name: str) -> Digest:
    """The digest of this name; raises NotFoundError."""
    found = session.scalars(sa.select(Digest).where(Digest.name == name)).one_or_none()
    if found is None:
        raise _there_is_none(session, N_("digest"), name, sa.select(Digest.name))
    return found


def list_named(session: Session, name: str) -> MailingList:
    """The list of this name; raises NotFoundError."""
    found = session.scalars(sa.select(MailingList).where(MailingList.name == name)).one_or_none()
    if found is None:
        raise _there_is_none(session, N_("list"), name, sa.select(MailingList.name))
    return found


def cadence_named(session: Session, digest_id: int, name: str) -> Cadence:
    """The cadence of this name of a digest; raises NotFoundError."""
    of_digest = sa.select(Cadence).where(Cadence.digest_id == digest_id)
    found = session.scalars(of_digest.where(Cadence.name == name)).one_or_none()
    if found is None:
        names = sa.select(Cadence.name).where(Cadence.digest_id == digest_id)
        raise _there_is_none(session, N_("rhythm"), name, names)
    return found


def subscriber_by_address(session: Session, address: str) -> Subscriber:
    """The subscriber with this address; raises InputError or NotFoundError, neither repeats it."""
    key = parse_address(address).key
    found = session.scalars(sa.select(Subscriber).where(Subscriber.address_key == key)).one_or_none()
    if found is None:
        raise NotFoundError(N_("Nobody subscribes with this address."))
    return found


def subscription_of(session: Session, *, list_id: int, subscriber_id: int) -> Subscription | None:
    """A person's subscription to a list, whatever its status."""
    values = {"list": list_id, "subscriber": subscriber_id}
    return session.scalars(_subscription_of(), values).one_or_none()


def lock_subscription_of(session: Session, *, list_id: int, subscriber_id: int) -> Subscription | None:
    """The same, read anew and with its row held: `consent.lock` of it, in one statement."""
    session.flush()
    locking = _subscription_of().with_for_update().execution_options(populate_existing=True)
    return session.scalars(locking, {"list": list_id, "subscriber": subscriber_id}).one_or_none()


@functools.cache
def _subscription_of() -> sa.Select[Subscription]:
    """Built once: to build it takes longer than to run it."""
    return sa.select(Subscription).where(
        Subscription.list_id == sa.bindparam("list"),
        Subscription.subscriber_id == sa.bindparam("subscriber"),
    )


def first_cadence_id(digest_id: Any) -> sa.ScalarSelect[int]:
    """The cadence of subscriptions that name none: the digest's first that runs; if none runs, its first."""
    cadence = _another_cadence()
    return (
        sa.select(cadence.id)
        .where(cadence.digest_id == digest_id)
        .order_by(cadence.is_running.desc(), cadence.id)
        .limit(1)
        .scalar_subquery()
    )


@functools.cache
def _another_cadence() -> type[Cadence]:
    """The table under a second name; made once, for that takes longer than all the rest of the statement.

    It makes its columns when they are first asked for, and not safely: of two threads that ask at once, one
    may get a column of the table itself, and with it another statement. So they are made before it is shared.
    """
    cadence = sa.orm.aliased(Cadence)
    sa.select(cadence.id, cadence.digest_id, cadence.is_running).compile()
    return cadence


def audience(
    cadence_id: int, chosen: sa.ColumnElement[bool] | None = None
) -> sa.Select[int, int, TextSize, str | None]:
    """Who may get an edition of this cadence: (subscriber_id, subscription_id, text_size, domain).

    These are the active subscriptions, to lists of the cadence's digest, of people who are neither erased
    nor on the do-not-mail list. A subscription without a cadence counts for the digest's first that runs.
    Whoever is on several lists comes once, under the oldest subscription. Of these people only those for whom
    `chosen` holds, the condition of a segment of the digest (`segments.condition_for`).
    """
    digest_id = sa.select(Cadence.digest_id).where(Cadence.id == cadence_id).scalar_subquery()
    first_id = first_cadence_id(digest_id)
    return (
        sa.select(
            Subscriber.id.label("subscriber_id"),
            sa.func.min(Subscription.id).label("subscription_id"),
            Subscriber.text_size.label("text_size"),
            Subscriber.domain.label("domain"),
        )
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(
            MailingList.digest_id == digest_id,
            may_be_mailed(),
            sa.or_(
                Subscription.cadence_id == cadence_id,
                sa.and_(Subscription.cadence_id.is_(None), first_id == cadence_id),
            ),
            *(() if chosen is None else (chosen,)),
        )
        .group_by(Subscriber.id, Subscriber.text_size, Subscriber.domain)
    )


def may_be_mailed() -> sa.ColumnElement[bool]:
    """Whether a subscription joined with its subscriber may get a mail now.

    It must be active, and its person neither erased nor on the do-not-mail list. The audience of an edition
    and the check right before each group of a running send ask the same.
    """
    return sa.and_(
        Subscription.status == SubscriptionStatus.ACTIVE,
        Subscriber.erased_at.is_(None),
        not_suppressed(),
    )


def _there_is_none(session: Session, what: str, name: str, names: sa.Select[Any]) -> NotFoundError:
    known = list(session.scalars(names.order_by(names.selected_columns[0]).limit(_NAMES_SHOWN + 1)))
    if len(known) > _NAMES_SHOWN:
        known[_NAMES_SHOWN:] = ["..."]
    return NotFoundError(
        N_("There is no %(what)s %(name)r; there are: %(known)s.")
        if known
        else N_("There is no %(what)s %(name)r, nor any other yet."),
        what=Word(what),
        name=name[:60],
        known=", ".join(known),
    )
