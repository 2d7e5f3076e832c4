"""What was found at a site, as a form carries it from one page to the next: of the assistant, of a source.

It goes through the browser with a mark, so that only what we found comes back.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
import re
import unicodedata
from collections import Counter
from typing import Any, Final
from urllib.parse import urlsplit

from digest.accounts.opaque import derived
from digest.errors import InputError
from digest.i18n import N_, READER_LANGUAGES, Translator, matched
from digest.models import SourceKind
from digest.net.http import Fetcher, FetchError
from digest.sources.find import find
from digest.sources.find_words import reason_sentence
from digest.sources.found import Found, Option

_SECONDS: Final = 40.0
_SECTIONS: Final = 60
_OPTIONS: Final = 6
_TITLES: Final = 5
_FULL: Final = 3  # stories that make a first edition
_BACKLOGS: Final = (1, 3, 7, 30)
_COMMENTARY: Final = re.compile(
    r"(?i)comment|opinion|editorial|column|view|analys|մեկնաբան|կարծիք|խմբագր|վերլուծ|chronique|tribune|رأي"
)


def looked_at(address: str, fetcher: Fetcher) -> Found:
    """What can be collected at an address; a fault is part of the answer."""
    try:
        return find(address, fetcher, agent="Digest", seconds=_SECONDS)
    except FetchError as error:
        return Found(address, fault=error.code, detail=error.detail)


def offer_of(found: Found, words: Translator, *, now: dt.datetime) -> dict[str, Any]:
    """The options with what each would bring, and what the form begins with."""
    best = found.options[0]
    title = (best.feed.title or urlsplit(best.url).hostname or "")[:120].strip()
    names = _sections(found, best)
    return {
        "address": found.address,
        "title": title,
        "name": short_name(title) or short_name((urlsplit(best.url).hostname or "").removeprefix("www.")),
        "language": (matched(best.language or "") if best.language else None) or READER_LANGUAGES[0],
        "sections": names,
        "commentary": next((name for name, _ in names if _COMMENTARY.search(name)), ""),
        "days": _days(best, now=now),
        "options": [_option(option, words) for option in found.options[:_OPTIONS]],
    }


def packed(offer: dict[str, Any], token: str) -> str:
    """As a field of the form."""
    text = json.dumps(offer, ensure_ascii=False, sort_keys=True)
    return f"{derived(token, 'offer ' + text)} {text}"


def unpacked(field: str, token: str) -> dict[str, Any]:
    """The way back; raises InputError for what this browser was not given."""
    mark, _, text = field.partition(" ")
    if not hmac.compare_digest(derived(token, "offer " + text).encode(), mark.encode("utf-8", "replace")):
        raise InputError(N_("This page is too old. Paste the address of the site once more."))
    found: dict[str, Any] = json.loads(text)
    return found


def source_of(offer: dict[str, Any], place: int) -> dict[str, Any]:
    """What the chosen option's source is made of."""
    options = offer["options"]
    if not 0 <= place < len(options):
        raise InputError(N_("There is no such choice."))
    chosen = options[place]
    return {
        "url": chosen["url"],
        "kind": SourceKind(chosen["kind"]),
        "api_url": chosen["api_url"],
        "query": chosen["query"],
    }


def short_name(text: str) -> str:
    """A short name made of a title; "" where it has no Latin letters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return name.removeprefix("the-")[:40].strip("-")


def _option(option: Option, words: Translator) -> dict[str, Any]:
    return {
        "url": option.url,
        "kind": option.kind.value,
        "api_url": option.api_url,
        "query": option.query,
        "why": reason_sentence(option.why, words),
        "posts": len(option.feed.posts),
        "titles": [post.title[:160] for post in option.feed.posts[:_TITLES]],
    }


def _sections(found: Found, best: Option) -> list[tuple[str, int]]:
    """The site's sections, the fullest first: as its interface tells them, else as its stories stand in."""
    told = [(term.name, term.posts) for term in found.categories]
    if not told:
        told = list(Counter(name for post in best.feed.posts for name in post.categories).items())
    return sorted(told, key=lambda each: (-each[1], each[0]))[:_SECTIONS]


def _days(best: Option, *, now: dt.datetime) -> int:
    """How far back the first edition reaches: a day, or as far as there are some stories; at most a month."""
    dates = [post.published_at for post in best.feed.posts if post.published_at]
    for days in _BACKLOGS:
        if sum(now - date <= dt.timedelta(days=days) for date in dates) >= _FULL:
            return days
    return _BACKLOGS[-1]
