"""Whether the mail programs that readers use know what a mail is made of.

The clients and what may be missing in them are written down here and told in docs/preflight.md.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from importlib import resources
from typing import Final, NamedTuple

from digest.preflight.features import features_of
from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, warn

# Where readers of newspapers read their mail, in America, France, Armenia and Lebanon.
CLIENTS: Final = (
    *("gmail.desktop-webmail", "gmail.ios", "gmail.android", "gmail.mobile-webmail"),
    *("outlook.windows", "outlook.outlook-com", "outlook.macos", "outlook.ios", "outlook.android"),
    *("apple-mail.macos", "apple-mail.ios"),
    *("yahoo.desktop-webmail", "yahoo.ios", "yahoo.android", "aol.desktop-webmail"),
    *("mail-ru.desktop-webmail", "orange.desktop-webmail", "free-fr.desktop-webmail"),
    *("laposte.desktop-webmail", "sfr.desktop-webmail", "gmx.desktop-webmail"),
    *("thunderbird.macos", "samsung-email.android"),
)


class Allowed(NamedTuple):
    """Features that may be missing in clients; both are patterns. `why` says what holds without them."""

    features: str
    clients: str
    why: str


_REFINES: Final = "all that matters is inline: a style block only refines, for small screens and dark mode"
ALLOWED: Final[tuple[Allowed, ...]] = (
    Allowed("html-style", "*", _REFINES),
    Allowed("css-at-media*", "*", _REFINES),
    Allowed("css-selector-*", "*", _REFINES),
    Allowed("css-pseudo-class-hover", "*", "a line under a link on a screen with a mouse, no more"),
    Allowed("css-important", "*", "stands in the style block alone, to go before what is inline"),
    Allowed("css-color-scheme", "*", "where it is unknown the mail stays as it is by day"),
    Allowed("html-meta-color-scheme", "*", "where it is unknown the mail stays as it is by day"),
    Allowed("css-word-break", "*", "overflow-wrap stands beside it; only the longest words need either"),
    Allowed("css-overflow-wrap", "*", "word-break stands beside it; only the longest words need either"),
    Allowed("css-table-layout", "outlook.*", "a table of fixed width stands around it for Outlook"),
    Allowed("css-box-sizing", "*", "stands in the style block alone, around a logo by night"),
    Allowed("css-border-radius", "outlook.*", "corners are square there"),
    Allowed("css-max-height", "outlook.windows", "the preheader is hidden there by mso-hide"),
    Allowed("css-overflow", "outlook.windows", "the preheader is hidden there by mso-hide"),
    Allowed("css-height", "yahoo.*", "pictures have their attributes, cells their line height"),
    Allowed("css-height", "aol.*", "pictures have their attributes, cells their line height"),
    Allowed("css-display-none", "gmail.mobile-webmail", "the preheader shows as a first line"),
    Allowed("html-role", "*", "for screen readers; the words are read without it too"),
    Allowed("html-aria-label", "*", "for screen readers; the words are read without it too"),
    Allowed("html-lang", "*", "for screen readers; the words are read without it too"),
    Allowed("html-dir", "gmx.*", "words run their own way by their letters"),
    Allowed("html-doctype", "*", "they have their own"),
    Allowed("html-body", "*", "they have their own; its ground is a table's too"),
)


class Data(NamedTuple):
    """What is known of a feature by its name: its title, and the clients that do nothing with it."""

    known: frozenset[str]
    titles: dict[str, str]
    missing: dict[str, frozenset[str]]
    names: dict[str, str]


@functools.cache
def data() -> Data:
    """The data of caniemail.com, read when it is first wanted: only processes that make mails do."""
    file = resources.files("digest.preflight") / "caniemail" / "features.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    clients = kept["clients"]
    return Data(
        known=frozenset(kept["features"]),
        titles={slug: each["title"] for slug, each in kept["features"].items()},
        missing={
            slug: frozenset(clients[place] for place in each["no"]) & frozenset(CLIENTS)
            for slug, each in kept["features"].items()
        },
        names=kept["names"],
    )


def unsupported(facts: MailFacts) -> Iterator[MailFinding]:
    """No feature is used that does nothing in one of the clients, but those that may be missing there."""
    known = data()
    for slug in sorted(features_of(facts.html, known.known)):
        missing = [
            client for client in CLIENTS if client in known.missing[slug] and not is_allowed(slug, client)
        ]
        if missing:
            clients = ", ".join(map(client_name, missing))
            yield warn(Code.NOT_SUPPORTED, feature=known.titles[slug], clients=clients)


@functools.lru_cache(4096)  # of each feature a mail may use, for each client
def is_allowed(slug: str, client: str, allowed: tuple[Allowed, ...] = ALLOWED) -> bool:
    """Whether a feature may be missing in a client."""
    return any(fnmatchcase(slug, one.features) and fnmatchcase(client, one.clients) for one in allowed)


def client_name(client: str) -> str:
    """A client as people call it."""
    family, _, platform = client.partition(".")
    names = data().names
    if platform == "outlook-com":
        return names[platform]
    return f"{names.get(family, family)} ({names.get(platform, platform)})"
