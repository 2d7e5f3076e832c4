"""The rules for a single mail: those of an edition's mail that hold for it, and two of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from digest.preflight import clients, content, pictures, spam, subject, weight, wire
from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, block
from digest.rendering.contexts import UNSUBSCRIBE_URL


def has_words(facts: MailFacts) -> Iterator[MailFinding]:
    """Both parts say something."""
    if not facts.page.words or not facts.text.strip():
        yield block(Code.EMPTY_MAIL)


def its_link(facts: MailFacts) -> Iterator[MailFinding]:
    """The link that the mail is for can be seen in both parts; it stands there as the place of a person's."""
    if not any(link.url == UNSUBSCRIBE_URL and link.words for link in facts.page.links):
        yield block(Code.LINK_MISSING, part=content.HTML_PART)
    if not any(UNSUBSCRIBE_URL in line.split() for line in facts.text.splitlines()):
        yield block(Code.LINK_MISSING, part=content.TEXT_PART)


def address_shown(facts: MailFacts) -> Iterator[MailFinding]:
    """The postal address, if there is one: a digest may not have it yet when its first people sign up."""
    return content.postal_address(facts) if facts.postal_address.strip() else iter(())


Rule = Callable[[MailFacts], Iterable[MailFinding]]
# Left out is what is said of stories and of looks at other sites, List-Unsubscribe, and how many letters
# stand beside pictures: a few sentences below a logo are never enough of them.
STOPPING: Final[tuple[Rule, ...]] = (
    has_words,
    address_shown,
    content.placeholders,
    content.dangers,
    weight.html_size,
    subject.subject_line,
    wire.lines,
)
ADVISING: Final[tuple[Rule, ...]] = (
    weight.styles_size,
    weight.thin_text,
    subject.preheader_line,
    pictures.sizes,
    pictures.words,
    pictures.kinds,
    spam.faint_words,
    spam.unseen_words,
    spam.links,
    spam.title,
    spam.headers,
    spam.sender,
    clients.unsupported,
)


def judge_single(facts: MailFacts, *, has_link: bool, is_whole: bool = True) -> list[MailFinding]:
    """The findings of every rule, each of them once; `has_link`: it is there for a link of the person's own.

    Unless `is_whole`, only those that a mail may be stopped by: nobody reads the others while it is made.
    """
    rules = (*STOPPING, *((its_link,) if has_link else ()), *(ADVISING if is_whole else ()))
    return list(dict.fromkeys(finding for rule in rules for finding in rule(facts)))
