"""The sign-up pages, and the plain form that a paper copies into its own site."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from babel import Locale, UnknownLocaleError

from digest.i18n import matched
from digest.rendering.environment import environment


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to tick or to pick."""

    value: str
    words: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class SignUpList:
    """One list on the form. Its fields' names end in `suffix`: "" where the form has one list only."""

    name: str
    title: str
    consent: str
    suffix: str = ""
    is_chosen: bool = True
    cadences: tuple[Choice, ...] = ()
    topics: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class SisterLink:
    """The same form for the same paper in another language; `words` are in that language."""

    url: str
    language: str
    words: str


@dataclass(frozen=True, slots=True)
class SignUpPage:
    """The form. `fault` says what must be mended, or ""; `address` and `name` are as they were typed."""

    paper: str
    action_url: str
    lists: tuple[SignUpList, ...]
    language: str
    is_several: bool = False
    sisters: tuple[SisterLink, ...] = ()
    address: str = ""
    name: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class SignedUpPage:
    """Says to look into the mailbox: the same for everybody, whoever they are to us."""

    titles: tuple[str, ...]


def language_name(language: str) -> str:
    """A language's name in itself, with a capital: `English`; the tag where nobody knows."""
    if matched(language) == "hyw":
        return "Արեւմտահայերէն"  # Babel knows Eastern Armenian only
    try:
        name = Locale.parse(language, sep="-").get_display_name() or language
    except (UnknownLocaleError, ValueError):
        return language
    return name[:1].upper() + name[1:]


def plain_form(page: SignUpPage, language: str, *, templates: Path | None = None) -> str:
    """The form as a piece of HTML for any other page: no script, no style, no address of a file."""
    env = environment(language, templates)
    html = env.get_template("web/public/sign_up_plain.html").render({"page": page})
    return html.encode("utf-8", "replace").decode("utf-8")
