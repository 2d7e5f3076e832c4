"""The look of a digest as a form asks for it: what its fields are called, how well its colours are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from digest.errors import InputError, Word
from digest.i18n import N_
from digest.rendering import theme
from digest.rendering.colours import check_colour, contrast
from digest.rendering.theme_form import SOCIAL

PICTURES: Final = ("logo", "logo_dark", "sponsor.picture")
_WORDS: Final = {
    "layout": N_("Order of the mail"),
    "font": N_("Letters"),
    "rules": N_("Lines between the parts"),
    "time_form": N_("Times of stories"),
    "accent": N_("The paper's colour"),
    "accent_dark": N_("The paper's colour on a dark ground"),
    "masthead": N_("Name on top"),
    "motto": N_("Line below the name"),
    "footer": N_("Words at the foot"),
    "commentary_words": N_("Cut the featured story after so many words"),
    "sponsor.words": N_("The sponsor's words"),
    "sponsor.label": N_("The label that says so"),
    "sponsor.url": N_("Where it leads"),
    "campaign.source": N_("Source of the campaign"),
    "campaign.medium": N_("Medium"),
    "campaign.name": N_("Name of the campaign"),
    "campaign.prefix": N_("What the tags begin with"),
    "campaign.hosts": N_("Other sites of the paper"),
}
_PARTS: Final = {
    "ink": N_("Words"),
    "card": N_("Ground of the mail"),
    "page": N_("Ground around it"),
    "rule": N_("Lines"),
}
COLOURS: Final = tuple(f"{scheme}.{part}" for scheme in ("light", "dark") for part in _PARTS)
_NETWORKS: Final = tuple(f"social.{key}" for key in SOCIAL)
_ALTS: Final = tuple(f"{name}.alt" for name in PICTURES)
TEXTS: Final = (*_WORDS, *COLOURS, *_NETWORKS)
TICKS: Final = ("show_share_links", "friend_line", "sister_links")
_USUAL: Final[Mapping[str, Any]] = {
    "layout": theme.Layout.PAPER.value,
    "font": theme.Font.CLASSIC.value,
    "rules": theme.Rules.DOUBLE.value,
    "time_form": theme.TimeForm.ABSOLUTE.value,
    "accent": theme.ACCENT,
}
SHARE_NAMES: Final = {
    "mail": N_("by mail"),
    "facebook": "Facebook",
    "x": "X",
    "whatsapp": "WhatsApp",
    "viber": "Viber",
    "telegram": "Telegram",
}
_WELL: Final = 7.0
_ENOUGH: Final = 4.5


@dataclass(frozen=True, slots=True)
class Contrast:
    """How words of a colour are read on a ground; `ratio` is to one."""

    scheme: str
    what: str
    colour: str
    ground: str
    ratio: float

    @property
    def verdict(self) -> str:
        return "good" if self.ratio >= _WELL else "enough" if self.ratio >= _ENOUGH else "faint"


def given_in(
    text: Callable[[str, str], str], texts: Callable[[str], Sequence[str]], *, there: Sequence[str] = ()
) -> dict[str, Any]:
    """The values that a form has; what is empty is as built in. `there` are pictures that have words."""
    found: dict[str, Any] = {name: text(name, "").strip() for name in TEXTS}
    found |= {name: bool(text(name, "")) for name in TICKS}
    found |= {f"{name}.alt": text(f"{name}.alt", "").strip() for name in there}
    if text("asks_share", ""):
        chosen = tuple(one for one in theme.SHARE_TARGETS if one in texts("share"))
        found["share"] = "" if chosen == theme.USUAL_SHARE else list(chosen)
    return found


def typed_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """A stored look as the form shows it."""
    usual: dict[str, Any] = dict.fromkeys(TICKS, True) | {name: _USUAL.get(name, "") for name in TEXTS}
    usual |= dict.fromkeys(_ALTS, "") | {"share": theme.USUAL_SHARE}
    shown = usual | dict(values)
    if isinstance(hosts := shown["campaign.hosts"], list):
        shown["campaign.hosts"] = ", ".join(hosts)
    if not isinstance(shown["share"], (list, tuple)):  # as it was typed: none is as built in
        shown["share"] = theme.USUAL_SHARE
    return shown


def named(error: InputError) -> InputError:
    """The error with its field called as the form calls it."""
    name = str(error.values.get("name", ""))
    scheme, _, part = name.partition(".")
    if scheme in {"light", "dark"} and part in _PARTS:
        error.values["name"] = Word(_PARTS[part])
    elif name in _WORDS:
        error.values["name"] = Word(_WORDS[name])
    elif name in _NETWORKS:
        error.values["name"] = SOCIAL[part]
    return error


def built_in(name: str) -> str:
    """The colour that stands where none is chosen."""
    scheme, _, part = name.partition(".")
    return str(getattr(theme.LIGHT if scheme == "light" else theme.DARK, part))


def colour_fields() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """By scheme: the name of each colour's field, what it is called, and what is built in."""
    return [
        (
            scheme,
            [(f"{scheme}.{part}", words, built_in(f"{scheme}.{part}")) for part, words in _PARTS.items()],
        )
        for scheme in ("light", "dark")
    ]


def contrasts(values: Mapping[str, Any]) -> list[tuple[Contrast, Contrast]]:
    """How well the colours of a look are read, by day and in the dark, also where that is too little.

    Raises InputError for what is no colour.
    """
    found: list[list[Contrast]] = []
    accent = check_colour(str(values.get("accent") or theme.ACCENT))
    for scheme, base in (("light", theme.LIGHT), ("dark", theme.DARK)):
        chosen = {part: str(values.get(f"{scheme}.{part}") or "") for part in _PARTS}
        palette = theme.whole_palette(
            base, **{part: check_colour(one) for part, one in chosen.items() if one}
        )
        own = accent
        if scheme == "dark":
            given = str(values.get("accent_dark") or "")
            own = check_colour(given) if given else theme.accent_for_dark(accent, palette.card)
            if not given and accent == theme.ACCENT:
                own = theme.ACCENT_DARK
        found.append(
            [
                Contrast(scheme, what, colour, ground, contrast(colour, ground))
                for what, colour, ground in (
                    (N_("Words"), palette.ink, palette.card),
                    (N_("Faint words"), palette.dim, palette.card),
                    (N_("The paper's colour"), own, palette.card),
                    (N_("Words around it"), palette.dim, palette.page),
                )
            ]
        )
    by_day, in_dark = found
    return list(zip(by_day, in_dark, strict=True))
