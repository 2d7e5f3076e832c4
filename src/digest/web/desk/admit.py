"""Letting a request in, before its page begins: who it is, whether it is ours, whether they may.

In this order: a change must come from a page of ours (CSRF), somebody must be signed in, have the role, and
the thing must be theirs. What is not theirs is answered as what is not there.
"""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest import clock
from digest.accounts.me import Me
from digest.accounts.opaque import new_token
from digest.accounts.rights import Guard, May
from digest.accounts.sessions import Found, find_session, touch
from digest.accounts.visible import allows, may_see
from digest.db import Database
from digest.errors import InputError, NotFoundError, StateError
from digest.logs import get_logger
from digest.web.deps import Services
from digest.web.desk import cookies
from digest.web.desk.forms import read_form
from digest.web.desk.table import Entry, Handler
from digest.web.desk.visit import HEADERS, Visit

log = get_logger(__name__)

TOKEN_FIELD = "form_token"  # noqa: S105 (a field's name)
TOKEN_HEADER = "x-form-token"  # noqa: S105


async def admitted(request: Request, entry: Entry, inner: Handler) -> Response:
    """The answer of a route to a request that may ask; else the page that says why not."""
    services: Services = request.app.state.services
    is_https = services.settings.public_url.startswith("https:")
    token = request.cookies.get(cookies.token_cookie(is_https=is_https), "")
    visit = Visit(request, services, token or new_token(), in_frame=entry.in_frame)
    if b"%2f" in request.scope.get("raw_path", b"").lower():
        return visit.fault(404)  # a slash that some proxy took for a letter
    if entry.changes and not is_ours(request, services.settings.public_url):
        return visit.fault(403)
    thing = _thing(request, entry.may)
    if token and entry.may is not May.LOAD:
        found, sees = await run_in_threadpool(_look, services.database, token, entry.may, thing, visit.now)
        _know(visit, found)
        if found is not None and found.wants_touch:
            await services.in_turn(_touch, services.database, found.id)
    else:
        sees = False
    refusal = await _refusal(visit, entry, sees=sees)
    if refusal is not None:
        visit.form.close()
        return refusal
    request.state.visit = visit
    return await _worded(request, visit, inner)


def is_ours(request: Request, public_url: str) -> bool:
    """Whether a change comes from a page of ours, as the browser says; it must say so in one of two ways."""
    site = request.headers.get("sec-fetch-site", "")
    if site:
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    here = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return origin in {here, _origin(public_url)}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _refusal(visit: Visit, entry: Entry, *, sees: bool) -> Response | None:
    if entry.may.least is not None and visit.me_or_none is None:
        return _to_sign_in(visit)
    if not allows(visit.me_or_none, entry.may):
        return visit.fault(403)
    if entry.may.of is not None and not sees:
        return visit.fault(404)
    if not entry.changes:
        return None
    try:
        visit.form = await read_form(visit.request, most_bytes=entry.most_bytes, has_files=entry.has_files)
    except HTTPException as error:
        return visit.fault(error.status_code)
    given = visit.request.headers.get(TOKEN_HEADER) or visit.form.text(TOKEN_FIELD)
    return None if cookies.is_form_token(visit.token, given) else visit.fault(403)


def _to_sign_in(visit: Visit) -> Response:
    """Ask who it is, and lead back: only to a page, never into a change."""
    if visit.in_frame:
        return visit.fault(401)
    request = visit.request
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(asked, safe='')}" if request.method in {"GET", "HEAD"} and not visit.is_htmx else ""
    path = "/desk/sign-in-code" if visit.is_half else f"/desk/sign-in{back}"
    if visit.is_htmx:
        return Response(status_code=401, headers={**HEADERS, "HX-Redirect": path})
    return RedirectResponse(path, 303, HEADERS)


def _know(visit: Visit, found: Found | None) -> None:
    if found is None:
        return
    visit.session_id = found.id
    if found.is_whole:
        visit.me_or_none = found.me
    else:
        visit.is_half = True


def _thing(request: Request, guard: Guard) -> int:
    """The id in the path that the guard is of; 0, which nothing has, for what is no number."""
    text = str(request.path_params.get(guard.of.value, "")) if guard.of is not None else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _look(
    database: Database, token: str, guard: Guard, thing: int, now: dt.datetime
) -> tuple[Found | None, bool]:
    """The session, and whether the thing is the person's: two statements."""
    with database.read() as session:
        found = find_session(session, token, now=now)
        sees = found is not None and found.is_whole and _sees(session, found.me, guard, thing)
        return found, sees


def _sees(session: Session, me: Me, guard: Guard, thing: int) -> bool:
    return guard.of is not None and allows(me, guard) and may_see(session, me, guard.of, thing)


def _touch(database: Database, session_id: int) -> None:
    with database.write() as session:
        touch(session, session_id, now=clock.utc_now())


async def _worded(request: Request, visit: Visit, inner: Handler) -> Response:
    """The page's answer; errors that are meant become pages with their sentence."""
    try:
        return await inner(request)
    except HTTPException as error:
        return visit.fault(error.status_code)
    except RequestValidationError:
        return visit.fault(400)
    except NotFoundError:
        return visit.fault(404)
    except InputError as error:
        return visit.fault(422, visit.told(error))
    except StateError as error:
        return visit.fault(409, visit.told(error))
    finally:
        visit.form.close()
