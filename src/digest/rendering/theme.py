"""How a digest looks, as data: layout, colours, pictures, words around the stories. Never template code.

Every value has a default that is good. `theme_form` reads it from what is stored; the templates see it whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from digest.rendering.colours import check_readable, contrast, mixed


class Layout(StrEnum):
    """The order of a mail: the folder of its templates."""

    PAPER = "paper"  # the commentary in full, then the recent headlines
    BRIEFING = "briefing"  # the recent stories under a line of contents, then the commentary


class TimeForm(StrEnum):
    """How a story's time is written: as a weekday and hour with the place, or relative to the edition."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"


class Font(StrEnum):
    """A family of fonts; see `fonts`."""

    CLASSIC = "classic"  # serifs throughout, as a paper is set
    BOOK = "book"  # serifs of an old style
    NEWS = "news"  # headlines without serifs, text with them
    MODERN = "modern"  # no serifs at all


class Rules(StrEnum):
    """The lines that part a page: under the date, above the headlines."""

    DOUBLE = "double"
    THIN = "thin"
    HEAVY = "heavy"
    NONE = "none"


_LINES: Final = {
    Rules.DOUBLE: ("1px solid", "3px double", "1px solid", "3px double"),
    Rules.THIN: ("1px solid", "1px solid", "1px solid", "1px solid"),
    Rules.HEAVY: ("4px solid", "1px solid", "3px solid", "4px solid"),
    Rules.NONE: ("0 solid", "0 solid", "0 solid", "0 solid"),
}


def lines_of(rules: Rules) -> tuple[str, str, str, str]:
    """The lines above and below the date, under a part's heading, and between parts: as in CSS."""
    return _LINES[rules]


# Where a story can be handed on, in the order in which it is offered.
SHARE_TARGETS: Final = ("mail", "facebook", "x", "whatsapp", "viber", "telegram")
# Viber has no address that starts with https, and several mail programs take others out.
USUAL_SHARE: Final = tuple(target for target in SHARE_TARGETS if target != "viber")


@dataclass(frozen=True, slots=True)
class Palette:
    """The house's colours for one scheme, all hexadecimal: Outlook knows no other form."""

    page: str
    card: str
    ink: str
    dim: str
    rule: str


LIGHT: Final = Palette(page="#efece4", card="#fffefb", ink="#1c1917", dim="#57524b", rule="#d8d2c6")
DARK: Final = Palette(page="#12110f", card="#1d1b18", ink="#ece7dd", dim="#b8b0a3", rule="#45403a")
ACCENT: Final = "#8a1c1c"
ACCENT_DARK: Final = "#f0a8a0"


@dataclass(frozen=True, slots=True)
class ThemePicture:
    """A logo or a sponsor's picture: our own file, and at how many pixels it is shown (it has twice them)."""

    url: str
    width: int
    height: int
    alt: str = ""


@dataclass(frozen=True, slots=True)
class SocialLink:
    """Where the paper is elsewhere: a name, which is the same in all languages, and an address."""

    key: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Sponsor:
    """What somebody has paid for, with the label that says so ("": the language's own word)."""

    words: str
    label: str = ""
    url: str = ""
    picture: ThemePicture | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """Tags for the paper's own analytics, on links to its own stories; see `campaign`.

    `name` may hold `{date}`. `hosts` are the paper's besides that of its home page.
    """

    source: str
    medium: str = "email"
    name: str = "{date}"
    prefix: str = "utm_"
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What a digest may set about its looks; every value has a default that is good.

    Raises InputError for a colour that is no hexadecimal colour, or in which words could not be read.
    """

    layout: Layout = Layout.PAPER
    accent: str = ACCENT  # as #rrggbb
    accent_dark: str = ACCENT_DARK
    light: Palette = LIGHT
    dark: Palette = DARK
    font: Font = Font.CLASSIC
    rules: Rules = Rules.DOUBLE
    masthead: str = ""  # in place of the digest's title, at the top
    motto: str = ""  # a line below it
    logo: ThemePicture | None = None
    logo_dark: ThemePicture | None = None
    time_form: TimeForm = TimeForm.ABSOLUTE
    commentary_words: int | None = None  # None: whole; a number: that many, then "Continue reading"
    show_share_links: bool = True
    share: tuple[str, ...] = USUAL_SHARE
    social: tuple[SocialLink, ...] = ()
    footer: str = ""
    friend_line: bool = True
    sister_links: bool = True
    sponsor: Sponsor | None = None
    campaign: Campaign | None = None

    def __post_init__(self) -> None:
        for accent, palette in ((self.accent, self.light), (self.accent_dark, self.dark)):
            for ground in (palette.card, palette.page):
                check_readable(palette.ink, on=ground)
                check_readable(palette.dim, on=ground)
            check_readable(accent, on=palette.card)
            check_readable(palette.rule, on=palette.card, least=1.0)  # a line need not be read


def whole_palette(base: Palette, *, page: str = "", card: str = "", ink: str = "", rule: str = "") -> Palette:
    """A scheme of which some colours were chosen; faint words and lines are mixed to match the chosen ink."""
    chosen = replace(base, page=page or base.page, card=card or base.card, ink=ink or base.ink)
    if chosen == base:
        return replace(base, rule=rule or base.rule)
    steps = (0.36, 0.28, 0.2, 0.1)
    dims = (mixed(chosen.ink, chosen.card, step) for step in steps)
    dim = next((one for one in dims if _reads(one, chosen)), chosen.ink)
    return replace(chosen, dim=dim, rule=rule or mixed(chosen.ink, chosen.card, 0.8))


def accent_for_dark(accent: str, card: str) -> str:
    """The paper's colour made light enough for words on a dark card."""
    steps = (step / 10 for step in range(11))
    lighter = (mixed(accent, "#ffffff", step) for step in steps)
    return next((one for one in lighter if contrast(one, card) >= _WELL_READ), "#ffffff")


_WELL_READ: Final = 7.0
_READ: Final = 5.0


def _reads(colour: str, palette: Palette) -> bool:
    return min(contrast(colour, palette.card), contrast(colour, palette.page)) >= _READ
