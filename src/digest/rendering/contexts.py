"""What the templates may see: frozen, typed, finished data. A name that is not here does not exist there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from digest.rendering.theme import Look


class TextSize(StrEnum):
    """The reader's choice of text size."""

    NORMAL = "normal"
    LARGE = "large"


# Places in a rendered mail that are filled for each person when it is sent. They survive Jinja2 and the
# inliner as they are; `mail.placeholders` splits the finished text at them.
UNSUBSCRIBE_URL = "%%unsubscribe_url%%"
PAGE_URL = f"{UNSUBSCRIBE_URL}/page"  # the reader's own page


class Personal(NamedTuple):
    """A placeholder that a digest's own words (intro, sign-off) may hold: a name, or an attribute.

    `kind` is how a value is written out, `fallback` what stands there for whoever has none, and for all on
    the web, where there is nobody to name.
    """

    name: str
    kind: str
    fallback: str


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
    share_url: str = ""  # what is handed on where the link itself is tagged or counted; "": `url`
    # On the page of an edition that went out: what was put right since, and whether all else of it is gone.
    notes: tuple[str, ...] = ()
    is_taken_down: bool = False


@dataclass(frozen=True, slots=True)
class SisterLink:
    """The way to the same paper's digest in another language, on top of an edition."""

    title: str
    url: str
    language: str
    tongue: str  # the language's own name for itself


@dataclass(frozen=True, slots=True)
class Counting:
    """What addresses through our domain are made of: our own, and the public id of the edition."""

    public_url: str
    edition: str


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
    intro_html: str = ""  # in place of it: sanitised markup, which may hold a person's placeholders
    note_html: str = ""  # an editor's note above the stories, likewise
    sign_off: str = ""
    sign_off_html: str = ""  # in place of it, likewise
    parting_html: str = ""  # an edition's own sign-off, in place of both and below all stories, likewise
    personal: tuple[Personal, ...] = ()
    subject: str = ""  # a person's own, or of a pattern; "": as the template makes it
    preheader: str = ""  # the same; "": of what stands first
    correction: str = ""  # what a later version puts right, for those who read it
    sign_up_url: str = ""  # for whoever was sent this by a friend
    sisters: tuple[SisterLink, ...] = ()
    counting: Counting | None = None  # the mail's links to stories lead through our domain
    archive_url: str = ""  # where all editions are listed; "": nowhere
    follows_on: bool = False  # it belongs to a mail that each of its readers has had


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """One finished mail, placeholders still in it. Subject and preheader are single lines of plain text."""

    subject: str
    preheader: str
    html: str
    text: str
    links: tuple[tuple[str, str], ...] = ()  # those through our domain: the code of each, where it leads
