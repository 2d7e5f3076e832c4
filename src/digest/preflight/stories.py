"""The stories of an edition: the same one twice, and words that were true on another day."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, warn
from digest.rendering.contexts import Story

_OLD: Final = dt.timedelta(days=1)
MOST_FEATURED_DAYS: Final = 14  # a commentary that is older is seldom meant
_ENGLISH = re.compile(r"(?<!\bUSA )\b(?:today|tonight|tomorrow|yesterday)\b", re.IGNORECASE)
# With their endings: "of today", "from tomorrow on"; yesterday is not the evening.
_ARMENIAN = re.compile(
    r"\b(?:այսօր(?:վա\w*|ուա\w*)?|վաղը|վաղ(?:վա|ուա)\w*|երեկ(?:վա\w*)?|երէկ(?:ուա\w*)?"
    r"|այս (?:երեկո|երեկոյան|իրիկուն))\b",
    re.IGNORECASE,
)
_FRENCH = re.compile(r"\b(?:aujourd['’]hui|ce soir|demain|hier)\b", re.IGNORECASE)
_DAY_WORDS: Final = {"en": _ENGLISH, "hy": _ARMENIAN, "hyw": _ARMENIAN, "fr": _FRENCH}
_ARMENIAN_MARKS = re.compile("[\u055a-\u055c\u055e\u055f]")  # they stand inside of a word


def same_twice(facts: MailFacts) -> Iterator[MailFinding]:
    """No story stands twice in one mail, under the same address or the same title."""
    seen: set[str] = set()
    for story in facts.stories:
        keys = {key for key in (_address_key(story.url), _title_key(story.title)) if key}
        if keys & seen:
            yield warn(Code.SAME_STORY, title=story.title)
        seen |= keys


def old_today(facts: MailFacts) -> Iterator[MailFinding]:
    """A title or excerpt does not say "today" of a day that is over when the edition comes."""
    for story in facts.stories:
        pattern = _DAY_WORDS.get(story.language.split("-", maxsplit=1)[0].lower())
        if pattern is None or facts.edition_at - story.published_at <= _OLD:
            continue
        found = pattern.search(_ARMENIAN_MARKS.sub("", f"{story.title}\n{_excerpt(story)}"))
        if found:
            yield warn(Code.OLD_TODAY, title=story.title, word=found[0])


def featured_old(facts: MailFacts) -> Iterator[MailFinding]:
    """The featured story is of these days."""
    if not facts.has_featured or not facts.stories:
        return
    days = (facts.edition_at - facts.stories[0].published_at).days
    if days > MOST_FEATURED_DAYS:
        yield warn(Code.FEATURED_OLD, days=days, title=facts.stories[0].title)


def intro_elsewhere(facts: MailFacts) -> Iterator[MailFinding]:
    """The desk's own words do not lead to a story that readers of this topic set are not given."""
    for story in _elsewhere(facts, facts.own_links):
        yield warn(Code.INTRO_ELSEWHERE, title=story.title)


def sign_off_elsewhere(facts: MailFacts) -> Iterator[MailFinding]:
    """Nor do those below the stories."""
    for story in _elsewhere(facts, facts.last_links):
        yield warn(Code.SIGN_OFF_ELSEWHERE, title=story.title)


def _elsewhere(facts: MailFacts, links: Iterable[str]) -> Iterator[Story]:
    """The stories that are linked to and are not in this mail."""
    linked = {_address_key(url) for url in links} - {""}
    shown = {_address_key(story.url) for story in facts.stories}
    for story in facts.left_out:
        key = _address_key(story.url)
        if key in linked and key not in shown:
            yield story


def _excerpt(story: Story) -> str:
    """The excerpt where it is shown: a featured story shows its text in place of it."""
    return "" if story.body_html else story.excerpt


def _address_key(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    host = parts.netloc.lower().removeprefix("www.")
    kept = "&".join(each for each in parts.query.split("&") if each and not each.startswith("utm_"))
    return f"{host}{parts.path.rstrip('/')}?{kept}" if host else ""


def _title_key(title: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold()))
