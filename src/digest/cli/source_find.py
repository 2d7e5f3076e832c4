"""`digest source find` and `digest source add`: from any address of a site to a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import DigestError, InputError

if TYPE_CHECKING:
    from digest.feeds.types import ParsedFeed
    from digest.models import SourceKind
    from digest.net.http import Fetcher
    from digest.sources.found import Found, Option

_SHOWN_TERMS = 20
_FULL_TEXT = 300  # letters of a body that are more than an excerpt

Address = Annotated[str, typer.Argument(help="Any address of the site: its front page, a section, a feed.")]


def register(app: typer.Typer) -> None:
    """Make them commands of the group."""
    app.command("find", epilog="Example: digest source find courier.example")(find_sources)
    app.command("add", epilog="Example: digest source add https://courier.example/ --digest courier")(add)


def find_sources(url: Address, as_json: bool = JsonOption) -> None:
    """Look what could be collected from a site, and which kind of source suits it. Changes nothing.

    The address is tried as a feed, else read as a page; what the page names is looked at, then where sites
    often have a feed. robots.txt is heeded. Needs no database.
    """
    found = found_at(url)
    if as_json:
        common.print_json(_as_dict(found))
        return
    from digest.i18n import translator  # noqa: PLC0415
    from digest.sources.find_words import reason_sentence  # noqa: PLC0415

    rows = [_row(option) for option in found.options]
    columns = ("kind", "address", "posts", "newest", "language", "full text", "pictures")
    common.print_table(columns, rows, empty="")
    best = found.options[0]
    common.say(f"Suggested: {reason_sentence(best.why, translator('en'))}")
    if found.languages:
        common.say(f"Languages: {', '.join(version.language for version in found.languages)}")
    for name, terms in (("Categories", found.categories), ("Tags", found.tags)):
        if terms:
            shown = ", ".join(f"{term.name} ({term.posts})" for term in terms[:_SHOWN_TERMS])
            more = f" and {len(terms) - _SHOWN_TERMS} more" if len(terms) > _SHOWN_TERMS else ""
            common.say(f"{name}: {shown}{more}")
    common.say(f"Add it: `digest source add {found.address} --digest NAME`")


def add(
    url: Address,
    kind: Annotated[
        str | None, typer.Option(help="feed or wordpress; without it, what suits the site best.")
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(
            help="Only a category of a WordPress site: its name, slug or number; may be given again."
        ),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Only a tag of a WordPress site; may be given again.")
    ] = None,
    lang: Annotated[
        str | None, typer.Option(help="The language version that is wanted, as en or hy.")
    ] = None,
    include_backlog: Annotated[
        str,
        typer.Option(help="How old a post that is there already may be and still be news: 36h or 7d."),
    ] = "0h",
    digest: Annotated[str | None, typer.Option(help="A digest that is to draw from it.")] = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Add the address as a feed without looking at it.")
    ] = False,
    as_json: bool = JsonOption,
) -> None:
    """Add a source by any address of its site: the best that is found there, or the kind that you name.

    What its feed holds already is known, but not news, save for the backlog.
    """
    from digest.editions.digests import use_sources  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.net.http import FetchError  # noqa: PLC0415
    from digest.sources.catalogue import add_source, parse_backlog  # noqa: PLC0415

    backlog, wanted = parse_backlog(include_backlog), _kind(kind)
    if digest:
        with common.read() as session:
            digest_named(session, digest)
    if unchecked and (category or tag or lang or wanted):
        raise InputError("With --unchecked nothing is known of the site: leave the other choices out.")
    # The site is asked before the transaction is opened.
    made = {"url": url} if unchecked else _made_of(_chosen(url, wanted, category, tag, lang))
    with common.write() as session:
        owner = digest_named(session, digest) if digest else None
        try:
            source = add_source(session, **made, backlog=backlog, actor=common.actor(), now=common.now())
        except FetchError as error:
            raise InputError(error.detail) from None
        if owner is not None:
            use_sources(session, owner, [source], actor=common.actor(), now=common.now())
        result = {
            "id": source.id,
            "url": source.url,
            "kind": source.kind,
            "api_url": source.api_url,
            "query": source.query,
            "news_since": source.news_since,
            "digest": digest,
        }
    if as_json:
        common.print_json(result)
        return
    if result["url"] != url:
        common.say(f"Found at {result['url']}, kind {result['kind']}.")
    common.say(f"The source {result['id']} is there; `digest collect {result['id']}` collects it at once.")
    if digest is None:
        common.say(f"No digest draws from it yet: `digest digest set NAME --source {result['id']}`.")


def fetcher() -> Fetcher:
    """The guarded client of this process."""
    from digest.net.http import Fetcher, user_agent  # noqa: PLC0415

    settings = common.settings()
    return Fetcher(settings.private_hosts, user_agent(settings.contact))


def found_at(url: str) -> Found:
    """What is at an address; a fault becomes its sentence, and that for the site's host if there is one."""
    from digest.sources.find import find  # noqa: PLC0415

    with fetcher() as client:
        found = find(url, client, agent="Digest")
    if found.fault:
        raise fault_of(url, found.fault, found.detail)
    return found


