"""What an alert says: what has happened, why, until when somebody may act, and by which command."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from digest.editions.approval_settings import NOBODY
from digest.editions.gate import outcome_of
from digest.editions.reasons import sentence, state_name
from digest.i18n import N_, Translator
from digest.models import Alert, AlertKind, Cadence, Digest, Edition, EditionState, Fallback, Reason, Source
from digest.sources.health import fault_sentence

K = AlertKind
_HEADLINES: dict[AlertKind, str] = {
    K.EDITION_HELD: N_("Held: %(subject)s"),
    K.EDITION_SKIPPED: N_("Skipped: %(subject)s"),
    K.SOURCE_DOWN: N_("Source down: %(subject)s"),
    K.APPROVAL_WANTED: N_("Approval wanted: %(subject)s"),
    K.SENDING_STOPPED: N_("Stopped in the middle: %(subject)s"),
}
_OVER: dict[AlertKind, str] = {
    K.EDITION_HELD: N_("No longer held: %(subject)s"),
    K.SOURCE_DOWN: N_("Source back: %(subject)s"),
    K.APPROVAL_WANTED: N_("Approval no longer wanted: %(subject)s"),
    K.SENDING_STOPPED: N_("No longer stopped: %(subject)s"),
}
_NAMES: dict[AlertKind, str] = {
    K.EDITION_HELD: N_("an edition is held"),
    K.EDITION_SKIPPED: N_("an edition was skipped"),
    K.SOURCE_DOWN: N_("a source is down"),
    K.APPROVAL_WANTED: N_("an edition waits for approval"),
    K.SENDING_STOPPED: N_("an edition was stopped in the middle"),
}
_COMMANDS: dict[AlertKind, str] = {
    K.EDITION_HELD: "digest edition show {id}",
    K.EDITION_SKIPPED: "digest edition show {id}",
    K.SOURCE_DOWN: "digest source show {id}",
    K.APPROVAL_WANTED: "digest edition approve {id}",
    K.SENDING_STOPPED: "digest edition resume {id}",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about: an edition with its cadence, or a source."""

    alert: Alert
    digest: Digest
    edition: Edition | None = None
    cadence: Cadence | None = None
    source: Source | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended; what does not last has not."""
        return self.alert.ended_at is not None and self.alert.kind in _OVER


def alert_name(kind: AlertKind, words: Translator) -> str:
    """A kind of alert, for a list."""
    return words.gettext(_NAMES[kind])


def headline(subject: Subject, words: Translator) -> str:
    """The one line: what has happened, and to what."""
    form = _OVER[subject.alert.kind] if subject.is_over else _HEADLINES[subject.alert.kind]
    return words.gettext(form, subject=_called(subject, words))


def sentences(subject: Subject, words: Translator) -> tuple[str, ...]:
    """Why it is so, until when it can be changed, and how; what is over has one sentence."""
    if subject.is_over:
        return (_now_sentence(subject, words),)
    found = [_cause(subject, words)]
    facts: dict[str, Any] = subject.alert.facts
    if others := facts.get("others"):
        found.append(words.gettext("Missed before it as well: %(count)s.", count=words.number(others)))
    if subject.alert.kind in {K.EDITION_HELD, K.APPROVAL_WANTED}:
        found.append(_deadline(subject, words))
    number = subject.alert.edition_id or subject.alert.source_id
    command = _COMMANDS[subject.alert.kind].format(id=number)
    found.append(words.gettext("To act on it: %(command)s", command=command))
    return tuple(part for part in found if part)


def _called(subject: Subject, words: Translator) -> str:
    if subject.source is not None:
        return ", ".join((subject.source.title or subject.source.url, subject.digest.title))
    assert subject.edition is not None
    assert subject.cadence is not None
    return ", ".join((subject.digest.title, words.moment(subject.edition.due_at, subject.cadence.zone)))


def _cause(subject: Subject, words: Translator) -> str:
    facts = subject.alert.facts
    if subject.source is not None:
        return fault_sentence(facts["fault"], facts["detail"], words)
    if not facts["reason"]:
        return ""
    text = sentence(Reason(facts["reason"]), words)
    return f"{text} ({facts['detail']})" if facts["detail"] else text


def _deadline(subject: Subject, words: Translator) -> str:
    edition, cadence = subject.edition, subject.cadence
    if edition is None or cadence is None or edition.deadline_at is None:
        return ""
    moment = words.moment(edition.deadline_at, cadence.zone)
    is_sent = cadence.hold_outcome is Fallback.SEND and edition.reason is not Reason.BY_PERSON
    if subject.alert.kind is K.APPROVAL_WANTED:
        return words.gettext(NOBODY[outcome_of(cadence)], until=moment)
    if is_sent:
        return words.gettext("If nobody acts until %(moment)s, it goes out as far as it can.", moment=moment)
    return words.gettext("If nobody acts until %(moment)s, it is skipped.", moment=moment)


def _now_sentence(subject: Subject, words: Translator) -> str:
    if subject.edition is None:
        since: dt.datetime = subject.alert.raised_at
        return words.gettext("It could not be read since %(moment)s.", moment=words.moment(since, "UTC"))
    state = EditionState(subject.edition.state)
    return words.gettext("This edition is now: %(state)s.", state=state_name(state, words))
