"""Sign up, confirm, pause, resume, end: steps that change one subscription and write its proof.

All take a Session and never commit. A repeated action changes nothing and says so by returning False. Each
holds the person's row before any of their subscriptions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import Address, keyed_hash, parse_address
from digest.db.dialect import insert_if_new
from digest.errors import InputError, StateError
from digest.i18n import N_
from digest.lists import consent
from digest.lists.arrivals import find_or_make, take_over
from digest.lists.endings import Before
from digest.lists.fields import check_consent, check_language, check_zone, clean_line
from digest.lists.life import note_life
from digest.lists.queries import lock_subscription_of
from digest.lists.status import Action, Origin, next_status
from digest.lists.suppress import SuppressedError, find_suppression
from digest.models import MailingList, Subscription, SubscriptionStatus, TextSize


class AddOutcome(StrEnum):
    ADDED = "added"
    KNOWN = "known"  # the person is on the list already, whatever the status
    REVIVED = "revived"  # the person had left and asked for it again


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a sign-up."""

    outcome: AddOutcome
    subscriber_id: int
    subscription_id: int
    status: SubscriptionStatus
    address: str = field(repr=False, compare=False)  # as it is on file, however it was written this time
    # Held, so that whoever goes on with it does not read it once more.
    subscription: Subscription = field(repr=False, compare=False)


class LeftError(StateError):
    """The person left the list (or was erased) and did not ask for it again."""

    def __init__(self) -> None:
        super().__init__("This person left; only a sign-up of their own, or asking for it again, revives it.")


@dataclass(frozen=True, slots=True)
class _Proof:
    source: Origin
    details: Mapping[str, str]
    now: dt.datetime
    network: str = ""


def add_subscriber(
    session: Session,
    mailing_list: MailingList,
    address: str,
    *,
    address_key: bytes,
    consent_text: str,
    source: Origin,
    actor: str,
    now: dt.datetime,
    name: str = "",
    zone: str | None = None,
    language: str | None = None,
    text_size: TextSize = TextSize.NORMAL,
    cadence_id: int | None = None,
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
    topics: Sequence[str] = (),
    asked_again: bool = False,
    may_be_mailed: bool = False,
    spoken: Mapping[str, str] | None = None,
    network: str = "",
) -> Added:
    """Put a person on a list, with the proof of consent.

    `topics` are those of a new subscription. `may_be_mailed` says that the caller has just looked whether the
    address is on the do-not-mail list, in this transaction.

    `spoken` is what `evidence.spoken_details` gives of a consent by phone, in person or by letter; `network`
    the IP address that a sign-up came from.

    A known person keeps the name, zone, language and text size there are. As long as nobody has confirmed
    anything, a form may have been a stranger's: then each that asks to be confirmed is an event of its own,
    and the last one's name and choices count. Who has left is revived only if the person acts (`source`) or,
    as a clerk states by `asked_again`, has asked for it.
    Raises InputError for fields that cannot be used, SuppressedError for addresses on the do-not-mail list,
    LeftError for those who left and did not ask again.
    """
    if status not in (SubscriptionStatus.ACTIVE, SubscriptionStatus.PENDING):
        raise StateError(N_("A subscription begins as active or pending."))
    parsed = parse_address(address)
    details = {"address": parsed.text, "consent": check_consent(consent_text), "actor": actor}
    details.update(spoken or {})
    # Nothing is mailed before it is confirmed, and that lifts what a bounce or a complaint put there.
    is_asked = source.is_own and status is SubscriptionStatus.PENDING
    if not may_be_mailed:
        _check_may_be_mailed(session, address_key, parsed, is_asked=is_asked)
    values = {
        "name": clean_line(name, what=N_("name")),
        "zone": check_zone(zone),
        "language": check_language(language),
        "text_size": text_size,
        "created_at": now,
    }
    may_revive = source.is_own or asked_again
    address_hash = keyed_hash(address_key, parsed.key)
    person = find_or_make(session, parsed, address_hash, values, may_revive=may_revive)
    if person is None:
        raise LeftError
    subscriber_id = person.id
    if is_asked:
        take_over(session, subscriber_id, values)
    # A form that waits for its confirmation may have been posted by anybody.
    if source.is_own and status is SubscriptionStatus.ACTIVE:
        note_life(session, subscriber_id, now=now)
    proof = _Proof(source, details, now, network)
    made = _begin(
        session,
        mailing_list.id,
        subscriber_id,
        cadence_id=cadence_id,
        topics=topics,
        status=status,
        proof=proof,
    )
    if made is not None:
        return Added(AddOutcome.ADDED, subscriber_id, made.id, status, person.address, made)
    existing = lock_subscription_of(session, list_id=mailing_list.id, subscriber_id=subscriber_id)
    assert existing is not None  # its key was in the way, and its person is held
    if is_asked and existing.status is SubscriptionStatus.PENDING:
        existing.cadence_id = cadence_id
        _append(session, existing, Action.SIGN_UP, status, proof)
    if existing.status is not SubscriptionStatus.ENDED:
        return Added(AddOutcome.KNOWN, subscriber_id, existing.id, existing.status, person.address, existing)
    if not may_revive:
        raise LeftError
    existing.cadence_id = cadence_id
    _append(session, existing, Action.REVIVE, status, proof)
    return Added(AddOutcome.REVIVED, subscriber_id, existing.id, status, person.address, existing)


