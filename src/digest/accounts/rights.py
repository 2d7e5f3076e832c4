"""What an act at the desk asks of whoever does it: a role, and that a thing is theirs. Pure.

Roles are a ladder. An editor works on the digests that were chosen for them; an approver on all digests; an
admin runs lists, people and settings besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digest.models import AccountRole

_LADDER: Final = (AccountRole.EDITOR, AccountRole.APPROVER, AccountRole.ADMIN)


class Of(StrEnum):
    """The kinds of things that belong to somebody: a route's path names one by this word."""

    DIGEST = "digest"
    CADENCE = "cadence"
    EDITION = "edition"
    OWN_ITEM = "own_item"
    SOURCE = "source"
    LIST = "list"
    SEGMENT = "segment"
    SUBSCRIBER = "subscriber"
    IMPORT = "import"
    TRANSPORT = "transport"
    ACCOUNT = "account"
    OWN_SESSION = "own_session"


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may: nobody need be signed in where `least` is None; else whoever has this role or a higher one.

    Of a thing that is not theirs or not there, nobody learns which.
    """

    what: str
    least: AccountRole | None
    of: Of | None = None


class May:
    """The guards. A route names one; a new one is written down here, with what it lets people do."""

    LOAD: Final = Guard("load what pages are drawn with", None)
    ENTER: Final = Guard("ask to come in", None)
    WORK: Final = Guard("work with the desk", AccountRole.EDITOR)

    SEE_DIGEST: Final = Guard("see a digest", AccountRole.EDITOR, Of.DIGEST)
    EDIT_DIGEST: Final = Guard("change a digest", AccountRole.EDITOR, Of.DIGEST)
    MAKE_DIGEST: Final = Guard("make a digest", AccountRole.EDITOR)
    EDIT_CADENCE: Final = Guard("change when a digest goes out", AccountRole.EDITOR, Of.CADENCE)
    SEE_EDITION: Final = Guard("see an edition", AccountRole.EDITOR, Of.EDITION)
    EDIT_EDITION: Final = Guard("change an edition", AccountRole.EDITOR, Of.EDITION)
    SEE_RECIPIENTS: Final = Guard("see who got an edition", AccountRole.ADMIN, Of.EDITION)
    APPROVE_EDITION: Final = Guard("approve an edition", AccountRole.APPROVER, Of.EDITION)
    EDIT_OWN_ITEM: Final = Guard("change a story of the desk's own", AccountRole.EDITOR, Of.OWN_ITEM)
    SEE_SOURCE: Final = Guard("see a source", AccountRole.EDITOR, Of.SOURCE)
    EDIT_SOURCE: Final = Guard("change a source", AccountRole.EDITOR, Of.SOURCE)

    RUN_LISTS: Final = Guard("run the lists", AccountRole.ADMIN)
    RUN_LIST: Final = Guard("run a list", AccountRole.ADMIN, Of.LIST)
    RUN_SEGMENT: Final = Guard("run a part of a list", AccountRole.ADMIN, Of.SEGMENT)
    RUN_SUBSCRIBER: Final = Guard("look after a reader", AccountRole.ADMIN, Of.SUBSCRIBER)
    RUN_IMPORT: Final = Guard("run an import", AccountRole.ADMIN, Of.IMPORT)
    RUN_PEOPLE: Final = Guard("run the people of the desk", AccountRole.ADMIN)
    RUN_PERSON: Final = Guard("look after a person of the desk", AccountRole.ADMIN, Of.ACCOUNT)
    RUN_SETTINGS: Final = Guard("change the settings", AccountRole.ADMIN)
    RUN_TRANSPORT: Final = Guard("run a mail service", AccountRole.ADMIN, Of.TRANSPORT)
    END_OWN_SESSION: Final = Guard(
        "sign out another browser of one's own", AccountRole.EDITOR, Of.OWN_SESSION
    )


def has_role(role: AccountRole, least: AccountRole | None) -> bool:
    """Whether a role is enough."""
    return least is None or _LADDER.index(role) >= _LADDER.index(least)


def sees_all(role: AccountRole) -> bool:
    """Whether whoever has this role works on every digest."""
    return has_role(role, AccountRole.APPROVER)
