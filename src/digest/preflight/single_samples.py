"""Every single mail with invented values: what a newsroom's templates make is seen before readers meet it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from digest.preflight.single_mail import Sender, judged
from digest.rendering.contexts import PAGE_URL, UNSUBSCRIBE_URL, Story
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

_TITLE: Final = "The Footbridge"
_PAPER: Final[dict[str, Any]] = {
    "sender_name": _TITLE,
    "postal_address": "14 Quince Street, Watertown",
    "digest_title": _TITLE,
}
_AT: Final = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
_STORY: Final = Story(
    title="A library is a promise to strangers",
    url="https://footbridge.example/library",
    author="Nare Saroyan",
    section="Commentary",
    excerpt="There is a bench in front of it.",
    published_at=_AT,
    language="en",
)
SAMPLES: Final[tuple[tuple[NoticeKind, NoticeValues], ...]] = (
    (NoticeKind.CONFIRM, ConfirmNotice(_TITLE, UNSUBSCRIBE_URL, **_PAPER)),
    (NoticeKind.CONFIRM, ConfirmNotice(_TITLE, UNSUBSCRIBE_URL, **_PAPER, is_known=True)),
    (NoticeKind.WELCOME, WelcomeNotice(_TITLE, "", **_PAPER, page_url=PAGE_URL)),
    (
        NoticeKind.WELCOME,
        WelcomeNotice(
            _TITLE,
            "every morning",
            **_PAPER,
            web_url="https://footbridge.example/e/1",
            page_url=PAGE_URL,
            featured=_STORY,
            recent=(_STORY,),
        ),
    ),
    (NoticeKind.GOODBYE, GoodbyeNotice(_TITLE, **_PAPER)),
    (NoticeKind.GOODBYE, GoodbyeNotice(_TITLE, **_PAPER, undo_url=UNSUBSCRIBE_URL)),
    *(
        (NoticeKind.FRESH_LINK, FreshLinkNotice(kind, _TITLE, UNSUBSCRIBE_URL, **_PAPER))
        for kind in ("data", "erase", "address", "new-address")
    ),
    (NoticeKind.PERMISSION, PermissionNotice(_TITLE, UNSUBSCRIBE_URL, _AT, **_PAPER)),
    (NoticeKind.MOVED, MovedNotice(_TITLE, **_PAPER)),
    (NoticeKind.ALERT, AlertNotice(f"Held: {_TITLE}", ("The message is too large.",), **_PAPER)),
    (NoticeKind.TEST, ServiceTestNotice("main", _TITLE, _AT, "Asia/Yerevan")),
)


def faults_with(templates: Path, languages: Iterable[str]) -> Iterator[str]:
    """What fails or must not go out of what these templates make: which mail, in which language, and why."""
    sender = Sender(_TITLE, "letters@footbridge.example")
    for language in languages:
        for kind, values in SAMPLES:
            try:
                made = judged(kind, language, values, sender, Look(), templates=templates, is_whole=False)
            except Exception as error:  # noqa: BLE001  (a template may fail in any way)
                why = f"{type(error).__name__}: {error}".partition("\n")[0][:200]
                yield f"the mail {kind.value} in {language} fails: {why}"
            else:
                for one in made.blocks:
                    yield f"the mail {kind.value} in {language} must not go out: {one.code.value}"
