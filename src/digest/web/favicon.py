"""The small picture beside a page's name: browsers ask for it by this address, whatever page they show."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

router = APIRouter()

_FILE: Final = Path(__file__).parent / "static" / "favicon.ico"
_HEADERS: Final = {
    "Cache-Control": "public, max-age=604800",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}


@router.api_route("/favicon.ico", methods=["GET", "HEAD"])
async def favicon() -> Response:
    """The picture, in two sizes."""
    return Response(_picture(), media_type="image/x-icon", headers=_HEADERS)


@functools.cache
def _picture() -> bytes:
    return _FILE.read_bytes()
