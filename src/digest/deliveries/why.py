"""Why an address got a mail or none: what was handed over, when, under which consent, with which reply."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address
from digest.deliveries.explained import (
    ConsentLine,
    DeliveryLine,
    Explanation,
    Known,
    LeftOutLine,
    SubscriptionLine,
    UncertainLine,
    consent_at,
)
from digest.deliveries.ledger import RESENT_MARK
from digest.deliveries.left_out import left_out
from digest.deliveries.single_mails import single_mails
from digest.lists.evidence import readable, texts_of
from digest.lists.suppress import find_suppression
from digest.mail.headers import message_id
from digest.models import (
    Batch,
    Cadence,
    ConsentEvent,
    Delivery,
    DeliveryStatus,
    Digest,
    Edition,
    EditionState,
    EditionTotals,
    MailingList,
    Reply,
    Revision,
    Subscriber,
    Subscription,
    Transport,
    UncertainCase,
    Variant,
)

# Editions looked into for one person, the newest; each costs one look at the key.
_EDITIONS = 1000
# What a day of a far zone, and the retries of an edition, can lie apart from its slot.
_AROUND = dt.timedelta(days=10)
# Whoever signs off while their mail is on the wire was active when it began.
_ON_THE_WIRE = dt.timedelta(seconds=5)


def explain(
    session: Session,
    address_key: bytes,
    address: str,
    *,
    edition_id: int | None = None,
    day: dt.date | None = None,
    limit: int = 20,
    before: int | None = None,
) -> Explanation:
    """Explain an address: its newest deliveries, those of one edition, or of one day where the cadence lives.

    With `before`, the deliveries of editions that are older than that one. Single mails are told where
    nothing narrows it.

    Raises InputError for what is no address.
    """
    parsed, is_narrowed = parse_address(address), edition_id is not None or day is not None
    barred = find_suppression(session, address_key, parsed)
    person = session.scalars(sa.select(Subscriber).where(Subscriber.address_key == parsed.key)).one_or_none()
    erased_at = None
    if person is None:
        value = keyed_hash(address_key, parsed.key)
        erased_at = session.scalar(
            sa.select(sa.func.max(Subscriber.erased_at)).where(Subscriber.address_hash == value)
        )
    subscriptions = _subscriptions(session, person.id) if person else ()
    deliveries: tuple[DeliveryLine, ...] = ()
    missed: tuple[LeftOutLine, ...] = ()
    if person is not None:
        editions = _editions(session, subscriptions, edition_id, day, before)
        rows = _deliveries(session, person.id, editions)
        found = [row for row in rows if day is None or _day_of(row) == day][:limit]
        deliveries = _lines(session, person.id, found, subscriptions, address_key)
        since = barred.created_at if barred else None
        missed = left_out(
            session, person.id, subscriptions, editions, barred_since=since, day=day, limit=limit
        )
    return Explanation(
        known=Known.SUBSCRIBER if person else Known.ERASED if erased_at else Known.UNKNOWN,
        erased_at=erased_at,
        not_mailed=barred.reason if barred else None,
        not_mailed_since=barred.created_at if barred else None,
        subscriptions=subscriptions,
        deliveries=deliveries,
        left_out=missed,
        notices=() if is_narrowed else single_mails(session, parsed, person, limit=limit),
        dropped_before=_dropped_before(session, subscriptions),
    )


def _editions(
    session: Session,
    subscriptions: Sequence[SubscriptionLine],
    edition_id: int | None,
    day: dt.date | None,
    before: int | None,
) -> Sequence[int]:
    """The editions that can have gone to the person, the newest first."""
    if edition_id is not None:
        return [edition_id]
    # Of the digests whose lists the person was ever on: looking into deliveries by person alone would read
    # them all, for their key begins with the edition.
    digests = (
        sa.select(MailingList.digest_id)
        .join(Subscription, Subscription.list_id == MailingList.id)
        .where(Subscription.id.in_([line.id for line in subscriptions]))
    )
    query = (
        sa.select(Edition.id)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Cadence.digest_id.in_(digests), Edition.planned_at.is_not(None))
        .order_by(Edition.send_at.desc(), Edition.id.desc())
        .limit(_EDITIONS)
    )
    if before is not None:
        there = sa.select(Edition.send_at).where(Edition.id == before).scalar_subquery()
        query = query.where(
            sa.or_(Edition.send_at < there, sa.and_(Edition.send_at == there, Edition.id < before))
        )
    if day is not None:
        noon = dt.datetime.combine(day, dt.time(12), dt.UTC)
        query = query.where(Edition.send_at.between(noon - _AROUND, noon + _AROUND))
    return session.scalars(query).all()


def _deliveries(session: Session, subscriber_id: int, editions: Sequence[int]) -> Sequence[Any]:
    """The person's deliveries of some editions, with what their rows name, the newest first."""
    return session.execute(
        sa.select(
            Delivery,
            Edition,
            Cadence.name.label("cadence"),
            Cadence.zone,
            Digest.name.label("digest"),
            Digest.sender_address,
            Revision.subject,
            Revision.number.label("revision"),
            Variant.text_size,
            Transport.name.label("transport"),
            Reply,
            Batch.not_before,
            Batch.fault,
        )
        .select_from(Delivery)
        .join(Edition, Edition.id == Delivery.edition_id)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .outerjoin(Variant, Variant.id == Delivery.variant_id)
        .outerjoin(Revision, Revision.id == Variant.revision_id)
        .outerjoin(Transport, Transport.id == Delivery.transport_id)
        .outerjoin(Reply, Reply.id == Delivery.reply_id)
        .outerjoin(Batch, Batch.id == Delivery.batch_id)
        .where(Delivery.subscriber_id == subscriber_id, Delivery.edition_id.in_(editions))
        .order_by(Edition.send_at.desc(), Edition.id.desc())
    ).all()


