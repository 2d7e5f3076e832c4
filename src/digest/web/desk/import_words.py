"""What imports are called at the desk: what became of lines, states, fields of a person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from digest.i18n import N_, Translator
from digest.lists.mappings import ATTRIBUTE, FIELDS, UNREAD, Meaning
from digest.models import Attribute, ImportState

COUNTS: Final = {
    "lines": N_("lines in the file"),
    "added": N_("new on the list"),
    "known": N_("on it already"),
    "left": N_("had left or were erased, and stay so"),
    "suppressed": N_("on the do-not-mail list, and not brought"),
    "repeated": N_("stood in the file before"),
    "ended": N_("left there, and are ended here"),
    "barred": N_("put on the do-not-mail list"),
    "unconfirmed": N_("never agreed there, and not brought"),
    "passed_over": N_("subscribed there, and passed over"),
    "offices": N_("addresses of offices such as info@, worth a look"),
    "bad": N_("lines that cannot be used"),
}
STATES: Final = {
    ImportState.RUNNING: N_("is running"),
    ImportState.DONE: N_("done"),
    ImportState.FAILED: N_("ended half way"),
    ImportState.UNDONE: N_("taken back"),
}
STATE_TONES: Final = {"running": "live", "done": "good", "failed": "bad", "undone": "plain"}
PRODUCTS: Final = (
    ("", N_("a table of our own")),
    ("mailchimp", "Mailchimp"),
    ("mailpoet", "MailPoet"),
    ("listmonk", "listmonk"),
)
MEANINGS: Final = {
    Meaning.SUBSCRIBED: N_("people who get it"),
    Meaning.LEFT: N_("people who left: never mailed here, and brought by no later import"),
    Meaning.BOUNCED: N_("addresses that mails came back from: onto the do-not-mail list"),
    Meaning.NEVER: N_("people never to be mailed: onto the do-not-mail list, for good"),
    Meaning.UNCONFIRMED: N_("people who never agreed: passed over"),
}
_FIELDS: Final = {
    "address": N_("Address"),
    "name": N_("Name"),
    "first_name": N_("First name"),
    "last_name": N_("Last name"),
    "zone": N_("Time zone"),
    "country": N_("Country, for the time zone"),
    "language": N_("Language"),
    "text_size": N_("Size of the text"),
    "status": N_("Status: subscribed, left, bounced"),
    "cadence": N_("How often, by short name"),
    "topics": N_("Topics"),
    "paused_until": N_("Paused until"),
    "last_sign_of_life": N_("Last sign of life"),
    "joined": N_("On the list since"),
    # What only the exports of certain products have.
    "rating": N_("How active they were there"),
    "signed_up_at": N_("Signed up there at"),
    "signed_up_from": N_("Signed up there from"),
    "confirmed_at": N_("Confirmed there at"),
    "confirmed_from": N_("Confirmed there from"),
    "changed_at": N_("Last change there"),
    "left_at": N_("Left there at"),
    "list_status": N_("Status on the list"),
    "attributes": N_("Further facts"),
}


def field_words(field: str, attributes: Mapping[str, str], words: Translator) -> str:
    """What a field of a person is called; `attributes` are titles by name."""
    if field.startswith(ATTRIBUTE):
        name = field.removeprefix(ATTRIBUTE)
        return attributes.get(name, name)
    return words.gettext(_FIELDS[field]) if field in _FIELDS else field


def field_options(
    usual: str | None, attributes: Iterable[Attribute], words: Translator
) -> list[tuple[str, str]]:
    """What a column may be said to be, for a `select`; the first is what it is taken for by itself."""
    titles = {one.name: one.title for one in attributes}
    unread = words.gettext(N_("not read"))
    fields = [*FIELDS, *(ATTRIBUTE + name for name in titles)]
    named = [(field, field_words(field, titles, words)) for field in fields if field != usual]
    if usual is None:
        return [("", unread), *named]
    return [("", field_words(usual, titles, words)), *named, (UNREAD, unread)]


def told_counts(counts: Mapping[str, int], words: Translator) -> list[tuple[str, int]]:
    """What was counted, in words; the lines always, of the rest what there was."""
    return [
        (words.gettext(label), counts.get(name, 0))
        for name, label in COUNTS.items()
        if counts.get(name) or name == "lines"
    ]
