"""The pages that readers see, and the inbox of the mail catcher. Typed data in, one HTML page out.

The addresses in these pages are our own and may be relative; everything is escaped by the templates.
No page has a script or style of its own in it, so that a strict content security policy holds.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from digest.rendering.environment import environment
from digest.rendering.sign_up import SignedUpPage, SignUpPage


@dataclass(frozen=True, slots=True)
class SignOffPage:
    """Asks once before signing off; the button posts to `action_url`. `address` is a masked one, or "".

    Beside it, posting to `reader_url` ("": neither): the digest's weekly cadence, and a pause.
    """

    list_title: str
    address: str
    action_url: str
    reader_url: str = ""
    weekly_id: int | None = None
    can_pause: bool = False


@dataclass(frozen=True, slots=True)
class SignedOffPage:
    """Says that it is done, where there is nobody any more who could come back."""

    list_title: str


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """Asks whether the reader wants the list; the button posts to `action_url`."""

    list_title: str
    address: str
    action_url: str


@dataclass(frozen=True, slots=True)
class ConfirmedPage:
    """Says that the reader is on the list; `web_url` is the latest edition, or ""."""

    list_title: str
    web_url: str = ""


@dataclass(frozen=True, slots=True)
class KeepPage:
    """Asks whether a list is still wanted; the button posts to `action_url`."""

    list_title: str
    action_url: str
    sign_off_url: str


@dataclass(frozen=True, slots=True)
class KeptPage:
    """Says that the list goes on."""

    list_title: str


@dataclass(frozen=True, slots=True)
class KeepLatePage:
    """Says that the subscription has ended; `sign_up_url` is the way back, or ""."""

    list_title: str
    sign_up_url: str = ""


@dataclass(frozen=True, slots=True)
class StopPage:
    """Asks one of the staff before an edition is stopped; the button posts to `action_url`.

    `is_begun` says whether some have it already; `goes_out_at` is when the others are to get it.
    """

    digest_title: str
    subject: str
    is_begun: bool
    goes_out_at: dt.datetime
    zone: str
    action_url: str


@dataclass(frozen=True, slots=True)
class StoppedPage:
    """Says that an edition rests, or (`is_over`) that there was nothing left to stop.

    `is_begun` says whether some may have it already.
    """

    digest_title: str
    subject: str
    is_begun: bool = False
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class LinkNotValidPage:
    """A link that is cut, changed or not ours."""


@dataclass(frozen=True, slots=True)
class NoArchivePage:
    """An archive that was closed, or never was: the same for both. Pages of editions still link to it."""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What went wrong, by its HTTP status; `reference` helps whoever looks for it in the logs.

    `leads_to_desk` where the address was one of the desk: then the way back is there.
    """

    status: int
    reference: str = ""
    leads_to_desk: bool = False


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """One line of the inbox; `url` is its message page."""

    to: str
    subject: str
    received_at: dt.datetime
    url: str


@dataclass(frozen=True, slots=True)
class InboxPage:
    """The catcher's messages, newest first; `older_url` leads to the next ones, or ""."""

    messages: tuple[InboxMessage, ...]
    zone: str
    older_url: str = ""


class MessageView(StrEnum):
    """The three ways to look at a message."""

    HTML = "html"
    TEXT = "text"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One message. `page_url` is this page without a query; each view is `?view=` and its name.

    `frame_url` answers with the message's own HTML, to be shown in a frame without rights; `text` is the
    text part or the source, whichever `view` asks for.
    """

    subject: str
    sender: str
    to: str
    received_at: dt.datetime
    zone: str
    view: MessageView
    page_url: str
    frame_url: str
    inbox_url: str
    text: str = ""


Page = (
    SignOffPage
    | SignedOffPage
    | ConfirmPage
    | ConfirmedPage
    | SignUpPage
    | SignedUpPage
    | KeepPage
    | KeptPage
    | KeepLatePage
    | StopPage
    | StoppedPage
    | LinkNotValidPage
    | NoArchivePage
    | ErrorPage
    | InboxPage
    | MessagePage
)

_TEMPLATES: dict[type[Page], str] = {
    SignOffPage: "sign_off",
    SignedOffPage: "signed_off",
    ConfirmPage: "confirm",
    ConfirmedPage: "confirmed",
    SignUpPage: "sign_up",
    SignedUpPage: "sign_up_done",
    KeepPage: "keep",
    KeptPage: "kept",
    KeepLatePage: "keep_late",
    StopPage: "stop",
    StoppedPage: "stopped",
    LinkNotValidPage: "link_not_valid",
    NoArchivePage: "no_archive",
    ErrorPage: "error",
    InboxPage: "inbox",
    MessagePage: "message",
}


def render_page(page: Page, language: str, *, templates: Path | None = None) -> str:
    """The page as HTML that can be encoded in UTF-8, whatever a caught message had in it."""
    env = environment(language, templates)
    html = env.get_template(f"web/public/{_TEMPLATES[type(page)]}.html").render({"page": page})
    return html.encode("utf-8", "replace").decode("utf-8")
