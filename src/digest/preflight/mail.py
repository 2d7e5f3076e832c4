"""All rules for one mail: facts in, findings out. No storage, no network, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from digest.preflight import content, pictures, stories, subject, weight, wire
from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import MailFinding

Rule = Callable[[MailFacts], Iterable[MailFinding]]

RULES: Final[tuple[Rule, ...]] = (
    content.is_empty,
    content.sign_off_link,
    content.postal_address,
    content.placeholders,
    content.dangers,
    weight.html_size,
    weight.styles_size,
    weight.thin_text,
    subject.subject_line,
    subject.preheader_line,
    pictures.sizes,
    pictures.words,
    pictures.kinds,
    stories.same_twice,
    stories.old_today,
    wire.list_unsubscribe,
    wire.one_click,
    wire.lines,
)


def judge_mail(facts: MailFacts) -> list[MailFinding]:
    """The findings of every rule, each of them once."""
    return list(dict.fromkeys(finding for rule in RULES for finding in rule(facts)))
