"""A sentence for each code of selection, in the reader's language. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from digest.editions.verdicts import Why
from digest.i18n import N_, Translator

SENTENCES: dict[Why, str] = {
    Why.FEATURED: N_("In it as the featured story."),
    Why.FEATURED_INSTEAD: N_("Featured as the best of the headlines: the rule finds no other story."),
    Why.FEATURED_BY_EDITOR: N_("Featured by %(by)s."),
    Why.LISTED: N_("In it at place %(place)s."),
    Why.PINNED: N_("In it at place %(place)s, pinned by %(by)s."),
    Why.INCLUDED: N_("In it at place %(place)s: %(by)s wants it, though a rule may leave it out."),
    Why.WIDENED: N_("In it at place %(place)s, though older than %(days)s days: there is little news."),
    Why.RERUN: N_("In it at place %(place)s as worth reading again: there is little news."),
    Why.OWN: N_("In it at place %(place)s, by the desk itself."),
    Why.WITHDRAWN: N_("It was taken back."),
    Why.DROPPED: N_("Dropped by %(by)s."),
    Why.EMBARGOED: N_("Under embargo until %(until)s."),
    Why.SENT: N_("Sent already, on %(at)s."),
    Why.KNOWN_BEFORE: N_("Not news: it was there before its source was added, or was marked as seen."),
    Why.TOO_FRESH: N_("Too fresh (%(age)s). Include it if it is meant to go out at once."),
    Why.TOO_OLD: N_("Older than %(days)s days."),
    Why.NOT_INCLUDED: N_("None of the names that the headlines are taken by."),
    Why.EXCLUDED_SECTION: N_("The section “%(name)s” is left out."),
    Why.EXCLUDED_TAG: N_("The tag “%(name)s” is left out."),
    Why.EXCLUDED_AUTHOR: N_("The author “%(name)s” is left out."),
    Why.EXCLUDED_SOURCE: N_("The source “%(name)s” is left out."),
    Why.SAME_STORY: N_("The same story as “%(title)s”."),
    Why.SECTION_LIMIT: N_("The section “%(name)s” has its %(most)s already."),
    Why.AUTHOR_LIMIT: N_("The author “%(name)s” has their %(most)s already."),
    Why.SOURCE_LIMIT: N_("The source “%(name)s” has its %(most)s already."),
    Why.NO_ROOM: N_("No room: there are %(most)s headlines already."),
    Why.NOT_YET: N_("Its first day is %(day)s."),
    Why.OVER: N_("Its last day was %(day)s."),
}


def why_sentence(why: Why, facts: Mapping[str, Any], words: Translator, zone: str) -> str:
    """Why a story is in an edition or is not, for a person; moments in the cadence's zone."""
    told = {name: _told(name, value, words, zone) for name, value in facts.items()}
    return words.gettext(SENTENCES[why], **told) if told else words.gettext(SENTENCES[why])


def _told(name: str, value: Any, words: Translator, zone: str) -> str:
    if name == "age":
        hours, seconds = divmod(int(value), 3600)
        minutes = f"{seconds // 60:02}" if hours else str(seconds // 60)
        return f"{hours}:{minutes}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
    if name == "at":
        return words.date(dt.datetime.fromisoformat(value), zone)
    if name == "until":
        moment = dt.datetime.fromisoformat(value)
        return f"{words.date(moment, zone)}, {words.clock(moment, zone)}"
    if name == "day":
        return words.day(dt.date.fromisoformat(value))
    return words.number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)
