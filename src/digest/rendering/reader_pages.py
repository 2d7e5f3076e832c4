"""The reader's own pages: how often, pause, leaving, and what fresh links open. Typed data in, HTML out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from digest.rendering.environment import environment
from digest.rendering.rhythms import RhythmWords


@dataclass(frozen=True, slots=True)
class Done:
    """What the last press did, by a code. Its undo posts `fields` to the page, or nothing to `undo_url`."""

    code: str
    undo_url: str = ""
    has_undo: bool = False
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """A topic's checkbox."""

    id: int
    title: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ListChoice:
    """A list that the person is on, or may join."""

    id: int
    title: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class LanguageChoice:
    """A list of a sister digest; `language_name` is in that language."""

    id: int
    title: str
    language: str
    language_name: str


@dataclass(frozen=True, slots=True)
class ReaderPage:
    """The page behind "Change how often": large buttons first, the rest under "More".

    `address` is masked. `status` is a subscription's that has not ended. All forms post to `action_url`.
    """

    list_title: str
    address: str
    status: str
    paused_until: dt.datetime | None
    zone: str
    choices: tuple[RhythmWords, ...]
    chosen_id: int | None
    is_large: bool
    topics: tuple[TopicChoice, ...]
    lists: tuple[ListChoice, ...]
    languages: tuple[LanguageChoice, ...]
    earliest_day: str
    latest_day: str
    action_url: str
    done: Done | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LeftPage:
    """The reader's page once they have left. `undo_url` takes it back; `asks_reason` asks why, if they like.

    `still_on` are other lists that they get mail from; `can_ask` says whether their data can be asked for.
    """

    list_title: str
    undo_url: str
    asks_reason: bool
    sign_up_url: str
    still_on: tuple[str, ...]
    can_ask: bool
    action_url: str
    done: Done | None = None


@dataclass(frozen=True, slots=True)
class UndoPage:
    """Asks whether to take a leaving back; the button posts to `action_url`. `is_over`: it is too late."""

    list_title: str
    action_url: str
    is_over: bool = False
    sign_up_url: str = ""


@dataclass(frozen=True, slots=True)
class DataPage:
    """Offers the file with the person's data; the button posts to `action_url`."""

    list_title: str
    action_url: str


@dataclass(frozen=True, slots=True)
class ErasePage:
    """Says what erasing means; the person types `word` and presses. `is_wrong`: it was another word."""

    list_title: str
    action_url: str
    word: str
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class ErasedPage:
    """Says that it is done."""

    list_title: str


@dataclass(frozen=True, slots=True)
class AddressPage:
    """Asks for the new address; `is_wrong`: what was given is none."""

    list_title: str
    address: str
    action_url: str
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class AddressAskedPage:
    """Says that a mail has gone to the new address."""

    list_title: str


@dataclass(frozen=True, slots=True)
class NewAddressPage:
    """Asks at the new address; `state` is `ask`, `taken`, `left` or `refused`.

    `sign_up_url` is where an address that has left may sign up anew, or "".
    """

    list_title: str
    address: str
    action_url: str
    state: str = "ask"
    sign_up_url: str = ""


@dataclass(frozen=True, slots=True)
class UsedPage:
    """A fresh link that was used, or is older than a day."""

    list_title: str


ReadersPage = (
    ReaderPage
    | LeftPage
    | UndoPage
    | DataPage
    | ErasePage
    | ErasedPage
    | AddressPage
    | AddressAskedPage
    | NewAddressPage
    | UsedPage
)

_TEMPLATES: dict[type[ReadersPage], str] = {
    ReaderPage: "reader",
    LeftPage: "reader_left",
    UndoPage: "reader_undo",
    DataPage: "reader_data",
    ErasePage: "reader_erase",
    ErasedPage: "reader_erased",
    AddressPage: "reader_address",
    AddressAskedPage: "reader_address_asked",
    NewAddressPage: "reader_new_address",
    UsedPage: "reader_used",
}


def render_reader_page(page: ReadersPage, language: str, *, templates: Path | None = None) -> str:
    """The page as HTML."""
    found = environment(language, templates).get_template(f"web/public/{_TEMPLATES[type(page)]}.html")
    return found.render({"page": page})
