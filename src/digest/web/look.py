"""The style sheets of themes: each is made of its own name, so that nothing is looked up for a page."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from digest.rendering.web_theme import style_sheet

router = APIRouter()

_A_YEAR: Final = "public, max-age=31536000, immutable"


@router.api_route("/look/{name}", methods=["GET", "HEAD"])
async def show_look(name: str) -> Response:
    """The style sheet that a name says."""
    sheet = style_sheet(name)
    if sheet is None:
        raise HTTPException(404)
    return Response(sheet, media_type="text/css", headers={"Cache-Control": _A_YEAR})