def _day_of(row: Any) -> dt.date:
    """The day of a delivery where its cadence lives: when it was handed over, or else its slot."""
    moment: dt.datetime = row.Delivery.sent_at or row.Edition.send_at
    return moment.astimezone(ZoneInfo(row.zone)).date()


def _lines(
    session: Session,
    subscriber_id: int,
    rows: Iterable[Any],
    subscriptions: Sequence[SubscriptionLine],
    address_key: bytes,
) -> tuple[DeliveryLine, ...]:
    rows = list(rows)
    cases = _uncertain(session, subscriber_id, [row.Edition.id for row in rows])
    by_id = {line.id: line for line in subscriptions}
    return tuple(
        _line(row, by_id.get(row.Delivery.subscription_id), cases[row.Edition.id], address_key)
        for row in rows
    )


def _line(
    row: Any, subscription: SubscriptionLine | None, cases: Sequence[UncertainLine], address_key: bytes
) -> DeliveryLine:
    delivery, edition, reply = row.Delivery, row.Edition, row.Reply
    rounds, tries = divmod(delivery.attempt, RESENT_MARK)
    # The last try of a round has no number of its own: it ended the delivery.
    was_tried = delivery.status in (DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN) or (
        delivery.status is DeliveryStatus.FAILED and reply is not None and reply.code > 0
    )
    is_pending = delivery.status is DeliveryStatus.PENDING
    planned = edition.planned_at or edition.send_at
    moments = (delivery.sent_at, delivery.sent_at - _ON_THE_WIRE, planned) if delivery.sent_at else (planned,)
    proofs = (consent_at(subscription.events, moment) for moment in moments) if subscription else iter(())
    return DeliveryLine(
        edition_id=edition.id,
        digest=row.digest,
        cadence=row.cadence,
        zone=row.zone,
        subject=row.subject or "",
        revision=row.revision or 0,
        text_size=row.text_size or "",
        edition_state=edition.state,
        due_at=edition.due_at,
        status=delivery.status,
        reason=delivery.reason,
        handed_over_at=delivery.sent_at,
        tries=tries + was_tried,
        rounds=rounds,
        next_try_at=row.not_before if is_pending else None,
        held_up=_held_up(edition, row.fault or "") if is_pending else "",
        message_id=message_id(
            edition.id, delivery.subscriber_id, row.sender_address.rpartition("@")[2], address_key
        ),
        transport=row.transport,
        reply_code=reply.code if reply else None,
        reply_enhanced=reply.enhanced if reply else "",
        reply_text=reply.text if reply else "",
        list_name=subscription.list_name if subscription else "",
        consent=next((proof for proof in proofs if proof), ()),
        uncertain=tuple(cases),
    )


def _held_up(edition: Edition, fault: str) -> str:
    """What keeps a pending person waiting beside their turn."""
    return edition.reason_detail if edition.state is EditionState.PAUSED else fault


def _subscriptions(session: Session, subscriber_id: int) -> tuple[SubscriptionLine, ...]:
    events: dict[int, list[ConsentLine]] = defaultdict(list)
    of_person = sa.select(Subscription.id).where(Subscription.subscriber_id == subscriber_id)
    found = session.scalars(
        sa.select(ConsentEvent)
        .where(ConsentEvent.subscription_id.in_(of_person))
        .order_by(ConsentEvent.subscription_id, ConsentEvent.number)
    ).all()
    texts = texts_of(session, found)
    for event in found:
        said = readable(event.details, texts)
        events[event.subscription_id].append(
            ConsentLine(
                number=event.number,
                at=event.at,
                action=event.action,
                status=event.status,
                source=event.source,
                words=said.get("consent", ""),
                actor=said.get("actor", ""),
            )
        )
    rows = session.execute(
        sa.select(Subscription, MailingList.name)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.subscriber_id == subscriber_id)
        .order_by(Subscription.id)
    )
    return tuple(
        SubscriptionLine(one.id, name, one.status, one.paused_until, tuple(events[one.id]))
        for one, name in rows
    )


def _uncertain(
    session: Session, subscriber_id: int, editions: Sequence[int]
) -> defaultdict[int, list[UncertainLine]]:
    found: defaultdict[int, list[UncertainLine]] = defaultdict(list)
    for case in session.scalars(
        sa.select(UncertainCase)
        .where(UncertainCase.subscriber_id == subscriber_id, UncertainCase.edition_id.in_(editions))
        .order_by(UncertainCase.edition_id, UncertainCase.attempt)
    ):
        line = UncertainLine(case.cause, case.since, case.settlement, case.settled_at, case.settled_by)
        found[case.edition_id].append(line)
    return found


def _dropped_before(session: Session, subscriptions: Sequence[SubscriptionLine]) -> dt.datetime | None:
    if not subscriptions:
        return None
    newest = sa.select(sa.func.max(Edition.send_at)).join(
        EditionTotals, EditionTotals.edition_id == Edition.id
    )
    return session.scalar(newest)
