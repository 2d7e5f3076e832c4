"""Which provider receives the mail of a domain: one plain table.

It names the great mailbox providers by the domains that they give out to people. A company's own domain that
such a provider hosts is not among them: that would take a look-up for each domain, and it would change.
"""

from __future__ import annotations

import functools
from typing import Any

import sqlalchemy as sa

OTHER = "other"

_MICROSOFT = (
    *("outlook.com", "hotmail.com", "live.com", "msn.com", "passport.com"),
    *(f"outlook.{land}" for land in ("fr", "de", "it", "es", "pt", "at", "be", "cl", "co.id", "co.th")),
    *(f"outlook.{land}" for land in ("com.ar", "com.au", "com.br", "com.gr", "com.tr", "com.vn", "cz")),
    *(f"outlook.{land}" for land in ("dk", "hu", "ie", "in", "jp", "kr", "lv", "my", "ph", "sa", "sg", "sk")),
    *(f"hotmail.{land}" for land in ("fr", "de", "it", "es", "be", "ca", "ch", "cl", "co.uk", "co.jp")),
    *(f"hotmail.{land}" for land in ("com.ar", "com.br", "com.tr", "dk", "fi", "gr", "nl", "no", "se")),
    *(f"live.{land}" for land in ("fr", "de", "it", "be", "ca", "ch", "cl", "cn", "co.uk", "co.za", "dk")),
    *(f"live.{land}" for land in ("com.ar", "com.au", "com.mx", "com.pt", "ie", "nl", "no", "ru", "se")),
)
_YAHOO = (
    *("yahoo.com", "ymail.com", "rocketmail.com", "myyahoo.com", "aol.com", "aim.com", "verizon.net"),
    *(f"yahoo.{land}" for land in ("fr", "de", "it", "es", "ca", "in", "gr", "ie", "pl", "ro", "se", "no")),
    *(f"yahoo.{land}" for land in ("co.id", "co.in", "co.jp", "co.uk", "co.za", "com.ar", "com.au")),
    *(f"yahoo.{land}" for land in ("com.br", "com.hk", "com.mx", "com.ph", "com.sg", "com.tr", "com.tw")),
    *(f"aol.{land}" for land in ("fr", "de", "it", "es", "co.uk")),
)
_UNITED_INTERNET = (
    *("gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.com", "gmx.fr", "gmx.us", "gmx.eu", "gmx.co.uk"),
    *("web.de", "mail.com", "email.com", "1und1.de", "online.de"),
)

# name on the screen -> domains as lower-case A-labels
PROVIDERS: dict[str, tuple[str, ...]] = {
    "Google": ("gmail.com", "googlemail.com"),
    "Microsoft": _MICROSOFT,
    "Yahoo": _YAHOO,
    "Apple": ("icloud.com", "me.com", "mac.com"),
    "GMX & WEB.DE": _UNITED_INTERNET,
    "Mail.ru": ("mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru", "vk.com"),
    "Yandex": (
        *("yandex.ru", "yandex.com", "ya.ru", "narod.ru"),
        *("yandex.by", "yandex.kz", "yandex.ua", "yandex.com.tr", "yandex.com.am"),
    ),
    "Rambler": ("rambler.ru", "lenta.ru", "autorambler.ru", "myrambler.ru", "ro.ru"),
    "Proton": ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
    "Orange": ("orange.fr", "wanadoo.fr", "orange.be"),
    "Free": ("free.fr", "libertysurf.fr", "aliceadsl.fr"),
    "La Poste": ("laposte.net",),
    "SFR": ("sfr.fr", "neuf.fr", "cegetel.net", "club-internet.fr", "numericable.fr", "9online.fr"),
    "Telekom": ("t-online.de", "magenta.de"),
    "Comcast": ("comcast.net",),
    "AT&T": ("att.net", "sbcglobal.net", "bellsouth.net", "pacbell.net", "ameritech.net"),
    "Charter": ("charter.net", "spectrum.net", "rr.com", "roadrunner.com"),
    "Cox": ("cox.net",),
    "BT": ("btinternet.com", "btopenworld.com", "talk21.com"),
    "Zoho": ("zoho.com", "zohomail.com", "zohomail.eu"),
    "Fastmail": ("fastmail.com", "fastmail.fm"),
    "Tuta": ("tuta.com", "tuta.io", "tutanota.com", "tutanota.de", "tutamail.com", "keemail.me"),
}


@functools.cache
def _by_domain() -> dict[str, str]:
    return {domain: name for name, domains in PROVIDERS.items() for domain in domains}


def provider_of(domain: str | None) -> str:
    """The provider that receives a domain's mail; `other` for one that is in no table, or for none."""
    return _by_domain().get(domain or "", OTHER)


def provider_named(name: str) -> str | None:
    """The provider of this name, however its letters are written; None if there is none."""
    wanted = name.strip().casefold()
    return next((known for known in (*PROVIDERS, OTHER) if known.casefold() == wanted), None)


def in_sql(domain: Any) -> sa.ColumnElement[str]:
    """`provider_of` as an expression. For a query that has grouped by domain: it is long."""
    whens = [(domain.in_(domains), name) for name, domains in PROVIDERS.items()]
    return sa.case(*whens, else_=OTHER)


def of_provider(domain: Any, name: str) -> sa.ColumnElement[bool]:
    """Whether a column's domain is one of this provider's, a name as in `PROVIDERS` or `other`."""
    if name == OTHER:
        known = [one for domains in PROVIDERS.values() for one in domains]
        return sa.or_(domain.is_(None), domain.not_in(known))
    found: sa.ColumnElement[bool] = domain.in_(PROVIDERS[name])
    return found
