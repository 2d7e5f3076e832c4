"""Where on the edition page a finding of the checks is mended: the id of the story or the field. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from digest.preflight.mail_findings import Code, MailFinding
from digest.rendering.contexts import Story
from digest.rendering.words import clean_address

STORIES: Final = "h-stories"
SUBJECT: Final = "w-subject"
PREHEADER: Final = "w-preheader"
INTRO: Final = "w-intro"
SIGN_OFF: Final = "w-sign_off"
SETTINGS: Final = "settings"  # not on this page, but on the digest's

_FIELDS: Final[dict[Code, str]] = {
    Code.SUBJECT_EMPTY: SUBJECT,
    Code.SUBJECT_MARKUP: SUBJECT,
    Code.SUBJECT_LONG: SUBJECT,
    Code.SUBJECT_SHOUTS: SUBJECT,
    Code.TITLE_DIFFERS: SUBJECT,
    Code.PREHEADER_EMPTY: PREHEADER,
    Code.PREHEADER_SAME: PREHEADER,
    Code.PREHEADER_SHORT: PREHEADER,
    Code.PREHEADER_LONG: PREHEADER,
    Code.PREHEADER_SHOUTS: PREHEADER,
    Code.INTRO_ELSEWHERE: INTRO,
    Code.SIGN_OFF_ELSEWHERE: SIGN_OFF,
    Code.EMPTY_EDITION: STORIES,
    Code.TOO_LARGE: STORIES,
    Code.EXCERPTS_SHORTENED: STORIES,
    Code.EXCERPTS_LEFT_OUT: STORIES,
    Code.PICTURES_ALONE: STORIES,
    Code.NO_ADDRESS_SET: SETTINGS,
    Code.FREE_MAIL_SENDER: SETTINGS,
}
# What is mended in one field of its story.
_OF_STORY: Final[dict[Code, str]] = {
    Code.OLD_TODAY: "t",
    Code.FEATURED_OLD: "story",
    Code.SAME_STORY: "story",
}


class Placed(NamedTuple):
    """A story of the page by its key, as `editions.board` has it."""

    key: str
    story: Story


def anchor(key: str, part: str = "story") -> str:
    """The id of a story on the page, or of a field of its form: `t` is its title, `p` its picture."""
    return f"{part}-{key.replace(':', '-')}"


def jump_of(finding: MailFinding, stories: Iterable[Placed]) -> str:
    """The id to lead to; "" where the page has nothing that would mend it."""
    if finding.code in _FIELDS:
        return _FIELDS[finding.code]
    facts = dict(finding.facts)
    known = list(stories)
    title, url = str(facts.get("title", "")), str(facts.get("url", ""))
    # Of one that stands there twice the second is meant.
    for one in reversed(known):
        if title and one.story.title == title:
            return anchor(one.key, _OF_STORY.get(finding.code, "story"))
    for one in known:
        if url and one.story.picture is not None and clean_address(one.story.picture.url) == url:
            return anchor(one.key, "p")
    for one in known:
        if url and (one.story.url == url or url in one.story.body_html):
            return anchor(one.key)
    return ""
