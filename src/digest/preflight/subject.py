"""The two lines that a reader sees before opening: their length, their tone, what does not belong there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, block, warn

MOST_SUBJECT: Final = 90
LEAST_PREHEADER, MOST_PREHEADER = 40, 100
_MARKUP = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});|</?[a-z][^<>]*>", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_LEAST_WORDS, _LEAST_LETTERS = 2, 8  # an abbreviation alone does not shout
# Of Latin and Armenian writing; one may stand.
_EXCLAMATIONS = re.compile(r"[!\uff01\u055c]")
_MOST_EXCLAMATIONS: Final = 2


def subject_line(facts: MailFacts) -> Iterator[MailFinding]:
    """A subject is there, plain, short enough, and does not shout."""
    line = facts.subject.strip()
    if not line:
        yield block(Code.SUBJECT_EMPTY)
        return
    if markup := _MARKUP.search(line):
        yield warn(Code.SUBJECT_MARKUP, found=markup[0][:40])
    if len(line) > MOST_SUBJECT:
        yield warn(Code.SUBJECT_LONG, length=len(line), most=MOST_SUBJECT)
    if _shouts(line):
        yield warn(Code.SUBJECT_SHOUTS)


def preheader_line(facts: MailFacts) -> Iterator[MailFinding]:
    """A preheader goes on where the subject ends."""
    line = facts.preheader.strip()
    if not line:
        yield warn(Code.PREHEADER_EMPTY)
        return
    if _plain(line) == _plain(facts.subject):
        yield warn(Code.PREHEADER_SAME)
    elif len(line) < LEAST_PREHEADER:
        yield warn(Code.PREHEADER_SHORT, length=len(line), least=LEAST_PREHEADER)
    if len(line) > MOST_PREHEADER:
        yield warn(Code.PREHEADER_LONG, length=len(line), most=MOST_PREHEADER)
    if _shouts(line):
        yield warn(Code.PREHEADER_SHOUTS)


def _plain(line: str) -> str:
    return " ".join(_WORD.findall(line.casefold()))


def _shouts(line: str) -> bool:
    words = _WORD.findall(_MARKUP.sub(" ", line))
    cased = [word for word in words if word.upper() != word.lower()]
    is_loud = len(cased) >= _LEAST_WORDS and sum(map(len, cased)) >= _LEAST_LETTERS
    if is_loud and all(word.isupper() for word in cased):
        return True
    return "!!" in line or len(_EXCLAMATIONS.findall(line)) > _MOST_EXCLAMATIONS
