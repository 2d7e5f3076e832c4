"""A person's proof of consent as one file: the chains, in words too, and how to check them by hand.

It holds the person's data and the salts, so that somebody without this program or its database can compute
every hash again. `docs/consent.md` has a verifier of forty lines.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address
from digest.errors import NotFoundError
from digest.i18n import N_
from digest.lists import consent
from digest.lists.evidence import TEXT, readable, texts_of
from digest.lists.of_person import chain_of
from digest.lists.status import Origin
from digest.models import ConsentEvent, ConsentNetwork, Digest, MailingList, Subscriber, Subscription

FORMAT = "consent proof 1"
_HOW_TO_VERIFY = """\
All hashes are SHA-256 over UTF-8, in hexadecimal.
JSON is written without spaces, with sorted keys and letters as they are: in Python
  json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).
commitment is the hash of the salt followed by the details as JSON. Both are null where the person was
  erased: in events up to one whose action is erase, and nowhere else. One without the other is a fault.
link is the hash of the JSON list
  [the link before, subscription, number, at, action, status, source, commitment];
  before the first event stand 64 zeros.
Numbers begin at 1 and have no gap. The status of the last event is the subscription's.
details.text is the hash of the words that were agreed to, which stand under texts.
details.network is the hash of the network's salt followed by its address.
  Where network is null there was none, or its time is over.
"""
# What a person did, and how: "the person ... ...".
DID = {
    "sign_up": "signed up",
    "import": "was brought over by an import",
    "confirm": "confirmed the sign-up",
    "pause": "paused",
    "resume": "ended the pause",
    "end": "left",
    "revive": "came back",
    "erase": "was erased",
    "address": "moved to another address",
    "change": "changed what comes and when, or said why they left",
    "undo_import": "was taken off again with the import that had brought them, which was undone",
    "keep": "answered that they still want it",
}
BY = {
    "form": "on the sign-up page",
    "confirm_link": "by the link of the confirmation mail",
    "preferences": "on the reader's page",
    "one_click": "by the mail program's unsubscribe button",
    "mail": "by a mail",
    "cli": "entered by the staff",
    "desk": "entered by the staff",
    "import": "from a file",
    "sweep": "by the clock",
    "feedback": "by a report of a mail service",
}
_SPOKEN = {"phone": "by phone", "in-person": "in person", "letter": "by letter"}


def people_with(session: Session, address_key: bytes, address: str) -> Sequence[Subscriber]:
    """Who has this address or had it when they were erased, the newest last.

    Raises InputError for what is no address and NotFoundError if there is nobody.
    """
    value = keyed_hash(address_key, parse_address(address).key)
    people = session.scalars(
        sa.select(Subscriber).where(Subscriber.address_hash == value).order_by(Subscriber.id)
    ).all()
    if not people:
        raise NotFoundError(N_("Nobody has ever subscribed with this address."))
    return people


def proof_of(session: Session, people: Sequence[Subscriber], *, now: dt.datetime) -> bytes:
    """The proof of those with one address, UTF-8 JSON; of the erased the chains without their details."""
    subscriptions = session.scalars(
        sa.select(Subscription)
        .where(Subscription.subscriber_id.in_([person.id for person in people]))
        .order_by(Subscription.id)
    ).all()
    texts: dict[str, str] = {}
    chains = [_chain(session, subscription, texts) for subscription in subscriptions]
    proof = {
        "format": FORMAT,
        "made_at": _moment(now),
        "person": [
            {
                "number": person.id,
                "address": person.address,
                "erased_at": _moment(person.erased_at) if person.erased_at else None,
            }
            for person in people
        ],
        "chains": chains,
        "texts": texts,
        "how_to_verify": _HOW_TO_VERIFY.splitlines(),
    }
    return json.dumps(proof, ensure_ascii=False, indent=2).encode() + b"\n"


def _chain(session: Session, subscription: Subscription, texts: dict[str, str]) -> dict[str, object]:
    mailing_list = session.get_one(MailingList, subscription.list_id)
    digest = session.get_one(Digest, mailing_list.digest_id)
    events = chain_of(session, subscription.id)
    texts.update(texts_of(session, events))
    networks = {
        row.event_id: {"salt": row.salt, "address": row.network}
        for row in session.scalars(
            sa.select(ConsentNetwork).where(ConsentNetwork.event_id.in_([event.id for event in events]))
        )
    }
    findings = consent.verify(session, subscription.id)
    return {
        "subscription": subscription.id,
        "list": mailing_list.title,
        "digest": digest.title,
        "sender": digest.sender_address,
        "status": subscription.status.value,
        "problems": [f"event {finding.number}: {finding.problem}" for finding in findings],
        "events": [_event(event, texts, networks.get(event.id)) for event in events],
    }


def _event(
    event: ConsentEvent, texts: Mapping[str, str], network: Mapping[str, str] | None
) -> dict[str, object]:
    return {
        "in_words": _in_words(event, texts, network),
        "number": event.number,
        "at": _moment(event.at),
        "action": event.action,
        "status": event.status.value,
        "source": event.source,
        "details": event.details,
        "salt": event.salt,
        "network": network,
        "commitment": event.commitment,
        "link": event.link,
    }


def _in_words(event: ConsentEvent, texts: Mapping[str, str], network: Mapping[str, str] | None) -> str:
    is_whole = consent.is_committed(event)
    said = readable(event.details, texts) if is_whole else {}
    at = f"{event.at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    words = f"{at}: the person {DID.get(event.action, event.action)} {BY.get(event.source, event.source)}"
    if by := said.get("by"):
        words += f", {_SPOKEN.get(by, by)}, taken by {said.get('clerk', '?')}"
    if network is not None and event.source != Origin.IMPORT.value:
        words += f", from {network['address']}"
    words += f"; then {event.status.value}."
    words += _as_stated(said, network)
    if agreed := said.get("consent"):
        kind = "The words shown" if TEXT in (event.details or {}) else "The consent as it was noted"
        words += f" {kind}: {agreed}"
    if event.details is None and event.salt is None:
        words += " The details are not there any more."
    elif not is_whole:
        words += " The details are not those that were written, so they are not told here."
    return words


def _as_stated(said: Mapping[str, str], network: Mapping[str, str] | None) -> str:
    """What the service that they were brought over from says of how they agreed."""
    told = [
        f"{words} at {said[name]}"
        for name, words in (("signed_up_there", "signed up"), ("confirmed_there", "confirmed"))
        if name in said
    ]
    if not told:
        return ""
    where = f", from {network['address']}" if network else ""
    return f" The old service says: {' and '.join(told)}{where}."


def _moment(moment: dt.datetime) -> str:
    """As it is hashed."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")
