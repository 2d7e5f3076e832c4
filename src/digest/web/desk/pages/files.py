"""What the desk's pages load: style sheets, scripts, icons."""

from __future__ import annotations

import gzip

from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.accounts.rights import May
from digest.web.desk import files
from digest.web.desk.table import desk
from digest.web.desk.visit import Here

_A_YEAR = "public, max-age=31536000, immutable"


@desk.get("/files/{mark}/{name:path}", may=May.LOAD)
def show_file(visit: Here, mark: str, name: str) -> Response:
    """A file; its address says which bytes it has, so whoever has it never asks again."""
    found = files.find(name)
    if found is None or found.mark != mark:
        raise HTTPException(404)
    headers = {"Cache-Control": _A_YEAR, "Vary": "Accept-Encoding"}
    if "gzip" in visit.request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.compressed, media_type=found.media_type, headers=headers)
    return Response(gzip.decompress(found.compressed), media_type=found.media_type, headers=headers)
