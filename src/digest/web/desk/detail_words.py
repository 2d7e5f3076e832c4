"""What the trail notes besides an act, in the words of the newsroom; what is downloaded has all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from digest.editions.reasons import STATES
from digest.i18n import N_, Translator

# These mean something to the machine alone.
_UNSAID: Final = frozenset(
    {
        *("account", "amendment", "approvals", "change", "correction", "fingerprint", "import", "look"),
        *("revision_id", "rules", "source_id", "subscriber", "subscription"),
    }
)
_NAMES: Final[Mapping[str, str]] = {
    "added": N_("added"),
    "address": N_("address"),
    "again": N_("again"),
    "algorithm": N_("kind"),
    "as": N_("as"),
    "by": N_("by"),
    "cause": N_("because"),
    "changed": N_("what"),
    "code": N_("code"),
    "count": N_("how many"),
    "digest": N_("digest"),
    "digests": N_("digests"),
    "domain": N_("domain"),
    "ended": N_("ended"),
    "fields": N_("what"),
    "format": N_("as"),
    "from": N_("before"),
    "host": N_("server"),
    "is_enabled": N_("switched on"),
    "is_open": N_("open"),
    "kept": N_("kept"),
    "kind": N_("kind"),
    "lines": N_("lines"),
    "local": N_("when"),
    "mails": N_("mails"),
    "name": N_("name"),
    "of": N_("copy of"),
    "order": N_("tried"),
    "own": N_("a name of its own"),
    "password": N_("password"),
    "people": N_("people"),
    "place": N_("place"),
    "port": N_("port"),
    "posts": N_("stories"),
    "reason": N_("because"),
    "released": N_("released"),
    "revision": N_("version"),
    "rhythms": N_("rhythms"),
    "role": N_("role"),
    "seconds": N_("seconds"),
    "security": N_("encryption"),
    "segment": N_("part of the readers"),
    "selector": N_("selector"),
    "statuses": N_("who"),
    "stopped": N_("stopped"),
    "story": N_("story"),
    "to": N_("now"),
    "told": N_("told"),
    "topics": N_("topics"),
    "uncertain": N_("may have arrived"),
    "uncertain_policy": N_("what may have arrived"),
    "until": N_("until"),
    "was": N_("before"),
    "way": N_("by"),
}
_BY_SOMEBODY: Final = "by_person"  # who it was stands beside it
_CODES: Final[Mapping[str, str]] = {
    **{state.value: text for state, text in STATES.items()},
    "active": N_("subscribed"),
    "admin": N_("admin"),
    "appeal": N_("appeal"),
    "approver": N_("approver"),
    "cadence": N_("rhythm"),
    "desk": N_("the desk"),
    "earlier": N_("earlier"),
    "editor": N_("editor"),
    "ended": N_("ended"),
    "event": N_("event"),
    "extra": N_("extra"),
    "featured": N_("featured"),
    "hold": N_("left as it is"),
    "later": N_("later"),
    "mail": N_("a mail"),
    "name": N_("name"),
    "new": N_("new"),
    "obituary": N_("obituary"),
    "paused": N_("paused"),
    "pending": N_("not confirmed"),
    "recent": N_("recent"),
    "resend": N_("sent again"),
    "skip": N_("skipped"),
    "transport_failing": N_("the mail service took no messages"),
}


def details_in_words(details: Mapping[str, Any], words: Translator) -> str:
    """What was noted, as far as it says something to a person; what has no words yet is said as it is."""
    said = [(name, value) for name, value in details.items() if name not in _UNSAID and value != _BY_SOMEBODY]
    told = ((name, _value(value, words)) for name, value in said)
    return ", ".join(f"{_name(name, words)}: {value}" for name, value in told if value)


def _name(name: str, words: Translator) -> str:
    return words.gettext(_NAMES[name]) if name in _NAMES else name.replace("_", " ")


def _value(value: object, words: Translator) -> str:
    match value:
        case bool():
            return words.gettext(N_("yes") if value else N_("no"))
        case int():
            return words.number(value)
        case str():
            return words.gettext(_CODES[value]) if value in _CODES else value
        case Mapping():
            return details_in_words(value, words)
        case Iterable():
            return ", ".join(text for each in value if (text := _value(each, words)))
        case _:
            return "" if value is None else str(value)
