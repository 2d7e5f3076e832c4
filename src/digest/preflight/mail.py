"""All rules for one mail: facts in, findings out. No storage, no network, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from digest.preflight import clients, content, looked, pictures, spam, stories, subject, weight, wire
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
    stories.featured_old,
    stories.intro_elsewhere,
    stories.sign_off_elsewhere,
    looked.pictures,
    looked.links,
    looked.not_asked,
    spam.pictures_alone,
    spam.faint_words,
    spam.unseen_words,
    spam.links,
    spam.title,
    spam.headers,
    spam.sender,
    wire.list_unsubscribe,
    wire.one_click,
    wire.lines,
    clients.unsupported,
)


def judge_mail(facts: MailFacts) -> list[MailFinding]:
    """The findings of every rule, each of them once."""
    return list(dict.fromkeys(finding for rule in RULES for finding in rule(facts)))
