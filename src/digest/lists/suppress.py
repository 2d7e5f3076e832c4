"""The do-not-mail list: addresses by their keyed hash, domains by name.

A domain stands for itself alone: `example.org` does not cover `news.example.org`.
"""

from __future__ import annotations

import datetime as dt
import functools

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import Address, keyed_hash, parse_address, parse_domain
from digest.db.dialect import insert_if_new
from digest.errors import StateError
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.lists.status import Origin
from digest.models import Subscriber, Suppression, SuppressionCause, SuppressionKind

# What a person's own new sign-up with a confirmation takes off the list; the other causes stay.
LIFTED_BY_SIGN_UP = frozenset({SuppressionCause.BOUNCE, SuppressionCause.COMPLAINT})
# A later cause replaces one that stands before it here: what the law says is not lifted like a bounce.
STRENGTH = (
    SuppressionCause.BOUNCE,
    SuppressionCause.COMPLAINT,
    SuppressionCause.NEVER,
    SuppressionCause.LEGAL,
)
REASON_LIMIT = 40


class SuppressedError(StateError):
    """The address or its domain is on the do-not-mail list."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"This address is on the do-not-mail list ({reason}); take it off there first.")


def suppress_address(
    session: Session,
    address_key: bytes,
    address: str,
    *,
    reason: str,
    source: Origin,
    now: dt.datetime,
    cause: SuppressionCause = SuppressionCause.NEVER,
) -> Suppression | None:
    """Put an address on the list; None if it was there already (the first reason of the same cause stays).

    A bounce or complaint that comes again is a new one: only a sign-up after it lifts the entry.
    """
    value = keyed_hash(address_key, parse_address(address).key)
    return _add(session, SuppressionKind.ADDRESS, value, cause, reason=reason, source=source, now=now)


def suppress_subscriber(
    session: Session,
    subscriber: Subscriber,
    *,
    reason: str,
    source: Origin,
    now: dt.datetime,
    cause: SuppressionCause = SuppressionCause.NEVER,
) -> Suppression | None:
    """Put a subscriber's address on the list, erased or not; None if it was there already."""
    value = subscriber.address_hash
    return _add(session, SuppressionKind.ADDRESS, value, cause, reason=reason, source=source, now=now)


def suppress_domain(
    session: Session,
    domain: str,
    *,
    reason: str,
    source: Origin,
    now: dt.datetime,
    cause: SuppressionCause = SuppressionCause.NEVER,
) -> Suppression | None:
    """Put a whole domain on the list; None if it was there already."""
    value = parse_domain(domain)
    return _add(session, SuppressionKind.DOMAIN, value, cause, reason=reason, source=source, now=now)


def release_address(session: Session, address_key: bytes, address: str) -> Suppression | None:
    """Take an address off the list; the row that was there, or None."""
    return _remove(session, SuppressionKind.ADDRESS, keyed_hash(address_key, parse_address(address).key))


def release_domain(session: Session, domain: str) -> Suppression | None:
    """Take a domain off the list; the row that was there, or None."""
    return _remove(session, SuppressionKind.DOMAIN, parse_domain(domain))


def find_suppression(
    session: Session, address_key: bytes, address: Address, *, but_liftable: bool = False
) -> Suppression | None:
    """Why this address is not to be mailed, itself or by its domain; None if it may be.

    With `but_liftable`, what the person's own sign-up lifts once it is confirmed is no reason.
    """
    given = {"address": keyed_hash(address_key, address.key), "domain": address.domain}
    return session.scalars(_finding(but_liftable=but_liftable), given).first()


def page(
    session: Session,
    *,
    limit: int,
    after: int | None = None,
    kind: SuppressionKind | None = None,
    cause: SuppressionCause | None = None,
) -> list[Suppression]:
    """The entries, the newest first, after the number of the last one of the page before.

    A page costs the same wherever it is; an entry that comes meanwhile moves none.
    """
    query = sa.select(Suppression).order_by(Suppression.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Suppression.id < after)
    if kind is not None:
        query = query.where(Suppression.kind == kind)
    if cause is not None:
        query = query.where(Suppression.cause == cause)
    return list(session.scalars(query))