def _check_may_be_mailed(session: Session, address_key: bytes, address: Address, *, is_asked: bool) -> None:
    found = find_suppression(session, address_key, address, but_liftable=is_asked)
    if found is not None:
        raise SuppressedError(found.reason)


def confirm(
    session: Session,
    subscription: Subscription,
    *,
    source: Origin,
    now: dt.datetime,
    details: Mapping[str, str] | None = None,
    network: str = "",
) -> bool:
    """The person confirms a sign-up. False if it was confirmed; StateError if it has ended since."""
    proof = _Proof(source, details or {}, now, network)
    return _change(session, subscription, Action.CONFIRM, proof)


def confirm_again(
    session: Session,
    subscription: Subscription,
    *,
    source: Origin,
    now: dt.datetime,
    details: Mapping[str, str] | None = None,
    network: str = "",
) -> None:
    """Somebody who is on the list has confirmed a new sign-up of theirs: an event, and the status stays.

    The caller has locked the subscription, which is active or paused.
    """
    consent.append(
        session,
        subscription,
        action=Action.CONFIRM,
        status=subscription.status,
        source=source,
        details=details or {},
        now=now,
        network=network,
    )


def pause(
    session: Session,
    subscription: Subscription,
    *,
    source: Origin,
    actor: str,
    now: dt.datetime,
    until: dt.datetime | None = None,
    network: str = "",
) -> bool:
    """Send nothing until `until`, or until resumed. A paused one can get another date."""
    if until is not None and until <= now:
        raise InputError(N_("A pause must end in the future."))
    consent.lock(session, subscription)
    is_same = subscription.status is SubscriptionStatus.PAUSED and subscription.paused_until == until
    target = next_status(subscription.status, Action.PAUSE)
    _note_life_of(session, subscription, source, now)
    if is_same:
        return False
    subscription.paused_until = until
    details = {"actor": actor, "until": until.isoformat() if until else ""}
    consent.append(
        session,
        subscription,
        action=Action.PAUSE,
        status=target,
        source=source,
        details=details,
        now=now,
        network=network,
    )
    return True


def resume(
    session: Session,
    subscription: Subscription,
    *,
    source: Origin,
    actor: str,
    now: dt.datetime,
    network: str = "",
) -> bool:
    """End a pause. False if there was none."""
    return _change(session, subscription, Action.RESUME, _Proof(source, {"actor": actor}, now, network))


def end(
    session: Session,
    subscription: Subscription,
    *,
    source: Origin,
    now: dt.datetime,
    reason: str,
    actor: str = "",
    details: Mapping[str, str] | None = None,
    network: str = "",
) -> bool:
    """The subscription is over; only the person can begin it anew. False if it was over already.

    `details` is what `endings` says of an act that did more than this. Of one that the undoing of an import
    had ended it is noted all the same: otherwise the next import would bring back somebody who has left.
    """
    consent.lock(session, subscription)
    was_over = subscription.status is SubscriptionStatus.ENDED
    _note_life_of(session, subscription, source, now)
    if was_over and consent.last_action(session, subscription) != Action.UNDO_IMPORT:
        return False
    said = {"reason": clean_line(reason, what=N_("reason")), "actor": actor, **(details or {})}
    said |= Before.of(subscription).details()
    target = next_status(subscription.status, Action.END)
    _append(session, subscription, Action.END, target, _Proof(source, said, now, network))
    return not was_over


def _begin(
    session: Session,
    list_id: int,
    subscriber_id: int,
    *,
    cadence_id: int | None,
    topics: Sequence[str],
    status: SubscriptionStatus,
    proof: _Proof,
) -> Subscription | None:
    """A new subscription; None if there is one, perhaps made this moment by somebody else."""
    row = {
        "list_id": list_id,
        "subscriber_id": subscriber_id,
        "status": status,
        "cadence_id": cadence_id,
        "topics": list(topics),
        "paused_until": None,
        "import_id": None,
        "created_at": proof.now,
        "changed_at": proof.now,
    }
    made = insert_if_new(session, Subscription, row)
    if made is None:
        return None
    # What was just written is known: it is not read back.
    written = Subscription(id=made, **row)
    sa.orm.make_transient_to_detached(written)
    begun = session.merge(written, load=False)
    _append(session, begun, Action.SIGN_UP, status, proof)
    return begun


def _append(
    session: Session, subscription: Subscription, action: Action, status: SubscriptionStatus, proof: _Proof
) -> None:
    if subscription.paused_until is not None:
        subscription.paused_until = None
    consent.append(
        session,
        subscription,
        action=action,
        status=status,
        source=proof.source,
        details=proof.details,
        now=proof.now,
        network=proof.network,
    )


def _change(session: Session, subscription: Subscription, action: Action, proof: _Proof) -> bool:
    consent.lock(session, subscription)
    target = next_status(subscription.status, action)
    _note_life_of(session, subscription, proof.source, proof.now)
    if target is subscription.status:
        return False
    _append(session, subscription, action, target, proof)
    return True


def _note_life_of(session: Session, subscription: Subscription, source: Origin, now: dt.datetime) -> None:
    if source.is_own:
        note_life(session, subscription.subscriber_id, now=now)
