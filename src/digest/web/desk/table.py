"""The one table of the desk's routes: what each answers to, and who may.

    @desk.get("/editions/{edition}", may=May.SEE_EDITION)
    def show(visit: Here, edition: int) -> Response: ...

There is no way to a route but through here, and none without a guard. A path names the thing that the guard
is of by its word (`{edition}`): what is not the visitor's, or is not there, is 404 before the page begins.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.responses import Response

from digest.accounts.rights import Guard

ROOT: Final = "/desk"
FORM_BYTES: Final = 256 * 1024
SAFE: Final = frozenset({"GET", "HEAD"})

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A route: `path` from the root on, its guard, and how large a body it takes.

    `is_stream` is of one whose answer does not end by itself, `in_frame` of one that a page of ours frames.
    """

    method: str
    path: str
    may: Guard
    name: str
    most_bytes: int = FORM_BYTES
    has_files: bool = False
    is_stream: bool = False
    in_frame: bool = False

    @property
    def changes(self) -> bool:
        """Whether it may change anything: then the visitor's token is asked for."""
        return self.method not in SAFE


class DeskRoute(APIRoute):
    """A route that lets nobody in before the guard has looked, and words errors as pages of the desk."""

    entry: Entry

    def get_route_handler(self) -> Handler:
        from digest.web.desk.admit import admitted  # noqa: PLC0415  (which knows this module)

        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await admitted(request, self.entry, inner)

        return handle


class Desk:
    """The routes there are, in the order in which they were written down."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._pages: set[str] = set()  # asked for with each entry of each menu
        self.router = APIRouter(prefix=ROOT, route_class=DeskRoute)

    def get(
        self, path: str, *, may: Guard, is_stream: bool = False, in_frame: bool = False
    ) -> Callable[[Endpoint], Endpoint]:
        """A page. It must change nothing."""
        return self._add("GET", path, may, is_stream=is_stream, in_frame=in_frame)

    def post(
        self,
        path: str,
        *,
        may: Guard,
        most_bytes: int = FORM_BYTES,
        has_files: bool = False,
        in_frame: bool = False,
    ) -> Callable[[Endpoint], Endpoint]:
        """An act. Its form is read, and the visitor's token in it checked, before it begins."""
        return self._add("POST", path, may, most_bytes=most_bytes, has_files=has_files, in_frame=in_frame)

    def _add(self, method: str, path: str, may: Guard, **limits: Any) -> Callable[[Endpoint], Endpoint]:
        if may.of is not None and f"{{{may.of.value}}}" not in path:
            raise ValueError(f"{path} does not name the {may.of.value} that its guard is of")

        def add(endpoint: Endpoint) -> Endpoint:
            name = f"{endpoint.__module__.rpartition('.')[2]}.{endpoint.__name__}"
            entry = Entry(method, path, may, name, **limits)
            self.entries.append(entry)
            if method == "GET":
                self._pages.add(path)
            methods = ["GET", "HEAD"] if method == "GET" else [method]
            self.router.add_api_route(
                path, endpoint, methods=methods, name=name, response_class=HTMLResponse, response_model=None
            )
            route = self.router.routes[-1]
            assert isinstance(route, DeskRoute)
            route.entry = entry
            return endpoint

        return add

    def has(self, path: str) -> bool:
        """Whether there is a page at a path, from the root on."""
        return path in self._pages


desk: Final = Desk()