def lift_by_sign_up(session: Session, subscriber: Subscriber, *, asked_at: dt.datetime) -> Suppression | None:
    """The person has confirmed a sign-up of `asked_at`: a bounce or complaint of before then is lifted.

    Never what was put there by a person or by law, and never a domain: that is not theirs alone. Returns the
    row that was there, or None.
    """
    found = session.scalars(
        sa.select(Suppression)
        .where(
            _is(SuppressionKind.ADDRESS, subscriber.address_hash),
            _is_liftable(),
            Suppression.created_at <= asked_at,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is not None:
        session.delete(found)
        session.flush()
    return found


def is_suppressed(session: Session, address_key: bytes, address: Address) -> bool:
    """Whether this address must not be mailed."""
    return find_suppression(session, address_key, address) is not None


def not_suppressed() -> sa.ColumnElement[bool]:
    """For a query that reads Subscriber: neither the address nor its domain is on the list.

    Two anti-joins, each on the unique key of the list; one with OR could use no index.
    """
    return sa.and_(
        ~sa.exists().where(_is(SuppressionKind.ADDRESS, Subscriber.address_hash)).correlate(Subscriber),
        ~sa.exists().where(_is(SuppressionKind.DOMAIN, Subscriber.domain)).correlate(Subscriber),
    )


def suppressed_ids() -> sa.CompoundSelect[int]:
    """The ids of the subscribers on the do-not-mail list, found from the list's side."""
    mine = sa.orm.aliased(Subscriber)
    by_address = sa.select(mine.id).join(Suppression, _is(SuppressionKind.ADDRESS, mine.address_hash))
    by_domain = sa.select(mine.id).join(Suppression, _is(SuppressionKind.DOMAIN, mine.domain))
    return sa.union(by_address, by_domain)


@functools.cache
def _finding(*, but_liftable: bool) -> sa.Select[Suppression]:
    """Built once: it is run two or three times a sign-up, and to build it takes longer than to run it."""
    query = sa.select(Suppression).where(
        sa.or_(
            _is(SuppressionKind.ADDRESS, sa.bindparam("address", type_=sa.String)),
            _is(SuppressionKind.DOMAIN, sa.bindparam("domain", type_=sa.String)),
        )
    )
    if but_liftable:
        query = query.where(~_is_liftable())
    return query.order_by(Suppression.id).limit(1)


def _is(kind: SuppressionKind, value: object) -> sa.ColumnElement[bool]:
    return sa.and_(Suppression.kind == kind, Suppression.value == value)


def _is_liftable() -> sa.ColumnElement[bool]:
    # Not as a list: that is written into the statement anew at each run, and this is run at each sign-up.
    causes = sa.or_(*(Suppression.cause == each for each in sorted(LIFTED_BY_SIGN_UP)))
    return sa.and_(Suppression.kind == SuppressionKind.ADDRESS, causes)


def _add(
    session: Session,
    kind: SuppressionKind,
    value: str,
    cause: SuppressionCause,
    *,
    reason: str,
    source: Origin,
    now: dt.datetime,
) -> Suppression | None:
    row = {
        "kind": kind,
        "value": value,
        "cause": cause,
        "reason": clean_line(reason, what=N_("reason"), limit=REASON_LIMIT),
        "source": source.value,
        "created_at": now,
    }
    found = None
    while found is None:
        made = insert_if_new(session, Suppression, row)
        if made is not None:
            return session.get_one(Suppression, made)
        found = _held(session, kind, value)  # None: lifted or released this moment, so it is put there anew
    has_changed = is_stronger(cause, found.cause)
    if has_changed:
        found.cause, found.reason, found.source = cause, str(row["reason"]), source.value
    elif is_of_one_import(found):
        found.source = source.value  # that import can be undone, and this stays
    if has_changed or {cause, found.cause} <= LIFTED_BY_SIGN_UP:
        # A sign-up of before this moment knows nothing of it, and does not lift it.
        found.created_at = max(found.created_at, now)
    session.flush()
    return found if has_changed else None


def is_of_one_import(row: Suppression) -> bool:
    """Whether nobody but one import of people has said it: undoing that takes the entry off the list."""
    return row.source.startswith(f"{Origin.IMPORT.value}:")


def is_stronger(cause: SuppressionCause, than: SuppressionCause) -> bool:
    """Whether a cause replaces another one of the same address or domain."""
    return STRENGTH.index(cause) > STRENGTH.index(than)


def _held(session: Session, kind: SuppressionKind, value: str) -> Suppression | None:
    """The entry as it is now, its row locked."""
    query = sa.select(Suppression).where(_is(kind, value)).with_for_update()
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def _remove(session: Session, kind: SuppressionKind, value: str) -> Suppression | None:
    found = _held(session, kind, value)
    if found is not None:
        session.delete(found)
        session.flush()
    return found
