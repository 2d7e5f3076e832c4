"""Every single mail that there is, in any language, and two themes for them. All of it is invented."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, Final, NamedTuple

from digest import i18n
from digest.rendering.contexts import PAGE_URL, UNSUBSCRIBE_URL
from digest.rendering.notices import (
    AlertNotice,
    ConfirmNotice,
    FreshLinkNotice,
    GoodbyeNotice,
    MovedNotice,
    NoticeKind,
    NoticeValues,
    PermissionNotice,
    ServiceTestNotice,
    WelcomeNotice,
)
from digest.rendering.theme import Look
from digest.rendering.theme_form import read_look
from tests.mail_cases import PUBLIC, SLOT, WORDS, normal

LANGUAGES: Final = tuple(WORDS)
STAFF: Final = (NoticeKind.ALERT, NoticeKind.TEST)
ADDRESS: Final = "14 Quince Street, Watertown, MA 02472"
_LOGO: Final = {"file": f"{'a' * 64}.png", "width": 360, "height": 100, "alt": "The paper's name"}
_DARK: Final = _LOGO | {"file": f"{'b' * 64}.png"}
PLAIN: Final = Look()
LOUD: Final = read_look(
    {
        "accent": "#5b0b63",
        "font": "news",
        "rules": "heavy",
        "masthead": "An Evening Paper",
        "footer": "Published by a society of readers. Legal notice: footbridge.example/imprint",
        "light": {"card": "#ffffff", "page": "#f3e9f7"},
        "dark": {"card": "#201026", "page": "#120816"},
        "social": {"facebook": "https://social.example/a", "telegram": "https://social.example/b"},
        "logo": _LOGO,
        "logo_dark": _DARK,
    },
    public_url=PUBLIC,
)


class Case(NamedTuple):
    """One single mail: which, in what language, in what look."""

    name: str
    language: str
    look: Look

    @property
    def kind(self) -> NoticeKind:
        """The folder of its templates."""
        return NoticeKind(self.name.partition(" ")[0])

    def __str__(self) -> str:
        return f"{self.name}-{self.language}-{'loud' if self.look is LOUD else 'plain'}"


def values_of(name: str, language: str) -> NoticeValues:
    """What a mail says."""
    words, edition = WORDS[language], normal(language, "paper")
    paper: dict[str, Any] = {
        "sender_name": words.sender,
        "postal_address": ADDRESS,
        "digest_title": words.paper,
    }
    titled = {"list_title": words.paper, **paper}
    recent = tuple(dataclasses.replace(story, body_html="") for story in edition.recent)
    made: dict[str, NoticeValues] = {
        "confirm": ConfirmNotice(confirm_url=UNSUBSCRIBE_URL, **titled),
        "confirm known": ConfirmNotice(confirm_url=UNSUBSCRIBE_URL, is_known=True, **titled),
        "welcome": WelcomeNotice(
            how_often=words.section,
            web_url=f"{PUBLIC}/e/1",
            page_url=PAGE_URL,
            featured=edition.featured,
            recent=recent,
            **titled,
        ),
        "welcome alone": WelcomeNotice(how_often="", page_url=PAGE_URL, **titled),
        "goodbye": GoodbyeNotice(undo_url=UNSUBSCRIBE_URL, **titled),
        "goodbye for good": GoodbyeNotice(**titled),
        **{
            f"fresh_link {kind}": FreshLinkNotice(kind=kind, link_url=UNSUBSCRIBE_URL, **titled)
            for kind in ("data", "erase", "address", "new-address")
        },
        "permission": PermissionNotice(
            keep_url=UNSUBSCRIBE_URL, answer_until=SLOT + dt.timedelta(days=30), **titled
        ),
        "moved": MovedNotice(**titled),
        "alert": AlertNotice(
            headline=f"{words.paper}: {words.title}", sentences=(words.intro, words.reason), **paper
        ),
        "test": ServiceTestNotice("main", words.sender, SLOT, words.zone),
    }
    return made[name]


# The first form of each kind.
_FIRST: Final = ("confirm", "welcome", "goodbye", "fresh_link data", "permission", "moved")
NAMES: Final = (
    *("confirm", "confirm known", "welcome", "welcome alone", "goodbye", "goodbye for good"),
    *("fresh_link data", "fresh_link erase", "fresh_link address", "fresh_link new-address"),
    *("permission", "moved", "alert", "test"),
)


def everything() -> list[Case]:
    """Each mail in each language in each look that it can have."""
    return [
        Case(name, language, look)
        for name in NAMES
        for language in LANGUAGES
        for look in (PLAIN, LOUD)
        if name not in STAFF or (look is PLAIN and language in i18n.LANGUAGES)
    ]


def sample() -> list[Case]:
    """Each kind in each language, its other forms in those of editors; each language in both looks."""
    return [
        case
        for case in everything()
        if case.kind in STAFF
        or (
            (NAMES.index(case.name) + LANGUAGES.index(case.language)) % 2 == (case.look is LOUD)
            and (case.name in _FIRST or case.language in i18n.LANGUAGES)
        )
    ]
