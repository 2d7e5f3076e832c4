"""The keys of single mails to readers: what makes asking twice harmless, and says what a mail is about."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

NEW_ADDRESS: Final = "new-address"  # to an address that is not proven to be the person's
_OF_SUBSCRIPTION = re.compile(r"(?:welcome:|goodbye:|permission:\d+:)(\d+)(?::|$)")
_OF_CONFIRM = re.compile(r"confirm:(\d+):(\d+):")
_OF_LINK = re.compile(r"fresh:(\d+)$")


@dataclass(frozen=True, slots=True)
class About:
    """What a single mail is about; None: it is not known, or it is about another thing.

    A subscription by its id, or by its list and person; or a person by the fresh link that it carries.
    """

    subscription_id: int | None = None
    list_id: int | None = None
    subscriber_id: int | None = None
    fresh_link_id: int | None = None


def welcome_key(subscription_id: int, began_at: dt.datetime) -> str:
    """Once for each beginning of a subscription."""
    return f"welcome:{subscription_id}:{began_at:%Y%m%dT%H%M%S}"


def goodbye_key(subscription_id: int, leaving: int) -> str:
    """Once for each leaving, which is an event's number."""
    return f"goodbye:{subscription_id}:{leaving}"


def permission_key(run_id: int, subscription_id: int) -> str:
    """Once in a run."""
    return f"permission:{run_id}:{subscription_id}"


def confirm_key(list_id: int, subscriber_id: int, asked_at: dt.datetime) -> str:
    """Once for each post of a form; of several lists the first stands in it, as in the mail's link."""
    return f"confirm:{list_id}:{subscriber_id}:{asked_at:%Y%m%dT%H%M%S%f}"


def fresh_key(link_id: int) -> str:
    """Once for each link to the address on file."""
    return f"fresh:{link_id}"


def new_address_key(address_hash: str, day: dt.datetime) -> str:
    """Once a day for an address, whoever asks."""
    return f"{NEW_ADDRESS}:{address_hash[:40]}:{day:%Y%m%d}"


def about(key: str) -> About:
    """What a key says of the subscription or the person. Pure."""
    if found := _OF_SUBSCRIPTION.match(key):
        return About(subscription_id=int(found[1]))
    if found := _OF_CONFIRM.match(key):
        return About(list_id=int(found[1]), subscriber_id=int(found[2]))
    if found := _OF_LINK.match(key):
        return About(fresh_link_id=int(found[1]))
    return About()
