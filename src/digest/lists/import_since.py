"""Who has agreed here, by an act of their own, after the old service last heard of them: reads only.

Those whom a file of leavers or of bounced addresses names again every week are not ended or barred again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among, json_text
from digest.lists.status import Action, Origin
from digest.models import ConsentEvent, Subscription, SubscriptionStatus

_AGREED = [each.value for each in (Action.SIGN_UP, Action.CONFIRM, Action.REVIVE)]
_OWN = [each.value for each in Origin if each.is_own]


@dataclass(slots=True)
class Agreed:
    """What a person has agreed to here, and what an import has said of them before."""

    on_list: dt.datetime | None = None  # signed up or confirmed on this list, confirmed or not
    anywhere: dt.datetime | None = None  # came onto any list for good
    lifted: dt.datetime | None = None  # confirmed, and with that lifted a bounce or a complaint
    left_at: dt.datetime | None = None  # an import into this list first said that they had left

    def came_back(self, left_at: dt.datetime | None) -> bool:
        """Whether they signed up on this list after they left at the old service.

        If the file does not say when that was, it was not later than the first import that said so.
        """
        return _is_later(self.on_list, left_at or self.left_at)

    def is_reached(self, bounced_at: dt.datetime | None) -> bool:
        """Whether they confirmed on any list after the old service had given their address up."""
        return _is_later(self.anywhere, bounced_at) if bounced_at else self.lifted is not None


def agreed_here(session: Session, subscriber_ids: Collection[int], list_id: int) -> dict[int, Agreed]:
    """What these people have agreed to, in one statement however many they are."""
    if not subscriber_ids:
        return {}
    is_own = sa.and_(ConsentEvent.source.in_(_OWN), ConsentEvent.action.in_(_AGREED))
    is_here = Subscription.list_id == list_id
    is_for_good = ConsentEvent.status.in_((SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED))
    has_lifted = json_text(ConsentEvent.details, "lifted").is_not(None)
    said_left = sa.and_(
        is_here,
        ConsentEvent.source == Origin.IMPORT.value,
        ConsentEvent.status == SubscriptionStatus.ENDED,
    )
    query = (
        sa.select(
            Subscription.subscriber_id,
            _last(is_own, is_here),
            _last(is_own, is_for_good),
            _last(is_own, has_lifted),
            sa.func.min(sa.case((said_left, ConsentEvent.at))),
        )
        .join(ConsentEvent, ConsentEvent.subscription_id == Subscription.id)
        .where(
            among(session, Subscription.subscriber_id, sorted(set(subscriber_ids))), sa.or_(is_own, said_left)
        )
        .group_by(Subscription.subscriber_id)
    )
    return {person_id: Agreed(*moments) for person_id, *moments in session.execute(query)}


def _last(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[dt.datetime | None]:
    return sa.func.max(sa.case((sa.and_(*conditions), ConsentEvent.at)))


def _is_later(one: dt.datetime | None, other: dt.datetime | None) -> bool:
    return one is not None and other is not None and one > other
