"""The application: routes, the files that pages need, and what is answered when something goes wrong."""

from __future__ import annotations

import functools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from digest.config import Settings
from digest.logs import get_logger
from digest.web import (
    archive,
    editions,
    favicon,
    health,
    inbox,
    keep,
    links,
    look,
    pictures,
    proof,
    public,
    reader,
    reader_fresh,
    sign_up,
    stop,
)
from digest.web.answers import error_answer
from digest.web.deps import Services
from digest.web.desk.table import ROOT
from digest.web.desk.wiring import desk_router
from digest.web.headers import SafeAnswers

log = get_logger(__name__)

_STATIC: Final = Path(__file__).parent / "static"
_RETRY_SECONDS: Final = "30"


def create_app(settings: Settings, *, services: Services | None = None) -> FastAPI:
    """The web application. It opens its own services when it starts, unless they are handed in.

    Its start raises ConfigError, SchemaError or UnreachableError as `Services.open` does.
    """
    app = FastAPI(
        title="Digest",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(settings, services),
        routes=_routes(settings),
    )
    app.mount("/static", LastingFiles(directory=_STATIC), name="static")
    app.add_exception_handler(HTTPException, functools.partial(_http_error, settings))
    app.add_exception_handler(RequestValidationError, functools.partial(_bad_request, settings))
    app.add_middleware(SafeAnswers, on_error=functools.partial(_unforeseen, settings))
    return app


def _routes(settings: Settings) -> list[BaseRoute]:
    """In the order in which addresses are tried: those that thousands ask for at once come first.

    They are handed over as they are: a router that is included has each of its routes made once more for
    each application, which takes 0.7 ms a route when somebody first asks.
    """
    first = (health, links, sign_up, editions, pictures, look)
    modules = (*first, archive, public, reader, reader_fresh, stop, proof, keep, favicon)
    routers = [module.router for module in modules]
    if settings.catcher_dir is not None:
        routers.append(inbox.router)
    return [route for router in (*routers, desk_router()) for route in router.routes]


class LastingFiles(StaticFiles):
    """Files that browsers may keep for a day; after that they ask by entity tag."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """The file or 304, to be kept."""
        answer = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        answer.headers["Cache-Control"] = "public, max-age=86400"
        return answer


def _lifespan(
    settings: Settings, given: Services | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = given or Services.open(settings)
        app.state.services = services
        yield
        services.counts.close()
        if given is None:
            services.close()

    return lifespan


def _http_error(settings: Settings, request: Request, error: Exception) -> HTMLResponse:
    assert isinstance(error, HTTPException)
    return error_answer(
        error.status_code,
        request.headers.get("accept-language", ""),
        templates=settings.templates,
        leads_to_desk=f"{request.url.path}/".startswith(f"{ROOT}/"),
        headers=dict(error.headers or {}),
    )


def _bad_request(settings: Settings, request: Request, _error: Exception) -> HTMLResponse:
    return error_answer(400, request.headers.get("accept-language", ""), templates=settings.templates)


async def _unforeseen(settings: Settings, scope: Scope, error: Exception) -> ASGIApp:
    """Log the error once, with the route but never the address: it may hold a token."""
    reference = secrets.token_hex(4)
    where = getattr(scope.get("route"), "path", "?")
    is_busy = isinstance(error, (sa.exc.OperationalError, sa.exc.TimeoutError))
    log.error(
        "web: the database failed" if is_busy else "web: an error",
        route=where,
        method=scope["method"],
        reference=reference,
        exc_info=error,
    )
    accept = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
    return error_answer(
        503 if is_busy else 500,
        accept,
        templates=settings.templates,
        reference=reference,
        headers={"Retry-After": _RETRY_SECONDS} if is_busy else None,
    )
