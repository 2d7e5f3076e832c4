"""What several commands say alike: a source's health, an edition's state, URLs without passwords."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digest.editions.show import EditionLine
    from digest.i18n import Translator
    from digest.models import Source
    from digest.sources.collect import Collected

_SECRET_QUERY = re.compile(r"(?i)\b(\w*(?:pass|secret|token|key)\w*)=[^&]*")


def masked_url(url: str) -> str:
    """A server's URL without its password, for a screen.

    Not by the rules of URLs: a password that breaks them must not come out either.
    """
    scheme, mark, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    if colon:
        credentials = f"{user}:***"
    place = _SECRET_QUERY.sub(r"\1=***", place)
    return f"{scheme}{mark}{credentials}{at}{place}"


def source_health(source: Source, words: Translator, *, now: dt.datetime) -> str:
    """How a source does, in one sentence or two."""
    from digest.feeds.oddities import kept_sentences  # noqa: PLC0415
    from digest.sources.health import fault_sentence  # noqa: PLC0415

    if source.is_away:
        return "Taken away; `digest source restore` brings it back."
    if source.rests:
        return "It is paused: nobody reads it."
    if source.last_fetch_at is None:
        return "Not collected yet."
    if source.fault_code:
        times = "once" if source.faults_in_a_row == 1 else f"{source.faults_in_a_row} times in a row"
        text = fault_sentence(source.fault_code, source.fault_detail, words)
        last = f"last read {words.ago(source.last_good_at, now)}" if source.last_good_at else "never read yet"
        return f"{text.rstrip('.')}. Failed {times}, {last}."
    read = words.ago(source.last_good_at, now) if source.last_good_at else "never"
    odd = f" Odd: {' '.join(kept_sentences(source.oddities, words))}" if source.oddities else ""
    return f"Good, read {read}.{odd}"


def collected(result: Collected, source: Source, words: Translator) -> str:
    """What one collection did, in a sentence."""
    from digest.sources.health import fault_sentence  # noqa: PLC0415

    if result.fault:
        return fault_sentence(result.fault, source.fault_detail, words)
    if not (result.new or result.changed or result.known):
        return "Nothing has changed since the last time."
    return f"{result.new} new, {result.changed} changed, {result.known} known."


def edition_state(line: EditionLine, words: Translator) -> str:
    """An edition's state for a person: its reason's sentence where it has one, else its name."""
    from digest.editions.reasons import sentence, state_name  # noqa: PLC0415
    from digest.models import Reason  # noqa: PLC0415

    name = state_name(line.state, words)
    if line.reason is None:
        return name
    told = sentence(line.reason, words) + (f" ({line.reason_detail})" if line.reason_detail else "")
    # The other sentences say the state themselves.
    return f"{name}: {told}" if line.reason is Reason.BY_PERSON else told
