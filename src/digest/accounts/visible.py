"""Which digests a person sees, and whether a thing is one of theirs: the one place that says so.

Every page asks here: lists by `visible_digests`, and for one thing `may_see`, before the page itself begins.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.accounts.me import Me
from digest.accounts.rights import Guard, Of, has_role, sees_all
from digest.models import (
    Account,
    AccountDigest,
    AccountSession,
    Cadence,
    Digest,
    DigestSource,
    Edition,
    Import,
    MailingList,
    OwnItem,
    Segment,
    Source,
    Subscriber,
    Transport,
)

_IDS_LIMIT: Final = 2**63

# A thing's digests by its id. What is not here belongs to the house.
_DIGESTS: Final[dict[Of, Any]] = {
    Of.DIGEST: (sa.select(Digest.id), Digest.id),
    Of.CADENCE: (sa.select(Cadence.digest_id), Cadence.id),
    Of.EDITION: (sa.select(Cadence.digest_id).join(Edition, Edition.cadence_id == Cadence.id), Edition.id),
    Of.OWN_ITEM: (sa.select(OwnItem.digest_id), OwnItem.id),
    Of.SOURCE: (sa.select(DigestSource.digest_id), DigestSource.source_id),
    Of.LIST: (sa.select(MailingList.digest_id), MailingList.id),
    Of.SEGMENT: (sa.select(Segment.digest_id), Segment.id),
}
_OF_THE_HOUSE: Final[dict[Of, Any]] = {
    Of.SOURCE: Source,
    Of.SUBSCRIBER: Subscriber,
    Of.IMPORT: Import,
    Of.TRANSPORT: Transport,
    Of.ACCOUNT: Account,
}


def visible_digests(me: Me) -> sa.Select[int]:
    """The ids of the digests that a person works on, to be used in a statement: `column.in_(...)`."""
    if sees_all(me.role):
        return sa.select(Digest.id)
    return sa.select(AccountDigest.digest_id).where(AccountDigest.account_id == me.id)


def may_see(session: Session, me: Me, of: Of, thing_id: int) -> bool:
    """Whether a thing is there and one of this person's; of others nothing is told. One statement."""
    if not 0 < thing_id < _IDS_LIMIT:
        return False
    if of is Of.OWN_SESSION:
        own = sa.exists().where(AccountSession.id == thing_id, AccountSession.account_id == me.id)
        return bool(session.scalar(sa.select(own)))
    if of in _OF_THE_HOUSE and (of not in _DIGESTS or sees_all(me.role)):
        return bool(session.scalar(sa.select(sa.exists().where(_OF_THE_HOUSE[of].id == thing_id))))
    select, key = _DIGESTS[of]
    found = select.where(key == thing_id)
    if not sees_all(me.role):
        column = found.selected_columns[0]
        found = found.where(column.in_(visible_digests(me)))
    return bool(session.scalar(sa.select(found.exists())))


def has_alone(session: Session, me: Me, source_id: int) -> bool:
    """Whether every digest that draws from a source is one of this person's: what is done to it is theirs."""
    others = sa.exists().where(
        DigestSource.source_id == source_id, DigestSource.digest_id.not_in(visible_digests(me))
    )
    return sees_all(me.role) or not session.scalar(sa.select(others))


def allows(me: Me | None, guard: Guard) -> bool:
    """Whether a person has the role that a guard asks for; nobody in particular may only ask to come in."""
    return guard.least is None if me is None else has_role(me.role, guard.least)


def choose_digest(session: Session, me: Me, digest_id: int) -> None:
    """Have whoever has made a digest work on it."""
    if not sees_all(me.role) and session.get(AccountDigest, (me.id, digest_id)) is None:
        session.add(AccountDigest(account_id=me.id, digest_id=digest_id))
        session.flush()
