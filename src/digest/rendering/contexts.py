"""What the templates may see: frozen, typed, finished data. A name that is not here does not exist there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from digest.rendering.colours import check_readable


class TextSize(StrEnum):
    """The reader's choice of text size."""

    NORMAL = "normal"
    LARGE = "large"


class TimeForm(StrEnum):
    """How a story's time is written: as a weekday and hour with the place, or relative to the edition."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"


# Places in a rendered mail that are filled for each person when it is sent. They survive Jinja2 and the
# inliner as they are; `mail.placeholders` splits the finished text at them.
UNSUBSCRIBE_URL = "%%unsubscribe_url%%"


class Personal(NamedTuple):
    """A placeholder that a digest's own words (intro, sign-off) may hold: a name, or an attribute.

    `kind` is how a value is written out, `fallback` what stands there for whoever has none, and for all on
    the web, where there is nobody to name.
    """

    name: str
    kind: str
    fallback: str


@dataclass(frozen=True, slots=True)
class Palette:
    """The house's colours for one scheme, all hexadecimal: Outlook knows no other form."""

    page: str
    card: str
    ink: str
    dim: str
    rule: str


LIGHT = Palette(page="#efece4", card="#fffefb", ink="#1c1917", dim="#57524b", rule="#d8d2c6")
DARK = Palette(page="#12110f", card="#1d1b18", ink="#ece7dd", dim="#b8b0a3", rule="#45403a")


@dataclass(frozen=True, slots=True)
class Look:
    """What a digest may set about its looks; every value has a default that is good.

    Raises InputError for a colour that is no hexadecimal colour, or in which text could not be read.
    """

    accent: str = "#8a1c1c"  # as #rrggbb
    accent_dark: str = "#f0a8a0"
    time_form: TimeForm = TimeForm.ABSOLUTE
    commentary_words: int | None = None  # None: whole; a number: that many, then "Continue reading"
    show_share_links: bool = True

    def __post_init__(self) -> None:
        check_readable(self.accent, on=LIGHT.card)
        check_readable(self.accent_dark, on=DARK.card)


@dataclass(frozen=True, slots=True)
class StoryPicture:
    url: str
    alt: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One story of an edition, with all overrides applied.

    `body_html` (featured story only) is sanitised markup; all else is plain text that the templates
    escape. `section` is the category it stands under, `language` the BCP 47 tag of its words.
    """

    title: str
    url: str
    author: str
    section: str
    excerpt: str
    published_at: dt.datetime
    language: str
    body_html: str = ""
    is_cut: bool = False  # the body ends early: "Continue reading" follows
    picture: StoryPicture | None = None
    # On the page of an edition that went out: what was put right since, and whether all else of it is gone.
    notes: tuple[str, ...] = ()
    is_taken_down: bool = False


@dataclass(frozen=True, slots=True)
class EditionContext:
    """Everything that the digest mail and the web edition show."""

    digest_title: str
    digest_url: str
    language: str
    zone: str
    edition_at: dt.datetime  # the slot; relative times count from it
    featured: Story | None
    recent: tuple[Story, ...]
    sender_name: str
    postal_address: str
    reason: str  # why the reader gets this, one sentence
    web_url: str
    look: Look = field(default_factory=Look)
    text_size: TextSize = TextSize.NORMAL
    intro: str = ""
    intro_html: str = ""  # an edition's own, in place of it: sanitised markup
    sign_off: str = ""
    personal: tuple[Personal, ...] = ()
    subject: str = ""  # a person's own, or of a pattern; "": as the template makes it
    preheader: str = ""  # the same; "": of what stands first
    correction: str = ""  # what a later version puts right, for those who read it
    archive_url: str = ""  # where all editions are listed; "": nowhere
    follows_on: bool = False  # it belongs to a mail that each of its readers has had


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """One finished mail, placeholders still in it. Subject and preheader are single lines of plain text."""

    subject: str
    preheader: str
    html: str
    text: str
