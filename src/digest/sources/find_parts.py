"""The part of a site that a source takes: its language, its sections. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from digest.errors import InputError
from digest.feeds.discover import Discovery, is_main_feed
from digest.feeds.links import with_parameters
from digest.feeds.rest_site import Term
from digest.models import SourceKind
from digest.sources.found import Found, Option

_SHOWN = 12  # names in a sentence that lists them


def query_of(
    option: Option, root: str, discovery: Discovery, *, has_language: bool
) -> dict[str, object] | None:
    """What to ask a WordPress site's interface for so that it tells the stories of this feed; None: unknown.

    An interface asked for everything would bring what the feed leaves out: other sections, other languages.
    """
    query: dict[str, object] = {}
    if discovery.section:
        query[discovery.section[0]] = [discovery.section[1]]
    own = next(
        (version for version in discovery.languages if _is_of(version.language, option.language)), None
    )
    is_language_feed = own is not None and len(discovery.languages) > 1
    if not (discovery.section or is_language_feed or is_main_feed(option.url, root)):
        return None
    parameter = discovery.language_parameter or ("lang" if has_language else None)
    if has_language or len(discovery.languages) > 1:
        code = own.code if own else (option.language or "").partition("-")[0].lower()
        if not parameter or not code:
            return None
        query |= {"lang": code, "lang_parameter": parameter}
    return query


def narrowed(
    found: Found,
    *,
    kind: SourceKind | None = None,
    categories: Sequence[str] = (),
    tags: Sequence[str] = (),
    language: str | None = None,
) -> Option:
    """The best option of a kind, a language, some sections. Raises InputError that says what there is."""
    options = [option for option in found.options if kind in {None, option.kind}]
    if not options:
        raise InputError(
            "The interface of this site is not open, or it is no WordPress: add it as a feed."
            if kind is SourceKind.WORDPRESS
            else "There is no feed here that can be read: add it as a WordPress."
        )
    option = _of_language(found, options, language) if language else options[0]
    ids = {
        "categories": _ids("category", categories, found.categories),
        "tags": _ids("tag", tags, found.tags),
    }
    chosen = {name: numbers for name, numbers in ids.items() if numbers}
    if not chosen:
        return option
    parameters: dict[str, object] = {}
    if "categories" in chosen:
        parameters["cat"] = ",".join(map(str, chosen["categories"]))
    if "tags" in chosen:
        if option.kind is SourceKind.FEED and len(chosen["tags"]) > 1:
            raise InputError(
                "A feed can be asked for one tag only: read it as a WordPress, or name one tag.",
                hint="--kind wordpress does.",
            )
        parameters |= {"tag_id": chosen["tags"][0]} if len(chosen["tags"]) == 1 else {}
    return replace(
        option, url=with_parameters(option.url, parameters.items()), query={**option.query, **chosen}
    )


def _of_language(found: Found, options: list[Option], language: str) -> Option:
    best = options[0]
    version = next((one for one in found.languages if _is_of(one.language, language)), None)
    feed = next((one for one in found.options if _is_of(one.language, language)), None)
    if best.kind is SourceKind.WORDPRESS and found.language_parameter:
        code = version.code if version else language.partition("-")[0].lower()
        parameter = found.language_parameter
        url = feed.url if feed else with_parameters(best.url, [(parameter, code)])
        query = {**best.query, "lang": code, "lang_parameter": parameter}
        return replace(best, url=url, query=query, language=language)
    if feed is not None and feed in options:
        return feed
    known = sorted({one for one in (*(v.language for v in found.languages), *_languages(options)) if one})
    raise InputError(
        f"Nothing in {language[:35]!r} was found here; there is: {', '.join(known) or 'no language named'}."
    )


def _languages(options: list[Option]) -> list[str]:
    return [option.language for option in options if option.language]


def _is_of(one: str | None, other: str | None) -> bool:
    """Whether two language tags are of one language."""
    return (
        bool(one and other)
        and str(one).lower()[:3].partition("-")[0] == str(other).lower()[:3].partition("-")[0]
    )


def _ids(what: str, wanted: Sequence[str], known: Sequence[Term]) -> list[int]:
    """The numbers of sections named by name, short name or number."""
    if wanted and not known:
        raise InputError(
            "Sections can be chosen at a WordPress site with an open interface only; a digest's own rules "
            "choose among the sections of any source."
        )
    found = []
    for name in wanted:
        folded = name.strip().casefold()
        match = next(
            (one for one in known if folded in {one.name.casefold(), one.slug.casefold(), str(one.id)}), None
        )
        if match is None:
            there = ", ".join(one.name for one in known[:_SHOWN])
            raise InputError(
                f"There is no {what} {name[:60]!r} with stories at this site; there is: {there}."
            )
        found.append(match.id)
    return list(dict.fromkeys(found))
