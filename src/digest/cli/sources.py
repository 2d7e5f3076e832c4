"""`digest source` and `digest collect`."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common, source_find, source_health, source_keep, source_lists
from digest.cli.common import JsonOption
from digest.errors import DigestError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.db import Database
    from digest.feeds.types import ParsedFeed, ParsedPost
    from digest.models import Source
    from digest.net.http import Fetcher
    from digest.sources.collect import Collected
    from digest.sources.queries import SourceOverview

app = common.group("The sites that posts are collected from.")
collect_app = typer.Typer(add_completion=False, rich_markup_mode=None)

_SHOWN_POSTS = 30
Reference = Annotated[str, typer.Argument(metavar="SOURCE", help="The source's id or address.")]


source_find.register(app)
source_lists.register(app)
source_keep.register(app)


@app.command("check", epilog="Example: digest source check https://courier.example/feed/")
def check(
    url: Annotated[str, typer.Argument(help="The address of a feed, or of a page that names one.")],
    as_json: bool = JsonOption,
) -> None:
    """Show what would be collected from an address. Changes nothing and needs no database."""
    from digest.feeds.oddities import odd_sentence  # noqa: PLC0415
    from digest.i18n import translator  # noqa: PLC0415

    address, feed = _previewed(url)
    odd = [odd_sentence(one, translator("en")) for one in feed.oddities]
    if as_json:
        common.print_json(dataclasses.asdict(feed) | {"oddities": odd})
        return
    if address != url:
        common.say(f"Found at {address}")
    common.print_fields({"title": feed.title or None, "language": feed.language, "posts": len(feed.posts)})
    for sentence in odd:
        common.say(f"odd: {sentence}")
    rows = [_post_row(post) for post in feed.posts[:_SHOWN_POSTS]]
    columns = ("published", "title", "author", "sections", "body")
    common.print_table(columns, rows, empty="The feed holds no posts now.")
    if len(feed.posts) > _SHOWN_POSTS:
        common.say(f"... and {len(feed.posts) - _SHOWN_POSTS} more.")


@app.command("list", epilog="Example: digest source list")
def list_all(as_json: bool = JsonOption) -> None:
    """Show all sources and how they do."""
    from digest.cli.messages import source_health  # noqa: PLC0415
    from digest.i18n import translator  # noqa: PLC0415
    from digest.sources.queries import all_sources  # noqa: PLC0415

    with common.read() as session:
        found = all_sources(session)
    if as_json:
        common.print_json([_as_dict(one) for one in found])
        return
    words, now = translator("en"), common.now()
    rows = [
        (
            one.source.id,
            one.source.title or one.source.url,
            ", ".join(one.digests) or None,
            f"{one.news} of {one.posts}",
            source_health(one.source, words, now=now),
        )
        for one in found
    ]
    columns = ("id", "source", "digests", "news", "health")
    common.print_table(columns, rows, empty="There is no source yet; add one with `digest source add`.")


@app.command("show", epilog="Example: digest source show 1")
def show(source: Reference, as_json: bool = JsonOption) -> None:
    """Show a source and its newest posts."""
    from digest.cli.messages import source_health  # noqa: PLC0415
    from digest.i18n import translator  # noqa: PLC0415
    from digest.sources.catalogue import get_source  # noqa: PLC0415
    from digest.sources.queries import newest_posts, one_source  # noqa: PLC0415

    with common.read() as session:
        found = one_source(session, get_source(session, source))
        posts = newest_posts(session, found.source.id)
    if as_json:
        listed = [
            {"title": post.title, "url": post.url, "published_at": post.published_at, "is_news": is_news}
            for post, is_news in posts
        ]
        common.print_json(_as_dict(found) | {"newest": listed})
        return
    common.print_fields(
        {
            "id": found.source.id,
            "address": found.source.url,
            "title": found.source.title or None,
            "language": found.source.language,
            "kind": found.source.kind,
            "digests": ", ".join(found.digests) or None,
            "posts": f"{found.posts}, {found.news} of them news",
            "news since": common.shown(found.source.news_since),
            "health": source_health(found.source, translator("en"), now=common.now()),
            "next fetch": common.shown(found.source.read_next_at),
        }
    )
    if found.source.fault_code == "challenge":
        common.say(
            f"For the site's host: {source_find.host_request(found.source.fault_detail, found.source.url)}"
        )
    rows = [
        (common.shown(post.published_at), post.title, "yes" if is_news else "no") for post, is_news in posts
    ]
    common.print_table(("published", "title", "news"), rows, empty="No posts yet.")


app.command("health", epilog="Example: digest source health 1")(source_health.health)


@collect_app.command(epilog="Example: digest collect 1")
def collect(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="Ids or addresses; without any, those that are due."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All sources, due or not.")] = False,
    as_json: bool = JsonOption,
) -> None:
    """Collect now, in this process, and say what came of each source. Exit code 1 if one failed."""
    from digest.cli.messages import collected  # noqa: PLC0415
    from digest.i18n import translator  # noqa: PLC0415

    with common.open_database() as database, source_find.fetcher() as fetcher:
        with database.read() as session:
            wanted = _wanted(session, sources or [], every=every)
        done = [_collect_one(database, fetcher, source_id) for source_id in wanted]
    words = translator("en")
    if as_json:
        common.print_json([{"source": source.id, "url": source.url, **_result(r)} for source, r in done])
    else:
        rows = [(source.id, source.title or source.url, collected(r, source, words)) for source, r in done]
        common.print_table(
            ("id", "source", "result"), rows, empty="No source is due; name one, or say --all."
        )
    failed = sum(1 for _, result in done if result.fault)
    if failed:
        raise DigestError(f"{failed} of {len(done)} sources could not be collected; they are tried again.")


def _wanted(session: Session, references: list[str], *, every: bool) -> list[int]:
    from digest.sources.catalogue import get_source  # noqa: PLC0415
    from digest.sources.queries import all_sources, due_sources  # noqa: PLC0415

    if references:
        return [get_source(session, reference).id for reference in dict.fromkeys(references)]
    if every:
        return [one.source.id for one in all_sources(session) if not one.source.rests]
    return [source.id for source in due_sources(session, now=common.now())]


def _collect_one(database: Database, fetcher: Fetcher, source_id: int) -> tuple[Source, Collected]:
    from digest.models import Source as Row  # noqa: PLC0415
    from digest.sources.collect import collect as collect_source  # noqa: PLC0415

    interval = dt.timedelta(seconds=common.settings().collect_interval_seconds)
    result = collect_source(database, source_id, fetcher, interval=interval, now=common.now())
    with database.read() as session:
        return session.get_one(Row, source_id), result


def _previewed(url: str) -> tuple[str, ParsedFeed]:
    """What an address gives, and where: the feed there, else the best that its page leads to."""
    from digest.feeds.types import ParseCode, ParseError  # noqa: PLC0415
    from digest.net.http import FetchError  # noqa: PLC0415
    from digest.sources.collect import preview  # noqa: PLC0415

    try:
        with source_find.fetcher() as client:
            return url, preview(url, client)
    except (FetchError, ParseError) as error:
        if error.code is not ParseCode.NOT_A_FEED:
            raise source_find.fault_of(url, error.code, error.detail) from None
    best = source_find.found_at(url).options[0]
    return best.url, best.feed


def _post_row(post: ParsedPost) -> tuple[object, ...]:
    body = f"{len(post.body_html) / 1000:.1f} kB" if post.body_html else "excerpt" if post.excerpt else None
    return (
        common.shown(post.published_at),
        post.title,
        post.author or None,
        ", ".join(post.categories) or None,
        body,
    )


def _result(result: Collected) -> dict[str, Any]:
    return {"new": result.new, "changed": result.changed, "known": result.known, "fault": result.fault}


def _as_dict(one: SourceOverview) -> dict[str, Any]:
    from digest.feeds.oddities import kept_sentences  # noqa: PLC0415
    from digest.i18n import translator  # noqa: PLC0415

    source = one.source
    return {
        "id": source.id,
        "url": source.url,
        "kind": source.kind,
        "api_url": source.api_url,
        "query": source.query,
        "title": source.title,
        "language": source.language,
        "digests": list(one.digests),
        "posts": one.posts,
        "news": one.news,
        "news_since": source.news_since,
        "last_fetch_at": source.last_fetch_at,
        "last_good_at": source.last_good_at,
        "next_fetch_at": source.read_next_at,
        "rests": source.rests,
        "is_away": source.is_away,
        "fault": source.fault_code,
        "fault_detail": source.fault_detail,
        "faults_in_a_row": source.faults_in_a_row,
        "oddities": kept_sentences(source.oddities, translator("en")),
    }