def fault_of(url: str, code: str, detail: str) -> DigestError:
    """The error for a fault of fetching, reading or finding."""
    from digest.i18n import translator  # noqa: PLC0415
    from digest.net.http import FetchCode  # noqa: PLC0415
    from digest.sources.find_words import find_sentence  # noqa: PLC0415

    family = InputError if code == FetchCode.BAD_ADDRESS else DigestError
    told = find_sentence(code, detail, translator("en"))
    if code == FetchCode.CHALLENGE:
        told = f"{told} Send this: {host_request(detail, url)}"
    return family(told)


def host_request(detail: str, url: str) -> str:
    """What to send to the host of a site whose guard stops us."""
    from digest.i18n import translator  # noqa: PLC0415
    from digest.net.http import user_agent  # noqa: PLC0415
    from digest.sources.challenges import request_to_host  # noqa: PLC0415

    agent = user_agent(common.settings().contact)
    return request_to_host(detail, address=url, agent=agent, words=translator("en"))


def _chosen(
    url: str,
    kind: SourceKind | None,
    categories: list[str] | None,
    tags: list[str] | None,
    language: str | None,
) -> Option:
    from digest.sources.find_parts import narrowed  # noqa: PLC0415

    return narrowed(found_at(url), kind=kind, categories=categories or (), tags=tags or (), language=language)


def _kind(text: str | None) -> SourceKind | None:
    from digest.models import SourceKind  # noqa: PLC0415

    if text is None:
        return None
    try:
        return SourceKind(text.strip().lower())
    except ValueError:
        raise InputError(f"There is no kind {text[:40]!r} of source; there are feed and wordpress.") from None


def _made_of(option: Option) -> dict[str, Any]:
    return {"url": option.url, "kind": option.kind, "api_url": option.api_url, "query": option.query}


def _full_texts(feed: ParsedFeed) -> int:
    return sum(len(post.body_html) > len(post.excerpt) + _FULL_TEXT for post in feed.posts)


def _row(option: Option) -> tuple[object, ...]:
    posts = option.feed.posts
    dates = [post.published_at for post in posts if post.published_at]
    return (
        option.kind,
        option.url,
        len(posts),
        common.shown(max(dates)) if dates else None,
        option.language,
        f"{_full_texts(option.feed)} of {len(posts)}",
        f"{sum(post.picture is not None for post in posts)} of {len(posts)}",
    )


def _as_dict(found: Found) -> dict[str, Any]:
    from digest.feeds.oddities import odd_sentence  # noqa: PLC0415
    from digest.i18n import translator  # noqa: PLC0415

    return {
        "address": found.address,
        "options": [
            _made_of(option)
            | {
                "why": option.why,
                "title": option.feed.title,
                "language": option.language,
                "posts": len(option.feed.posts),
                "newest": max((p.published_at for p in option.feed.posts if p.published_at), default=None),
                "full_texts": _full_texts(option.feed),
                "pictures": sum(post.picture is not None for post in option.feed.posts),
                "oddities": [odd_sentence(odd, translator("en")) for odd in option.feed.oddities],
            }
            for option in found.options
        ],
        "languages": [{"language": one.language, "url": one.url} for one in found.languages],
        "language_parameter": found.language_parameter,
        "categories": list(found.categories),
        "tags": list(found.tags),
    }
