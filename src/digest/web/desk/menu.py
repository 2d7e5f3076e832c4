"""The menu: which pages stand in it, for whom. A page that is not there yet has no entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from digest.accounts.me import Me
from digest.accounts.rights import Guard, May
from digest.accounts.visible import allows
from digest.i18n import N_
from digest.web.desk.table import ROOT, desk


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One entry; `path` from the desk's root on. Those of the same `group` stand together."""

    path: str
    label: str
    icon: str
    may: Guard
    group: str


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry as a page shows it."""

    url: str
    label: str
    icon: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that stand together under a word."""

    label: str
    entries: tuple[ShownEntry, ...]


_NEWS: Final = N_("Newsroom")
_READERS: Final = N_("Readers")
_HOUSE: Final = N_("House")

MENU: Final = (
    MenuEntry("", N_("What happens next"), "home", May.WORK, _NEWS),
    MenuEntry("/calendar", N_("Calendar"), "calendar", May.WORK, _NEWS),
    MenuEntry("/digests", N_("Digests"), "news", May.WORK, _NEWS),
    MenuEntry("/sources", N_("Sources"), "rss", May.WORK, _NEWS),
    MenuEntry("/lists", N_("Lists"), "list-details", May.RUN_LISTS, _READERS),
    MenuEntry("/subscribers", N_("Subscribers"), "users", May.RUN_LISTS, _READERS),
    MenuEntry("/do-not-mail", N_("Do-not-mail list"), "mail-off", May.RUN_LISTS, _READERS),
    MenuEntry("/people", N_("People"), "user-check", May.RUN_PEOPLE, _HOUSE),
    MenuEntry("/mail-services", N_("Mail services"), "send", May.RUN_SETTINGS, _HOUSE),
    MenuEntry("/settings", N_("Settings"), "settings", May.RUN_SETTINGS, _HOUSE),
    MenuEntry("/trail", N_("Who did what"), "history", May.RUN_PEOPLE, _HOUSE),
)

# Pages whose address is not below that of the entry to which they belong.
_BELONGS: Final = {
    "/editions": "",
    "/cadences": "/digests",
    "/imports": "/lists",
}


def groups_for(me: Me, path: str) -> tuple[Group, ...]:
    """What a person's menu shows on the page at `path`."""
    mine = [each for each in MENU if desk.has(each.path) and allows(me, each.may)]
    return tuple(
        Group(
            label,
            tuple(
                ShownEntry(ROOT + each.path, each.label, each.icon, is_here=_is_here(each.path, path))
                for each in mine
                if each.group == label
            ),
        )
        for label in dict.fromkeys(each.group for each in mine)
    )


def _is_here(entry: str, path: str) -> bool:
    here = path.removeprefix(ROOT).rstrip("/")
    if _BELONGS.get("/" + here.strip("/").partition("/")[0]) == entry:
        return True
    if not entry:
        return not here
    return here == entry or here.startswith(f"{entry}/")
