"""Our copies of the pictures of stories, as mails and web editions show them.

A copy's name is the fingerprint of its bytes: what is at an address never changes, so that whoever has it
need not ask again. They are files that we made ourselves, of two kinds; nothing that a site sent is served.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from digest import clock
from digest.db import Database
from digest.feeds.stored_pictures import KIND, read_name
from digest.lists import assets
from digest.web.deps import Shared
from digest.web.editions import has_it
from digest.web.memory import StoredPage

router = APIRouter()

_POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
_A_YEAR: Final = "public, max-age=31536000, immutable"


@router.api_route("/p/{name}", methods=["GET", "HEAD"])
async def show_picture(name: str, request: Request, services: Shared) -> Response:
    """A copy; 304 if the reader has it (RFC 9110, 13.1.2)."""
    asked = read_name(name)
    if asked is None:
        raise HTTPException(404)
    fingerprint, media_type = asked
    key = f"p/{name}"  # no edition's id has a slash
    found = services.memory.find(key, now=clock.monotonic())
    if found is None:
        found = await run_in_threadpool(_read, services.database, fingerprint, media_type)
        services.memory.put(key, found, now=clock.monotonic())
    headers = {
        "ETag": found.tag,
        "Cache-Control": _A_YEAR,
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Resource-Policy": "cross-origin",  # mail is read on other sites
    }
    if has_it(request.headers.get("if-none-match", ""), found.tag):
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=media_type, headers=headers)


def _read(database: Database, fingerprint: str, media_type: str) -> StoredPage:
    """The file, whole: it was made for a mail. Raises HTTPException 404 if it is not kept (any longer)."""
    with database.read() as session:
        asset = assets.find(session, kind=KIND, fingerprint=fingerprint)
        if asset is None or asset.media_type != media_type:
            raise HTTPException(404)
        return StoredPage(f'"{fingerprint[:32]}"', b"".join(assets.chunks(session, asset.id)))
