"""The web editions: what everybody may read, and the list of the latest ones.

An edition is public from its slot on. Before that it is locked but not out; cancelled ones are taken back.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from digest import clock
from digest.db import Database
from digest.editions.states import PUBLIC
from digest.models import Cadence, Digest, Edition, Revision
from digest.web.answers import preferred_language
from digest.web.deps import Shared
from digest.web.front import front_page, read_shelves
from digest.web.headers import EDITION_POLICY
from digest.web.memory import StoredPage

router = APIRouter()

_PUBLIC_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


@router.api_route("/", methods=["GET", "HEAD"])
def show_front(request: Request, services: Shared) -> HTMLResponse:
    """The latest editions of every digest."""
    with services.database.read() as session:
        shelves = read_shelves(session, PUBLIC)
    language = preferred_language(request.headers.get("accept-language", ""))
    html = front_page(shelves, language, templates=services.settings.templates)
    return HTMLResponse(html, headers={"Cache-Control": "public, max-age=60", "Vary": "Accept-Language"})


@router.api_route("/e/{public_id}", methods=["GET", "HEAD"])
async def show_edition(public_id: str, request: Request, services: Shared) -> Response:
    """An edition as it was frozen, byte for byte, or as it was put right since.

    Search engines are told to leave it out if its digest's past editions are not listed for everybody. 304 if
    the reader has it (RFC 9110, 13.1.2).
    """
    page = services.memory.find(public_id, now=clock.monotonic())
    if page is None:
        page = await run_in_threadpool(_read, services.database, public_id)
        services.memory.put(public_id, page, now=clock.monotonic())
    headers = {
        "ETag": page.tag,
        "Cache-Control": "public, max-age=60",
        "Content-Security-Policy": EDITION_POLICY,
    }
    if not page.is_listed:
        headers["X-Robots-Tag"] = "noindex"
    if has_it(request.headers.get("if-none-match", ""), page.tag):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(page.body, headers=headers)


def has_it(if_none_match: str, tag: str) -> bool:
    """Whether the header names this entity tag; weak and strong count alike (RFC 9110, 13.1.2)."""
    given = (part.strip().removeprefix("W/") for part in if_none_match[:1000].split(","))
    return any(part in {tag, "*"} for part in given)


def _read(database: Database, public_id: str) -> StoredPage:
    """The present revision of a public edition. Raises HTTPException 404 for any other name."""
    if not _PUBLIC_ID.fullmatch(public_id):
        raise HTTPException(404)
    with database.read() as session:
        found = session.execute(
            sa.select(
                Revision.fingerprint, sa.func.coalesce(Edition.web_html, Revision.web_html).label("html")
            )
            .add_columns(Edition.web_html.is_not(None).label("is_amended"), Digest.has_archive)
            .join(Edition, Edition.revision_id == Revision.id)
            .join(Cadence, Cadence.id == Edition.cadence_id)
            .join(Digest, Digest.id == Cadence.digest_id)
            .where(Edition.public_id == public_id, Edition.state.in_(PUBLIC))
        ).first()
    if found is None:
        raise HTTPException(404)
    body = found.html.encode()
    # What was put right since is another page, though the version is the same.
    tag = hashlib.sha256(body).hexdigest() if found.is_amended else found.fingerprint
    return StoredPage(f'"{tag[:32]}"', body, is_listed=found.has_archive)
