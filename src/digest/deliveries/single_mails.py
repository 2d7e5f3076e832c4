"""The single mails to one address, for `deliveries.why`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import Address, parse_address
from digest.deliveries.explained import NoticeLine
from digest.errors import InputError
from digest.lists.of_person import addresses_of
from digest.models import Notice, NoticeState, Subscriber
from digest.notices.staff import STAFF_KINDS


def single_mails(
    session: Session, address: Address, person: Subscriber | None, *, limit: int
) -> tuple[NoticeLine, ...]:
    """What was asked for and became of it, the newest first; not what went to one of the staff as such.

    Mails are found by the address as it was written: the given way, and each that stands in the proof.
    """
    written = {address.text}
    if person is not None:
        held = {each.address for each in addresses_of(session, person)}
        written |= {each for each in held if _is_same(each, address)}
    query = (
        sa.select(Notice)
        .where(Notice.address.in_(written), Notice.kind.not_in(STAFF_KINDS))
        .order_by(Notice.id.desc())
        .limit(limit)
        .options(sa.orm.defer(Notice.message))
    )
    return tuple(_line(notice) for notice in session.scalars(query))


def _is_same(text: str, address: Address) -> bool:
    try:
        return parse_address(text).key == address.key
    except InputError:
        return False  # it stands in a proof and only looks like one


def _line(notice: Notice) -> NoticeLine:
    is_pending = notice.state is NoticeState.PENDING
    return NoticeLine(
        kind=notice.kind,
        asked_at=notice.created_at,
        state=notice.state,
        done_at=notice.done_at,
        next_try_at=notice.not_before if is_pending else None,
        reply=notice.reply,
    )
