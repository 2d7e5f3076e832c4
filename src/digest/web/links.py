"""Counted links: to the story by way of our domain, the same for everybody who has the mail.

302 and not 301 or 308: those are kept by browsers, which would then neither be counted nor follow a link that
was led elsewhere. 303 and 307 say what to do with a POST, and there is none here. Nothing may keep it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from digest import clock
from digest.rendering.links import CODE, PATH
from digest.web.deps import Shared, network_of

router = APIRouter()

_AS_IT_IS: Final = (
    "%/:=&?~#+!$,;'@()*[]"  # what an address may hold; all else is escaped, line ends above all
)


@router.api_route(f"{PATH}{{code}}", methods=["GET", "HEAD"])
async def follow_link(code: str, request: Request, services: Shared) -> Response:
    """On to the story. The visit is counted in memory and written later; nothing else changes by it."""
    code = code.lower()
    target = await services.links.target(code) if CODE.fullmatch(code) else None
    if target is None:
        raise HTTPException(404)
    services.counts.note(
        code,
        method=request.method,
        headers=request.headers,
        network=network_of(request),
        now=clock.utc_now(),
    )
    return Response(
        status_code=302,
        headers={
            "Location": quote(target, safe=_AS_IT_IS),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow",
        },
    )
