"""How a source does, in words for whoever looks after it. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from digest.feeds.oddities import kept_sentences
from digest.i18n import Translator
from digest.models import Source
from digest.sources.alarms import alarm_sentence
from digest.sources.collect import Collected
from digest.sources.health import fault_sentence


class Pulse(StrEnum):
    """How a source does, in a word."""

    NEW = "new"
    GOOD = "good"
    ODD = "odd"
    FAILS = "fails"
    RESTS = "rests"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Health:
    """How a source does: the word's code, a sentence, and what is to be known besides."""

    pulse: Pulse
    sentence: str
    more: tuple[str, ...] = ()


def told_health(source: Source, words: Translator, *, now: dt.datetime) -> Health:
    """Fault first, then what is odd, else when it was last read."""
    odd = tuple(alarm_sentence(one["code"], one["facts"], words) for one in source.alarms)
    odd += kept_sentences(source.oddities, words)
    if source.is_away:
        return Health(Pulse.AWAY, words.gettext("It was taken away. What it has brought is kept."))
    if source.rests:
        return Health(Pulse.RESTS, words.gettext("It is paused: nobody reads it."))
    if source.last_fetch_at is None:
        return Health(Pulse.NEW, words.gettext("It has not been read yet."))
    if source.fault_code:
        fault = fault_sentence(source.fault_code, source.fault_detail, words)
        return Health(Pulse.FAILS, fault, (_since(source, words, now=now), *odd))
    read = words.gettext("Read %(ago)s.", ago=words.ago(source.last_good_at or source.last_fetch_at, now))
    return Health(Pulse.ODD if source.alarms else Pulse.GOOD, read, odd)


def told_collection(result: Collected, detail: str, words: Translator) -> str:
    """What one reading brought, in a sentence; `detail` is the source's, for a fault."""
    if result.fault:
        return fault_sentence(result.fault, detail, words)
    if not (result.new or result.changed):
        return words.gettext("It answers. Nothing is new since the last time.")
    return words.gettext(
        "It answers: %(new)s new, %(changed)s changed.",
        new=words.number(result.new),
        changed=words.number(result.changed),
    )


def _since(source: Source, words: Translator, *, now: dt.datetime) -> str:
    times = words.ngettext(
        "It failed %(count)s time.", "It failed %(count)s times in a row.", source.faults_in_a_row
    )
    if source.last_good_at is None:
        return f"{times} {words.gettext('It could never be read yet.')}"
    last = words.gettext("Last read %(ago)s.", ago=words.ago(source.last_good_at, now))
    return f"{times} {last}"
