"""Who had a story: the people to whom an edition was handed over with it. A correction goes to them alone.

`uncertain` counts as handed over, for it may have arrived: a reader who is told of an error in a mail that
never came has lost nothing, one who believes what is wrong has. `failed` and `skipped` do not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.remembered import Remembered
from digest.db.tuning import with_room_to_work
from digest.lists.queries import may_be_mailed
from digest.models import (
    ChangeKind,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionChange,
    Item,
    Revision,
    Subscriber,
    Subscription,
    TextSize,
    Variant,
)

HANDED_OVER: Final = (DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN)
# A correction may itself be put right; what is followed back is bounded, whatever the rows say.
_MOST_BACK: Final = 10


def had_story(session: Session, edition: Edition) -> sa.Select[int, int, TextSize, str | None]:
    """`queries.audience` of a correction edition: whoever has the story it puts right and may be mailed.

    Each by the subscription that the first mail came by: whoever left that list gets no more of it, whatever
    else they read. Which renderings had the story is read first, so that this is one pass over the first
    edition's deliveries.
    """
    variants = _variants_with(session, edition)
    return (
        sa.select(
            Delivery.subscriber_id.label("subscriber_id"),
            Delivery.subscription_id.label("subscription_id"),
            Subscriber.text_size.label("text_size"),
            Subscriber.domain.label("domain"),
        )
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .where(
            Delivery.edition_id == edition.corrects_id,
            Delivery.status.in_(HANDED_OVER),
            Delivery.variant_id.in_(variants),
            may_be_mailed(),
        )
    )


def readers_by_story(session: Session, edition: Edition) -> dict[int, int]:
    """How many people who may be mailed have had each story of the current version, by its position.

    Of very many they may be those of a minute ago.
    """
    items = _items(session, edition.id)
    variants = session.execute(
        sa.select(Variant.id, Variant.revision_id, Variant.positions)
        .join(Revision, Revision.id == Variant.revision_id)
        .where(Revision.edition_id == edition.id)
    ).all()
    key = (edition.id, edition.public_id)
    people = _readers.of(session, key, lambda using: _by_variant(using, key[0]))
    found: dict[int, int] = {}
    for item in items:
        if item.revision_id != edition.revision_id:
            continue
        places = {(one.revision_id, one.position) for one in items if _key(one) == _key(item)}
        found[item.position] = sum(people.get(one.id, 0) for one in variants if _is_in(one, places))
    return found


_readers: Final[Remembered[tuple[int, str], dict[int, int]]] = Remembered(
    lambda found: sum(found.values()), seconds=60
)


def _by_variant(session: Session, edition_id: int) -> dict[int, int]:
    """How many people who may be mailed have had each rendering."""
    with_room_to_work(session)
    query = (
        sa.select(Delivery.variant_id, sa.func.count())
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .where(Delivery.edition_id == edition_id, Delivery.status.in_(HANDED_OVER), may_be_mailed())
        .group_by(Delivery.variant_id)
    )
    return dict(session.execute(query).all())


def _is_in(variant: Any, places: set[tuple[int, int]]) -> bool:
    """Whether a rendering has the story that stands at these places of versions."""
    return any(
        revision_id == variant.revision_id and (variant.positions is None or position in variant.positions)
        for revision_id, position in places
    )


def correction_details(session: Session, edition_id: int) -> dict[str, Any]:
    """What was said when a correction edition was asked for; empty for any other edition."""
    rows = session.scalars(
        sa.select(EditionChange.details)
        .where(EditionChange.edition_id == edition_id, EditionChange.kind == ChangeKind.NOTE)
        .order_by(EditionChange.id)
    )
    return next((dict(details) for details in rows if "correction" in details), {})


def corrected_before(session: Session, edition_id: int) -> tuple[int, ...]:
    """The editions that a correction puts right, the oldest first; none for any other edition."""
    found: list[int] = []
    following: int | None = edition_id
    while len(found) < _MOST_BACK:
        following = session.scalar(sa.select(Edition.corrects_id).where(Edition.id == following))
        if following is None:
            break
        found.insert(0, following)
    return tuple(found)


def _variants_with(session: Session, edition: Edition) -> list[int]:
    """The renderings of the first edition, of all its versions, that the story is in.

    It is the same one in another version if it is the same post or own item; where both are gone by now, if
    it has the same address and title.
    """
    details = correction_details(session, edition.id)
    items = _items(session, edition.corrects_id)
    named = (details.get("revision_id"), edition.corrects_position)
    wanted = {_key(item) for item in items if (item.revision_id, item.position) == named}
    places: dict[int, set[int]] = defaultdict(set)
    for item in items:
        if _key(item) in wanted and (not details.get("is_only") or item.revision_id == named[0]):
            places[item.revision_id].add(item.position)
    variants = session.execute(
        sa.select(Variant.id, Variant.revision_id, Variant.positions).where(
            Variant.revision_id.in_(list(places))
        )
    )
    return [
        variant.id
        for variant in variants
        if variant.positions is None or places[variant.revision_id] & set(variant.positions)
    ]


def _items(session: Session, edition_id: int | None) -> Sequence[Any]:
    """The stories of all versions of an edition, each with what it is known by."""
    return session.execute(
        sa.select(
            Item.revision_id,
            Item.position,
            Item.post_id,
            Item.own_item_id,
            Item.story["url"].as_string().label("url"),
            Item.story["title"].as_string().label("title"),
        )
        .join(Revision, Revision.id == Item.revision_id)
        .where(Revision.edition_id == edition_id)
    ).all()


def _key(item: Any) -> tuple[object, ...]:
    if item.post_id is not None:
        return "post", item.post_id
    if item.own_item_id is not None:
        return "own", item.own_item_id
    return item.url, item.title
