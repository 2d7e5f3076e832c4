"""The single mails: confirm, welcome, goodbye, moved, fresh link, permission, test and alert."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from digest import i18n
from digest.rendering.contexts import UNSUBSCRIBE_URL, RenderedMail, Story, TextSize
from digest.rendering.digest_email import look_names, tongue_names
from digest.rendering.environment import environment
from digest.rendering.inline import inline_css
from digest.rendering.plain_text import tidy
from digest.rendering.subjects import preheader_line, subject_line
from digest.rendering.theme import Look, ThemePicture
from digest.rendering.words import cleaned

# At how many pixels a logo is shown at most: half of what it has above an edition.
_MARK_WIDTH: Final = 240
_MARK_HEIGHT: Final = 64


class NoticeKind(StrEnum):
    """The single mails there are; the value is the name of the template's folder."""

    CONFIRM = "confirm"
    WELCOME = "welcome"
    GOODBYE = "goodbye"
    TEST = "test"
    FRESH_LINK = "fresh_link"
    PERMISSION = "permission"
    MOVED = "moved"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class ConfirmNotice:
    """Asks whether it was really you who signed up. Nobody is subscribed before the button is pressed.

    If the person `is_known`, it says that there is nothing to do, and `confirm_url` is their own page.
    """

    list_title: str
    confirm_url: str
    sender_name: str
    postal_address: str
    is_known: bool = False
    digest_title: str = ""


@dataclass(frozen=True, slots=True)
class WelcomeNotice:
    """Says what will come and how often.

    `how_often` is a cadence in a reader's words, `web_url` a past edition, `page_url` the reader's own page;
    each may be "". `featured` and `recent` are that edition's stories: the commentary with its excerpt, and
    the headlines.
    """

    list_title: str
    how_often: str
    sender_name: str
    postal_address: str
    web_url: str = ""
    unsubscribe_url: str = UNSUBSCRIBE_URL
    page_url: str = ""
    featured: Story | None = None
    recent: tuple[Story, ...] = ()
    digest_title: str = ""


@dataclass(frozen=True, slots=True)
class GoodbyeNotice:
    """The last mail: you are signed off. `undo_url` asks by one button whether to take it back, or ""."""

    list_title: str
    sender_name: str
    postal_address: str
    undo_url: str = ""
    digest_title: str = ""


@dataclass(frozen=True, slots=True)
class FreshLinkNotice:
    """A link that somebody asked for; `kind` is `data`, `erase`, `address` or `new-address`."""

    kind: str
    list_title: str
    link_url: str
    sender_name: str
    postal_address: str
    digest_title: str = ""


@dataclass(frozen=True, slots=True)
class ServiceTestNotice:
    """Shows that a mail service works and that both scripts arrive whole."""

    service_name: str
    sender_name: str
    sent_at: dt.datetime
    zone: str


@dataclass(frozen=True, slots=True)
class PermissionNotice:
    """Asks whether a list is still wanted; whoever does not answer by then is no longer mailed."""

    list_title: str
    keep_url: str
    answer_until: dt.datetime
    sender_name: str
    postal_address: str
    digest_title: str = ""


@dataclass(frozen=True, slots=True)
class MovedNotice:
    """The last mail to an address: what came here goes to another one. Which one is not said."""

    list_title: str
    sender_name: str
    postal_address: str
    digest_title: str = ""


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """Tells one of the staff that something wants a person, or no longer does."""

    headline: str
    sentences: tuple[str, ...]
    digest_title: str
    sender_name: str
    postal_address: str


NoticeValues = (
    ConfirmNotice
    | WelcomeNotice
    | GoodbyeNotice
    | ServiceTestNotice
    | FreshLinkNotice
    | PermissionNotice
    | MovedNotice
    | AlertNotice
)

_VALUES_OF: dict[NoticeKind, type[NoticeValues]] = {
    NoticeKind.CONFIRM: ConfirmNotice,
    NoticeKind.WELCOME: WelcomeNotice,
    NoticeKind.GOODBYE: GoodbyeNotice,
    NoticeKind.TEST: ServiceTestNotice,
    NoticeKind.FRESH_LINK: FreshLinkNotice,
    NoticeKind.PERMISSION: PermissionNotice,
    NoticeKind.MOVED: MovedNotice,
    NoticeKind.ALERT: AlertNotice,
}


def render_notice(
    kind: NoticeKind,
    language: str,
    values: NoticeValues,
    *,
    look: Look | None = None,
    templates: Path | None = None,
) -> RenderedMail:
    """Render one single mail; raises TypeError if the values are those of another kind.

    What is about a digest's list has the digest's `look`; without one it has that of the house.
    """
    if not isinstance(values, _VALUES_OF[kind]):
        raise TypeError(
            f"a {kind} notice is made of {_VALUES_OF[kind].__name__}, not {type(values).__name__}"
        )
    env = environment(language, templates)
    notice, seen = cleaned(values), cleaned(look or Look())
    names: dict[str, Any] = {"notice": notice, "nameplate": seen.masthead or _title_of(notice)}
    names |= {"mark": small(seen.logo), "mark_dark": small(seen.logo_dark)}
    names |= look_names(seen, TextSize.NORMAL, language) | tongue_names(language)
    subject = subject_line(env.get_template(f"email/{kind}/subject.txt").render(names))
    text = tidy(env.get_template(f"email/{kind}/body.txt").render(names))
    preheader = preheader_line(subject, _paragraphs(text, i18n.translator(language)))
    lines = {"subject": subject, "preheader": preheader, "label": subject}
    lines |= {"subject_language": "", "preheader_language": ""}  # both are sentences of ours
    html = env.get_template(f"email/{kind}/body.html").render(names | lines)
    return RenderedMail(subject=subject, preheader=preheader, html=inline_css(html), text=text)


def small(logo: ThemePicture | None) -> ThemePicture | None:
    """A logo as it stands above a few sentences: no larger than a line or two, in its own proportions."""
    if logo is None:
        return None
    share = min(1.0, _MARK_WIDTH / logo.width, _MARK_HEIGHT / logo.height)
    return dataclasses.replace(
        logo, width=max(1, round(logo.width * share)), height=max(1, round(logo.height * share))
    )


def _title_of(notice: NoticeValues) -> str:
    return getattr(notice, "digest_title", "") or notice.sender_name


def _paragraphs(text: str, translator: i18n.Translator) -> list[str]:
    """What the mail says after its heading: those paragraphs of its text that are words, then a spare one."""
    blocks = [block.replace("\n", " ") for block in text.split("\n\n")[1:]]
    words = [block for block in blocks if "://" not in block and "%%" not in block and "---" not in block]
    # TRANSLATORS: the line after the subject of a single mail that says little itself; 40 to 100 letters.
    return [*words, translator.gettext("A short message about your newsletter, and nothing else.")]
