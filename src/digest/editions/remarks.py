"""What an edition says of itself beside its reason: what is odd about its news, what was not looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from digest.i18n import N_, Translator
from digest.preflight.mail_findings import found_of
from digest.sources.breaker import OddityCode


class Note(StrEnum):
    """What came of the last look at the sites before an edition was locked, and of its readers' topics."""

    SOURCE_DOWN = "source_down"
    NOT_READ = "not_read"
    UNCHECKED = "unchecked"
    DROPPED = "dropped"
    TOPICS_FELL_BACK = "topics_fell_back"
    TOPICS_THIN = "topics_thin"


SENTENCES: dict[str, str] = {
    OddityCode.MANY: N_(
        "%(source)s has brought %(posts)s new stories since the last edition; some %(usual)s are usual."
    ),
    OddityCode.LATE: N_(
        "%(source)s has brought %(posts)s stories long after their date; the oldest is of %(oldest)s."
    ),
    OddityCode.SHARE: N_("Of the %(held)s stories in the feed of %(source)s, %(posts)s were new at once."),
    Note.SOURCE_DOWN: N_("%(source)s could not be read before the lock; what we had of it is used."),
    Note.NOT_READ: N_("There was no time to read %(source)s once more; what we had of it is used."),
    Note.UNCHECKED: N_(
        "The site did not answer when this story was checked; it is used as we had it: %(title)s"
    ),
    Note.DROPPED: N_("This story is no longer on its site and was left out: %(title)s"),
    Note.TOPICS_FELL_BACK: N_(
        "Its readers' choices of topics and text size would make more than %(most)s different mails: "
        "%(people)s people with rare choices get the nearest larger one, with stories they did not choose."
    ),
    Note.TOPICS_THIN: N_(
        "%(people)s people get no mail of it: too few stories are of the topics they chose (%(topics)s)."
    ),
}


def remark(code: Note, **facts: Any) -> dict[str, Any]:
    """A note as it is kept with its edition."""
    return {"code": code.value, "facts": facts}


def remark_sentence(kept: Mapping[str, Any], words: Translator) -> str:
    """A remark for a person; its bare code if it is of another version of this program."""
    text = SENTENCES.get(kept["code"])
    if text is None:
        return _finding_sentence(kept, words)
    return words.gettext(text, **{name: _shown(name, value, words) for name, value in kept["facts"].items()})


def _finding_sentence(kept: Mapping[str, Any], words: Translator) -> str:
    """What the checks have found, with what to do."""
    from digest.preflight.mail_words import said  # noqa: PLC0415  (only where there is such a finding)

    found = found_of([{"level": "block", "variants": (), **kept}])
    return " ".join(said(found[0].finding, words)) if found else str(kept["code"])


def _shown(name: str, value: Any, words: Translator) -> str:
    if name == "oldest":
        return words.day(dt.date.fromisoformat(value))
    return words.number(value) if isinstance(value, int) else str(value)
