"""Whether a subject line tells of a story, and what an edition is called instead. Pure."""

from __future__ import annotations

import datetime as dt

from digest.i18n import spoken, translator


def is_told_by(subject: str, title: str) -> bool:
    """Whether a subject line tells of a story: it names its title, or the beginning of it."""
    line, name = subject.rstrip("… ").casefold(), title.strip().casefold()
    return bool(line and name) and (name in line or line in name)


def neutral_subject(title: str, language: str, due_at: dt.datetime, zone: str) -> str:
    """What an edition is called where its subject would tell of what was taken down."""
    return f"{title}, {translator(spoken(language)).date(due_at, zone)}"
