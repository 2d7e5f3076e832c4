"""Reading a posted form with limits, before anything else looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

BODY_LIMIT: Final = 4096  # bytes
BODY_SECONDS: Final = 10.0
_FIELDS_LIMIT: Final = 20


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form, urlencoded or multipart, each once; empty for a body that is no form.

    Raises HTTPException: 413 for more than 4 kB, 408 for a body that does not come within ten seconds.
    """
    return await read_fields(request, most=_FIELDS_LIMIT)


async def read_fields(request: Request, *, most: int) -> Mapping[str, str]:
    """As `read_form`, of a form that has up to `most` fields."""
    body = await read_body(request)
    try:
        return dict(await read_pairs(request, body, most=most))
    except HTTPException:
        return {}


async def read_pairs(request: Request, body: bytes, *, most: int) -> list[tuple[str, str]]:
    """The fields of a form in their order, some perhaps more than once.

    Raises HTTPException, 400, for more than `most` fields and for a form that is broken.
    """

    async def replay() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    form = await Request(request.scope, replay).form(max_files=0, max_fields=most)
    return [(name, writable(value)) for name, value in form.multi_items() if isinstance(value, str)]


def writable(text: str) -> str:
    """A text that pages and databases take: a sign of its own in place of NUL and of halves of signs."""
    joined = text.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass")
    return joined.decode("utf-16-le", "replace")


async def read_body(request: Request, *, limit: int = BODY_LIMIT) -> bytes:
    """The body as bytes, at most so many; otherwise within the limits of `read_form`."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:10]) > limit:
        raise HTTPException(413)
    body = bytearray()
    try:
        with anyio.fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    return bytes(body)
