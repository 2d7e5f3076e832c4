"""A theme as it is stored: names and values, read strictly. An unknown name or a wrong value is refused.

The names are flat (`light.ink`); in a file they may stand in tables. A value may come as JSON has it or, from
a command, as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from digest.errors import InputError
from digest.i18n import N_
from digest.rendering import theme
from digest.rendering.colours import check_colour
from digest.rendering.theme import Campaign, Look, SocialLink, Sponsor, ThemePicture
from digest.rendering.words import clean_address, clean_text

Read = Callable[[str, Any], Any]
# Names of places, the same in all languages.
SOCIAL: Final = {
    "facebook": "Facebook",
    "instagram": "Instagram",
    "x": "X",
    "youtube": "YouTube",
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
    "viber": "Viber",
    "tiktok": "TikTok",
    "threads": "Threads",
    "bluesky": "Bluesky",
    "mastodon": "Mastodon",
    "linkedin": "LinkedIn",
}
PICTURES: Final = ("logo", "logo_dark", "sponsor.picture")
_FILE: Final = re.compile(r"[0-9a-f]{64}\.(?:png|jpg)")
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?")
_MOST_HOSTS: Final = 20


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """A theme's names and values, each of its kind, as they are stored. What is None or empty is left out.

    Raises InputError with the name and what to do.
    """
    read: dict[str, Any] = {}
    for name, value in flat(given).items():
        reader = _FORM.get(name)
        if reader is None:
            raise InputError(
                N_("A theme has no value %(name)r; there are: %(known)s."),
                name=name[:60],
                known=", ".join(_FORM),
            )
        if value is None or value == "":
            continue
        found = reader(name, value)
        if found != "":
            read[name] = found
    return read


def flat(given: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Tables in tables as one, with dots in its names."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping):
            found |= flat(value, name)
        else:
            found[name] = value
    return found


def read_look(stored: Mapping[str, Any], *, public_url: str = "") -> Look:
    """A digest's stored theme; whatever it leaves out has its default. Its pictures lie at `public_url`.

    Raises InputError for an unknown name, a wrong value, or colours in which words could not be read.
    """
    values = checked(stored)
    plain = {name: values[name] for name in _PLAIN if name in values}
    for name, kind in _CHOICES.items():
        if name in plain:
            plain[name] = kind(plain[name])
    light = theme.whole_palette(theme.LIGHT, **_under(values, "light"))
    dark = theme.whole_palette(theme.DARK, **_under(values, "dark"))
    if "accent" in plain:
        plain.setdefault("accent_dark", theme.accent_for_dark(plain["accent"], dark.card))
    if "share" in plain:
        plain["share"] = tuple(plain["share"])
    sponsor, campaign = _under(values, "sponsor"), _under(values, "campaign")
    if sponsor and "words" not in sponsor:
        raise InputError(
            N_("A sponsor needs words, or nothing of a sponsor may be set."),
            hint="Set sponsor.words, or unset the rest of it.",
        )
    if campaign and "source" not in campaign:
        raise InputError(
            N_("Campaign tags need a source, such as the paper's name."), hint="Set campaign.source."
        )
    shown = ("words", "label", "url")
    return Look(
        **plain,
        light=light,
        dark=dark,
        logo=_picture(values, "logo", public_url),
        logo_dark=_picture(values, "logo_dark", public_url),
        social=tuple(
            SocialLink(key, SOCIAL[key], values[f"social.{key}"])
            for key in SOCIAL
            if f"social.{key}" in values
        ),
        sponsor=Sponsor(
            **{name: sponsor[name] for name in shown if name in sponsor},
            picture=_picture(values, "sponsor.picture", public_url),
        )
        if sponsor
        else None,
        campaign=Campaign(**campaign | {"hosts": tuple(campaign.get("hosts", ()))}) if campaign else None,
    )


def _under(values: Mapping[str, Any], group: str) -> dict[str, Any]:
    start = f"{group}."
    return {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}


def _picture(values: Mapping[str, Any], name: str, public_url: str) -> ThemePicture | None:
    found = _under(values, name)
    if "file" not in found:
        return None
    alt = found.get("alt", "")
    return ThemePicture(f"{public_url}/p/{found['file']}", found.get("width", 1), found.get("height", 1), alt)


def _words(limit: int) -> Read:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise InputError(N_("%(name)s must be words, not %(value)r."), name=name, value=str(value)[:40])
        words = clean_text(value)
        if len(words) > limit:
            raise InputError(
                N_("%(name)s is longer than %(limit)s letters; shorten it."), name=name, limit=limit
            )
        return words

    return read


def _colour(name: str, value: Any) -> str:
    try:
        return check_colour(str(value)).lower()
    except InputError as error:
        raise InputError(
            N_("%(name)s: %(value)r is not a colour we can use; write it like #8a1c1c."),
            name=name,
            value=str(value)[:40],
        ) from error


def _address(name: str, value: Any) -> str:
    found = clean_address(str(value))
    if not found:
        raise InputError(
            N_("%(name)s: %(value)r is no web address; write it like https://paper.example.org/."),
            name=name,
            value=str(value)[:80],
        )
    return found


def _one_of(kind: type[StrEnum]) -> Read:
    def read(name: str, value: Any) -> str:
        if value not in set(kind):
            raise InputError(
                N_("%(name)s must be one of %(known)s, not %(value)r."),
                name=name,
                known=", ".join(kind),
                value=str(value)[:40],
            )
        return str(value)

    return read


def _number(low: int, high: int) -> Read:
    def read(name: str, value: Any) -> int:
        is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10
        found = int(value) if is_digits else value
        if isinstance(found, bool) or not isinstance(found, int) or not low <= found <= high:
            raise InputError(
                N_("%(name)s must be a whole number from %(low)s to %(high)s, not %(value)r."),
                name=name,
                low=low,
                high=high,
                value=str(value)[:40],
            )
        return found

    return read


def _flag(name: str, value: Any) -> bool:
    found = {"true": True, "yes": True, "false": False, "no": False}.get(str(value).lower())
    if found is None:
        raise InputError(N_("%(name)s must be yes or no, not %(value)r."), name=name, value=str(value)[:40])
    return found


def _list(value: Any) -> list[str]:
    given = (
        value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [""]
    )
    return [str(one).strip().lower() for one in given]


def _targets(name: str, value: Any) -> list[str]:
    if value == "none":
        return []
    found = _list(value)
    if unknown := [one for one in found if one not in theme.SHARE_TARGETS]:
        known = ", ".join(theme.SHARE_TARGETS)
        raise InputError(
            N_("%(name)s: there is no %(value)r; choose among %(known)s, or none."),
            name=name,
            value=unknown[0][:40],
            known=known,
        )
    return list(dict.fromkeys(found))


def _hosts(name: str, value: Any) -> list[str]:
    found = _list(value)
    if len(found) > _MOST_HOSTS or not all(_HOST.fullmatch(one) and "." in one for one in found):
        raise InputError(
            N_("%(name)s must be up to %(most)s hosts, like paper.example.org,shop.example.org."),
            name=name,
            most=_MOST_HOSTS,
        )
    return found


def _prefix(name: str, value: Any) -> str:
    if not re.fullmatch(r"[a-z]{1,12}_", str(value)):
        raise InputError(
            N_("%(name)s must be small letters and an underscore, like utm_ or mtm_."), name=name
        )
    return str(value)


def _file(name: str, value: Any) -> str:
    if not _FILE.fullmatch(str(value)):
        option = name.removesuffix(".file").replace(".", "-").replace("_", "-")
        raise InputError(
            N_("%(name)s is set by a picture."),
            name=name,
            hint=f"`digest digest look NAME --{option} FILE` does.",
        )
    return str(value)


_CHOICES: Final[Mapping[str, type[StrEnum]]] = {
    "layout": theme.Layout,
    "font": theme.Font,
    "rules": theme.Rules,
    "time_form": theme.TimeForm,
}
_PLAIN: Final[Mapping[str, Read]] = {
    **{name: _one_of(kind) for name, kind in _CHOICES.items()},
    "accent": _colour,
    "accent_dark": _colour,
    "masthead": _words(120),
    "motto": _words(160),
    "commentary_words": _number(20, 100_000),
    "show_share_links": _flag,
    "share": _targets,
    "footer": _words(600),
    "friend_line": _flag,
    "sister_links": _flag,
}
_FORM: Final[Mapping[str, Read]] = {
    **_PLAIN,
    **{
        f"{scheme}.{part}": _colour
        for scheme in ("light", "dark")
        for part in ("ink", "page", "card", "rule")
    },
    **{f"social.{key}": _address for key in SOCIAL},
    "sponsor.label": _words(60),
    "sponsor.words": _words(400),
    "sponsor.url": _address,
    "campaign.source": _words(80),
    "campaign.medium": _words(80),
    "campaign.name": _words(120),
    "campaign.prefix": _prefix,
    "campaign.hosts": _hosts,
    **{f"{picture}.alt": _words(200) for picture in PICTURES},
    **{f"{picture}.file": _file for picture in PICTURES},
    **{f"{picture}.{side}": _number(1, 2_000) for picture in PICTURES for side in ("width", "height")},
}
KEYS: Final = tuple(_FORM)
