"""What is personal in the database: for each such column where a person is given it, and how it is erased.

`digest.lists.my_data` makes what the export rules name, and `digest.lists.erase` does what the erase rules
say, table by table. A table without personal columns is named as such as a whole; in one that has any, every
column is named. So a new table or column that nobody has thought about fails a test, and so does a rule that
is not kept.

The people meant are the readers. The staff have accounts, which are closed and not erased.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from digest.lists.of_person import notices_of
from digest.lists.personal_rules import Deleted, Emptied, Ends, Given, Kept, NotGiven, Person, Rule, Table
from digest.models import (
    Asset,
    AssetChunk,
    Confirmation,
    ConsentEvent,
    ConsentNetwork,
    Delivery,
    FormerAddress,
    FreshLink,
    Import,
    ImportState,
    Notice,
    PermissionAsk,
    Subscriber,
    Subscription,
    Suppression,
    SuppressionKind,
    TextSize,
    TokenBucket,
    UncertainCase,
)

# Files that name people; they end of themselves, and sooner once somebody in them may be erased.
FILES_OF_PEOPLE = ("import", "import_report", "export")


_NUMBER = Kept("a number behind which there is nobody any more")
_PROOF = Kept("the chain must verify also after the erasure; it names nobody")
_LEDGER = Kept("what became of an edition stays true; the number stands for nobody")
_SECRET = NotGiven("it would let others make or test what only we may")


def _subscriptions(person: Person) -> sa.Select[Any]:
    return sa.select(Subscription.id).where(Subscription.subscriber_id == person.id)


def _events(person: Person) -> sa.Select[Any]:
    return sa.select(ConsentEvent.id).where(ConsentEvent.subscription_id.in_(_subscriptions(person)))


def _files_of_people(_: Person) -> sa.ColumnElement[bool]:
    """Whether somebody is in a file is not known without reading it. What an import is reading now stays."""
    is_read = sa.exists().where(
        Import.state == ImportState.RUNNING,
        sa.or_(Import.report_id == Asset.id, Import.file_fingerprint == Asset.fingerprint),
    )
    return sa.and_(Asset.kind.in_(FILES_OF_PEOPLE), ~is_read)


def _given(path: str, erase: Emptied | Deleted | Ends | Kept) -> Rule:
    return Rule(Given(path), erase)


def _all_given(prefix: str, erase: Emptied | Deleted | Ends | Kept, **columns: str) -> dict[str, Rule | None]:
    """Columns that go to `prefix` under these names, and are all erased in one way."""
    return {column: _given(f"{prefix}.{name}", erase) for column, name in columns.items()}


# In the order in which they are erased: whose rows are found by another table come before it.
PERSONAL: tuple[Table, ...] = (
    Table(
        ConsentNetwork,
        lambda person: ConsentNetwork.event_id.in_(_events(person)),
        {
            "event_id": None,
            "salt": Rule(_SECRET, Deleted()),
            "network": _given("subscriptions[].consent[].network_address", Deleted()),
            "erase_at": None,
        },
    ),
    Table(
        ConsentEvent,
        lambda person: ConsentEvent.subscription_id.in_(_subscriptions(person)),
        {
            "id": None,
            "subscription_id": None,
            **_all_given(
                "subscriptions[].consent[]",
                _PROOF,
                number="number",
                at="at",
                action="action",
                status="status",
                source="source",
            ),
            # Its words and address; the names of the staff are left out.
            "details": _given("subscriptions[].consent[].address", Emptied()),
            "salt": Rule(_SECRET, Emptied()),
            "commitment": Rule(NotGiven("a hash; `digest consent proof` gives it out"), _PROOF),
            "link": Rule(NotGiven("a hash; `digest consent proof` gives it out"), _PROOF),
        },
    ),
    Table(
        PermissionAsk,
        lambda person: PermissionAsk.subscription_id.in_(_subscriptions(person)),
        {
            "run_id": _given("asked_whether_still_wanted[].list", Deleted()),
            "subscription_id": None,
            "asked_at": _given("asked_whether_still_wanted[].asked_at", Deleted()),
            "answered_at": _given("asked_whether_still_wanted[].answered_at", Deleted()),
        },
    ),
    Table(
        Subscription,
        lambda person: Subscription.subscriber_id == person.id,
        {
            "id": None,
            "list_id": _given("subscriptions[].list", _NUMBER),
            "subscriber_id": None,
            "status": _given("subscriptions[].status", Kept("the last event of the chain says it too")),
            "cadence_id": _given("subscriptions[].how_often", Emptied()),
            "topics": _given("subscriptions[].topics", Emptied([])),
            "paused_until": _given("subscriptions[].paused_until", Emptied()),
            "import_id": _given("subscriptions[].came_by_import", _NUMBER),
            "created_at": _given("subscriptions[].created_at", _PROOF),
            "changed_at": _given("subscriptions[].changed_at", _PROOF),
        },
    ),
    Table(
        # Not deleted: the page that erases was opened by one of them, and says so when it is opened again.
        FreshLink,
        lambda person: FreshLink.subscriber_id == person.id,
        {
            "id": None,
            "subscriber_id": None,
            "details": _given("links_asked_for[].details", Emptied({})),
            **_all_given(
                "links_asked_for[]",
                Kept("what sort of link was asked for and when; a day after its end the row goes"),
                purpose="for",
                created_at="asked_for_at",
                expires_at="valid_until",
                used_at="used_at",
            ),
        },
    ),
    Table(
        Notice,
        lambda person: notices_of(person.addresses, person.asked),
        {
            "id": None,
            "key": None,
            "message": _given("notices[].subject", Deleted()),
            **_all_given(
                "notices[]",
                Deleted(),
                kind="kind",
                address="to",
                sender_address="from",
                state="state",
                not_before="not_before",
                attempt="attempts",
                reply="reply",
                created_at="asked_for_at",
                done_at="done_at",
            ),
            "leased_until": None,
        },
    ),
    Table(
        Delivery,
        lambda person: Delivery.subscriber_id == person.id,
        {
            **_all_given(
                "deliveries[]",
                _LEDGER,
                edition_id="edition",
                variant_id="text_size",
                status="status",
                attempt="attempts",
                reply_id="reply",
                reason="reason",
                sent_at="at",
            ),
            "subscriber_id": None,
            "subscription_id": None,
            "batch_id": None,
            "transport_id": None,
        },
    ),
    Table(
        UncertainCase,
        lambda person: UncertainCase.subscriber_id == person.id,
        {
            "edition_id": None,
            "subscriber_id": None,
            "attempt": None,
            **_all_given(
                "deliveries[].may_have_arrived[]",
                _LEDGER,
                since="since",
                cause="cause",
                settlement="settlement",
                settled_at="settled_at",
            ),
            "journal_id": None,
            "transport_id": None,
            "settled_by": None,  # one of the staff
        },
    ),
    Table(
        Suppression,
        lambda person: sa.and_(
            Suppression.kind == SuppressionKind.ADDRESS, Suppression.value == person.address_hash
        ),
        {
            "id": None,
            "value": Rule(
                NotGiven("a keyed hash of the address"),
                Kept("or the next import would mail the address again; it is a keyed hash"),
            ),
            **_all_given(
                "do_not_mail[]",
                Kept("or the next import would mail the address again"),
                kind="kind",
                cause="cause",
                reason="reason",
                source="source",
                created_at="since",
            ),
        },
    ),
    Table(
        Confirmation,
        lambda person: Confirmation.address_hash == person.address_hash,
        {
            "id": None,
            "list_id": _given("confirmation_mails[].list", _NUMBER),
            "address_hash": Rule(
                NotGiven("a keyed hash of the address"),
                Kept("or erasing would be a way to have somebody mailed without a limit; it goes in 90 days"),
            ),
            "at": _given("confirmation_mails[].at", Kept("it goes in 90 days")),
            "post": Rule(
                NotGiven("a number that only says what belonged together"), Kept("it goes in 90 days")
            ),
        },
    ),
    Table(
        FormerAddress,
        lambda person: FormerAddress.subscriber_id == person.id,
        {
            "subscriber_id": None,
            "address_hash": Rule(
                NotGiven("a keyed hash of an address, which stands in the proof"),
                Kept("or an import would bring back by an address of before whoever was erased"),
            ),
            "until": Rule(NotGiven("the moment stands in the proof"), Kept("it names nobody")),
        },
    ),
    Table(
        TokenBucket,
        lambda _: sa.false(),
        {
            "key": Rule(
                NotGiven("a keyed hash of an address or network"), Kept("it goes after a day without use")
            ),
            "tokens": None,
            "filled_at": None,
        },
    ),
    Table(
        AssetChunk,
        lambda _: sa.false(),
        {
            "asset_id": None,
            "number": None,
            "data": Rule(NotGiven("it holds other people too"), Kept("it goes with its file: see assets")),
        },
    ),
    Table(
        Asset,
        _files_of_people,
        {
            **dict.fromkeys(("id", "kind", "media_type", "size", "fingerprint", "created_at")),
            "name": None,
            "expires_at": Rule(NotGiven("it is about a file"), Ends(dt.timedelta(days=1))),
        },
    ),
    Table(
        Subscriber,
        lambda person: Subscriber.id == person.id,
        {
            "id": _given("subscriber.number", _NUMBER),
            "address": _given("subscriber.address", Emptied()),
            "address_key": Rule(NotGiven("the address as we compare it"), Emptied()),
            "address_hash": Rule(
                NotGiven("a keyed hash of the address"),
                Kept("or the next import would bring the person back; it is a keyed hash"),
            ),
            "domain": Rule(NotGiven("a part of the address"), Emptied()),
            "name": _given("subscriber.name", Emptied("")),
            "zone": _given("subscriber.zone", Emptied()),
            "language": _given("subscriber.language", Emptied()),
            "text_size": _given("subscriber.text_size", Emptied(TextSize.NORMAL)),
            "attributes": _given("subscriber.attributes", Emptied({})),
            "last_sign_of_life_at": _given("subscriber.last_sign_of_life_at", Emptied()),
            "created_at": _given("subscriber.created_at", _NUMBER),
            "erased_at": None,
        },
    ),
)

_EDITORIAL = "what is published, its rules and look"
_MACHINERY = "how mail is handed over; ids and facts of services, nobody's data"
_STAFF = "the people who work here; an account is shown by `digest account list` and closed, not erased"
NOT_PERSONAL: Mapping[str, str] = {
    **dict.fromkeys(
        ("digests", "cadences", "digest_sources", "topics", "attributes", "segments", "mailing_lists"),
        _EDITORIAL,
    ),
    **dict.fromkeys(
        ("sources", "posts", "post_sources", "post_fingerprints", "fetches"), "what a site has published"
    ),
    **dict.fromkeys(
        ("editions", "revisions", "items", "variants", "sent_items", "edition_totals", "cadence_dates"),
        _EDITORIAL,
    ),
    **dict.fromkeys(("own_items", "own_item_uses", "edition_changes", "alerts", "amendments"), _EDITORIAL),
    **dict.fromkeys(("links", "edition_figures"), _EDITORIAL),
    "link_counts": "counts alone, of all readers together",
    **dict.fromkeys(("transports", "cool_downs", "ramp_ups", "dkim_keys", "journals", "batches"), _MACHINERY),
    "replies": "answers of mail services, without the addresses and ids that stood in them",
    **dict.fromkeys(("accounts", "first_copies", "alert_receivers", "audit"), _STAFF),
    **dict.fromkeys(("account_digests", "account_links", "account_sessions", "recovery_codes"), _STAFF),
    "approvals": _STAFF,
    "consent_texts": "words that were shown to many; what was written about one person stands in the event",
    "imports": "where people came from, and who of the staff brought them; the people are subscribers",
    "permission_runs": "a question that was asked of a whole list",
}
