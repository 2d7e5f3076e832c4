"""What was found at an address: the sources that could be added, with what they would bring."""

from __future__ import annotations

from dataclasses import dataclass, field

from digest.feeds.discover import FoundBy, LanguageVersion
from digest.feeds.rest_site import Term
from digest.feeds.types import ParsedFeed
from digest.models import SourceKind
from digest.sources.find_words import Why


@dataclass(frozen=True, slots=True)
class Option:
    """One source that could be added, with what it would bring; `feed` is what stands in it now.

    `url`, `kind`, `api_url` and `query` are what a Source is made of.
    """

    url: str
    kind: SourceKind
    found_by: FoundBy
    why: Why
    feed: ParsedFeed
    language: str | None = None
    api_url: str | None = None
    query: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What is at an address: the options, the best first, or a fault.

    `fault` is a code of FetchCode or FindCode.
    `categories` and `tags` are those of a WordPress site that has its interface open.
    """

    address: str
    options: tuple[Option, ...] = ()
    languages: tuple[LanguageVersion, ...] = ()
    language_parameter: str | None = None
    categories: tuple[Term, ...] = ()
    tags: tuple[Term, ...] = ()
    fault: str | None = None
    detail: str = ""

    @property
    def best(self) -> Option | None:
        return self.options[0] if self.options else None
