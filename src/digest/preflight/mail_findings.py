"""What a look at one rendered mail finds: a level, a code, and the facts that its sentence names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


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
    PICTURE_DROPPED = "picture_dropped"
    EXCERPTS_SHORTENED = "excerpts_shortened"
    EXCERPTS_LEFT_OUT = "excerpts_left_out"
    PICTURE_HEAVY = "picture_heavy"
    PICTURE_UNREACHABLE = "picture_unreachable"
    LINK_DEAD = "link_dead"
    LINK_UNREACHABLE = "link_unreachable"
    NOT_LOOKED_AT = "not_looked_at"
    FEATURED_OLD = "featured_old"
    PICTURES_ALONE = "pictures_alone"
    FAINT_WORDS = "faint_words"
    UNSEEN_WORDS = "unseen_words"
    NUMBER_LINK = "number_link"
    SHORT_LINK = "short_link"
    LINK_SAYS_OTHER = "link_says_other"
    LINK_EMPTY = "link_empty"
    TITLE_DIFFERS = "title_differs"
    HEADER_MISSING = "header_missing"
    HEADER_RAW = "header_raw"
    FREE_MAIL_SENDER = "free_mail_sender"
    NOT_SUPPORTED = "not_supported"
    EMPTY_MAIL = "empty_mail"
    LINK_MISSING = "link_missing"
    INTRO_ELSEWHERE = "intro_elsewhere"
    SIGN_OFF_ELSEWHERE = "sign_off_elsewhere"


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


def mended(code: Code, **facts: str | int) -> MailFinding:
    """A finding that says what was changed, so that the mail may go out."""
    return MailFinding(MailLevel.MENDED, code, tuple(facts.items()))


def merged(found: Mapping[str, Sequence[MailFinding]]) -> list[FoundIn]:
    """The findings of several variants, each told once, the gravest level first."""
    where: dict[MailFinding, list[str]] = {}
    for variant, findings in found.items():
        for one in findings:
            where.setdefault(one, []).append(variant)
    told = [FoundIn(one, tuple(dict.fromkeys(variants))) for one, variants in where.items()]
    return sorted(told, key=lambda one: _ORDER.index(one.finding.level))


def is_blocked(found: Iterable[FoundIn]) -> bool:
    """Whether a mail with these findings must not go out."""
    return any(one.finding.level is MailLevel.BLOCK for one in found)


def stored(one: FoundIn) -> dict[str, Any]:
    """A finding as it is kept with what it was found in."""
    return {
        "level": one.finding.level.value,
        "code": one.finding.code.value,
        "facts": dict(one.finding.facts),
        "variants": list(one.variants),
    }


def found_of(kept: Iterable[Mapping[str, Any]]) -> list[FoundIn]:
    """The way back from `stored`, without what only another version of this program knows."""
    known = {code.value for code in Code}
    return [
        FoundIn(
            MailFinding(MailLevel(one["level"]), Code(one["code"]), tuple(one["facts"].items())),
            tuple(one["variants"]),
        )
        for one in kept
        if one["code"] in known
    ]


def forbids(kept: Iterable[Mapping[str, Any]]) -> bool:
    """Whether findings as they are kept stop a mail: of any code, of any version of this program."""
    return any(one.get("level") == MailLevel.BLOCK for one in kept)
