"""What a look at one rendered mail finds: a level, a code, and the facts that its sentence names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MailLevel(StrEnum):
    """What a finding means for the sending, the gravest first."""

    BLOCK = "block"  # it must not go out like this
    MENDED = "mended"  # something was taken out or cut, and it may go out
    WARN = "warn"  # it may go out; it would be better otherwise


class Code(StrEnum):
    """Each has a sentence, and another with what to do, in `preflight.mail_words`."""

    EMPTY_EDITION = "empty_edition"
    NO_SIGN_OFF_LINK = "no_sign_off_link"
    NO_ADDRESS_SET = "no_address_set"
    ADDRESS_NOT_SHOWN = "address_not_shown"
    PLACEHOLDER_LEFT = "placeholder_left"
    DANGEROUS = "dangerous"
    TOO_LARGE = "too_large"
    STYLES_TOO_LARGE = "styles_too_large"
    THIN_TEXT = "thin_text"
    SUBJECT_EMPTY = "subject_empty"
    SUBJECT_MARKUP = "subject_markup"
    SUBJECT_LONG = "subject_long"
    SUBJECT_SHOUTS = "subject_shouts"
    PREHEADER_EMPTY = "preheader_empty"
    PREHEADER_SAME = "preheader_same"
    PREHEADER_SHORT = "preheader_short"
    PREHEADER_LONG = "preheader_long"
    PREHEADER_SHOUTS = "preheader_shouts"
    PICTURE_WITHOUT_SIZE = "picture_without_size"
    PICTURE_WITHOUT_WORDS = "picture_without_words"
    PICTURE_NOT_SHOWN = "picture_not_shown"
    SAME_STORY = "same_story"
    OLD_TODAY = "old_today"
    NO_LIST_UNSUBSCRIBE = "no_list_unsubscribe"
    LIST_UNSUBSCRIBE_FORM = "list_unsubscribe_form"
    SIGN_OFF_NOT_HTTPS = "sign_off_not_https"
    NO_ONE_CLICK = "no_one_click"
    LONG_LINE = "long_line"
    LONG_CODED_LINE = "long_coded_line"
    BARE_LINE_END = "bare_line_end"


@dataclass(frozen=True, slots=True)
class MailFinding:
    """One finding; `facts` are names and values for its sentence."""

    level: MailLevel
    code: Code
    facts: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True, slots=True)
class FoundIn:
    """A finding, and the variants that it was made in."""

    finding: MailFinding
    variants: tuple[str, ...]


_ORDER: Final = tuple(MailLevel)


def block(code: Code, **facts: str | int) -> MailFinding:
    """A finding that must keep the mail from going out."""
    return MailFinding(MailLevel.BLOCK, code, tuple(facts.items()))


def warn(code: Code, **facts: str | int) -> MailFinding:
    """A finding to know of."""
    return MailFinding(MailLevel.WARN, code, tuple(facts.items()))


def merged(found: Mapping[str, Sequence[MailFinding]]) -> list[FoundIn]:
    """The findings of several variants, each told once, the gravest level first."""
    where: dict[MailFinding, list[str]] = {}
    for variant, findings in found.items():
        for one in findings:
            where.setdefault(one, []).append(variant)
    told = [FoundIn(one, tuple(dict.fromkeys(variants))) for one, variants in where.items()]
    return sorted(told, key=lambda one: _ORDER.index(one.finding.level))
