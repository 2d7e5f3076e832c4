"""The archive: a digest's past editions by month, as feeds, and in the sitemap.

What is asked for is the same for everybody, so it is answered from the short memory, with an entity tag. A
digest that has no archive is as unknown here as one that is not there: both get the same page, in the
browser's language, for the pages of editions that were locked before it was closed still lead here.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from digest import clock
from digest.lists.fields import is_short_name
from digest.rendering.archive import render_archive
from digest.rendering.pages import NoArchivePage
from digest.web import archive_pages as pages
from digest.web.answers import page_answer, preferred_language
from digest.web.archive_feeds import json_feed, rss, sitemap
from digest.web.archive_rows import Archive, archive_named
from digest.web.deps import Services, Shared
from digest.web.editions import has_it
from digest.web.memory import StoredPage

router = APIRouter()

_MONTH: Final = re.compile(r"[12][0-9]{3}-(?:0[1-9]|1[0-2])")
_PUBLIC_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_PAGE_SECONDS: Final = 60
_FEED_SECONDS: Final = 300  # programs ask often: what was put right is seen within five minutes
_HTML: Final = "text/html; charset=utf-8"


@router.api_route("/archive/{digest}", methods=["GET", "HEAD"])
async def show_archive(digest: str, request: Request, services: Shared) -> Response:
    """The latest editions of a digest, and all its months."""

    def make(session: Session, archive: Archive, public_url: str) -> bytes:
        page = pages.archive_page(session, archive, public_url)
        return render_archive(page, archive.language, templates=services.settings.templates).encode()

    return await _answer(digest, "", make, request, services)


@router.api_route("/archive/{digest}/feed.xml", methods=["GET", "HEAD"])
async def show_rss(digest: str, request: Request, services: Shared) -> Response:
    """The latest editions as RSS 2.0."""
    kind = "application/rss+xml; charset=utf-8"
    return await _answer(digest, "feed.xml", _rss, request, services, kind=kind, seconds=_FEED_SECONDS)


@router.api_route("/archive/{digest}/feed.json", methods=["GET", "HEAD"])
async def show_json_feed(digest: str, request: Request, services: Shared) -> Response:
    """The latest editions as JSON Feed 1.1."""
    kind = "application/feed+json"
    return await _answer(digest, "feed.json", _json, request, services, kind=kind, seconds=_FEED_SECONDS)


@router.api_route("/archive/{digest}/{month}", methods=["GET", "HEAD"])
async def show_month(
    digest: str, month: str, request: Request, services: Shared, before: str | None = None
) -> Response:
    """The editions of a month (`2026-11`), by pages: `before` is the last one of the page above."""
    if not _MONTH.fullmatch(month) or (before is not None and not _PUBLIC_ID.fullmatch(before)):
        raise HTTPException(404)
    first = dt.date.fromisoformat(f"{month}-01")

    def make(session: Session, archive: Archive, public_url: str) -> bytes | None:
        page = pages.month_page(session, archive, first, public_url, before=before)
        if page is None:
            return None
        return render_archive(page, archive.language, templates=services.settings.templates).encode()

    return await _answer(digest, f"{month}?{before or ''}", make, request, services)


@router.api_route("/sitemap.xml", methods=["GET", "HEAD"])
async def show_sitemap(request: Request, services: Shared) -> Response:
    """The archives, their months and the latest editions, for search engines."""

    def make() -> StoredPage:
        with services.database.read() as session:
            return _stored(sitemap(pages.addresses(session, services.settings.public_url)))

    kind = "application/xml; charset=utf-8"
    return await _remembered("a/sitemap.xml", make, request, services, kind=kind, seconds=_FEED_SECONDS)


class _NoArchiveError(HTTPException):
    """There is no archive of this name that is open."""


Make = Callable[[Session, Archive, str], bytes | None]


def _rss(session: Session, archive: Archive, public_url: str) -> bytes:
    return rss(pages.feed(session, archive, public_url))


def _json(session: Session, archive: Archive, public_url: str) -> bytes:
    return json_feed(pages.feed(session, archive, public_url))


async def _answer(
    digest: str,
    rest: str,
    make: Make,
    request: Request,
    services: Services,
    *,
    kind: str = _HTML,
    seconds: int = _PAGE_SECONDS,
) -> Response:
    """What `make` makes of a digest's archive; 404 for a digest without one, and where there is nothing."""
    if not is_short_name(digest):
        raise HTTPException(404)

    def read() -> StoredPage:
        with services.database.read() as session:
            archive = archive_named(session, digest)
            if archive is None:
                raise _NoArchiveError(404)
            body = make(session, archive, services.settings.public_url)
        if body is None:
            raise HTTPException(404)
        return _stored(body)

    try:
        return await _remembered(f"a/{digest}/{rest}", read, request, services, kind=kind, seconds=seconds)
    except _NoArchiveError:
        language = preferred_language(request.headers.get("accept-language", ""))
        templates = services.settings.templates
        return page_answer(NoArchivePage(), language, templates=templates, status=404)


async def _remembered(
    key: str,
    make: Callable[[], StoredPage],
    request: Request,
    services: Services,
    *,
    kind: str,
    seconds: int,
) -> Response:
    page = services.memory.find(key, now=clock.monotonic())
    if page is None:
        page = await run_in_threadpool(make)
        services.memory.put(key, page, now=clock.monotonic())
    headers = {"ETag": page.tag, "Cache-Control": f"public, max-age={seconds}"}
    if has_it(request.headers.get("if-none-match", ""), page.tag):
        return Response(status_code=304, headers=headers)
    return Response(page.body, media_type=kind, headers=headers)


def _stored(body: bytes) -> StoredPage:
    return StoredPage(f'"{hashlib.sha256(body).hexdigest()[:32]}"', body)
