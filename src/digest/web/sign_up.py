"""The public sign-up: a page for each list and one for several, the same as JSON, and the confirmation page.

GET shows, POST acts. There is no cookie, so another site's form can do nothing here that its visitor could
not do on ours; that is why a paper may copy the form. JSON from a browser is answered to named sites only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from digest import clock
from digest.i18n import translator
from digest.lists.confirm import ConfirmLink, confirm_by_token, describe
from digest.lists.sign_up import SignUp, sign_up
from digest.lists.stationery import Stationery
from digest.rendering.pages import ConfirmedPage, ConfirmPage
from digest.tokens import TokenError
from digest.web.answers import link_not_valid, page_answer
from digest.web.deps import Services, Shared, network_of
from digest.web.sign_up_fields import FaultError, Fields, make_wish, read_fields
from digest.web.sign_up_form import done_page, empty_page, filled_page, find_form, find_form_of_several
from digest.web.sign_up_shape import Form

router = APIRouter()

_RETRY_SECONDS: Final = "60"
_CORS_SECONDS: Final = "600"
_ORIGIN_LIMIT: Final = 300
_POST: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


Posted = Annotated[Fields, Depends(read_fields)]
Names = Annotated[list[str], Query(alias="list")]
Post = Annotated[str, Query(alias="p")]


@router.api_route("/s/{name}", methods=["GET", "HEAD"])
async def show_form(name: str, services: Shared) -> HTMLResponse:
    """The form of one list; 404 if there is no such list or it is not open."""
    return await empty_page(await find_form(services, name), services)


@router.api_route("/s", methods=["GET", "HEAD"])
async def show_form_of_several(
    services: Shared,
    names: Names = [],  # noqa: B006 (FastAPI copies)
    language: str = "",
) -> HTMLResponse:
    """One form for several lists, `/s?list=a&list=b`, and with `language=hy` that of their sisters."""
    return await empty_page(await find_form_of_several(services, names, language), services)


@router.post("/s/{name}")
async def post_form(name: str, request: Request, services: Shared, fields: Posted) -> Response:
    """Sign up to one list, by a form or by JSON."""
    form = await find_form(services, name)
    return await _take(form, request, services, fields)


@router.post("/s")
async def post_form_of_several(
    request: Request,
    services: Shared,
    fields: Posted,
    names: Names = [],  # noqa: B006
    language: str = "",
) -> Response:
    """Sign up to several lists: the address names those that the form shows, the fields those ticked."""
    form = await find_form_of_several(services, names or fields.all("list"), language)
    return await _take(form, request, services, fields)


@router.options("/s/{name}")
async def preflight(name: str, request: Request, services: Shared) -> Response:
    """What a browser asks before it posts JSON from another site (Fetch standard, CORS preflight)."""
    return _preflight(request, await find_form(services, name))


@router.options("/s")
async def preflight_of_several(
    request: Request,
    services: Shared,
    names: Names = [],  # noqa: B006
    language: str = "",
) -> Response:
    """The same for several lists: a site must be named by each of them."""
    return _preflight(request, await find_form_of_several(services, names, language))


@router.api_route("/c/{token}", methods=["GET", "HEAD"])
def show_confirm(token: str, request: Request, services: Shared, post: Post = "") -> HTMLResponse:
    """One large button. Mail scanners open this address: it changes nothing, however often."""
    post = _plain(post)
    try:
        with services.database.read() as session:
            link = describe(session, services.keys.signer, token, post=post)
    except TokenError:
        link = None
    if link is None:
        return link_not_valid(request, services)
    if link.is_done:
        return _confirmed(link, services)
    page = ConfirmPage(", ".join(link.titles), "", f"/c/{token}" + (f"?p={post}" if post else ""))
    return page_answer(page, link.language, templates=services.settings.templates)


@router.post("/c/{token}")
async def post_confirm(token: str, request: Request, services: Shared, post: Post = "") -> HTMLResponse:
    """Confirm. Again, it changes nothing and the answer is the same."""
    try:
        link = await services.in_turn(_confirm, services, token, _plain(post), network_of(request))
    except TokenError:
        link = None
    return link_not_valid(request, services) if link is None else _confirmed(link, services)


def _confirm(services: Services, token: str, post: str, network: str) -> ConfirmLink | None:
    now, stationery = clock.utc_now(), _stationery(services)
    with services.database.write() as session:
        return confirm_by_token(session, token, stationery, now=now, post=post, network=network)


def _plain(post: str) -> str:
    """What says which mail a link is of, or ""; then it is the last one."""
    return post if _POST.fullmatch(post) else ""


def _confirmed(link: ConfirmLink, services: Services) -> HTMLResponse:
    page = ConfirmedPage(", ".join(link.titles), link.web_url)
    return page_answer(page, link.language, templates=services.settings.templates)


async def _take(form: Form, request: Request, services: Services, fields: Fields) -> Response:
    """Take a sign-up; the answer is the same for whatever address could be written to."""
    origin = _origin(request)
    is_named = form.names(origin)
    headers = {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if is_named else {})
    if fields.is_json and origin and not is_named and origin != _own_origin(services):
        return JSONResponse({"error": "This site may not sign people up."}, 403, headers)
    network = network_of(request)
    actor = f"form of {origin}"[:120] if is_named else "form"
    try:
        wish = make_wish(
            fields,
            form.lists,
            is_several=form.is_several,
            speaks=form.language,
            network=network,
            actor=actor,
        )
    except FaultError as fault:
        return await _refuse(form, services, fields, Refusal(400, str(fault), headers))
    if not fields.is_trapped:
        stationery = _stationery(services)
        taken = await services.in_turn(sign_up, services.database, wish, stationery, now=clock.utc_now())
        if taken is SignUp.TOO_MANY:
            words = translator(form.language).gettext(
                "Too many people sign up at this moment. Please try again in a few minutes."
            )
            later = headers | {"Retry-After": _RETRY_SECONDS}
            return await _refuse(form, services, fields, Refusal(429, words, later))
    if fields.is_json:
        return JSONResponse({"state": "look_into_your_mailbox"}, 200, headers)
    wanted = {each.list_id for each in wish.lists}
    return done_page(services, form, tuple(each.title for each in form.lists if each.id in wanted), headers)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a sign-up is not taken: nothing that depends on who has signed up before."""

    status: int
    sentence: str
    headers: dict[str, str]


async def _refuse(form: Form, services: Services, fields: Fields, refusal: Refusal) -> Response:
    if fields.is_json:
        return JSONResponse({"error": refusal.sentence}, refusal.status, refusal.headers)
    return await run_in_threadpool(
        filled_page,
        form,
        services,
        fields=fields,
        fault=refusal.sentence,
        status=refusal.status,
        headers=refusal.headers,
    )


def _preflight(request: Request, form: Form) -> Response:
    origin = _origin(request)
    headers = {"Vary": "Origin"}
    if form.names(origin):
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": _CORS_SECONDS,
        }
    return Response(status_code=204, headers=headers)


def _origin(request: Request) -> str:
    return request.headers.get("origin", "")[:_ORIGIN_LIMIT]


def _own_origin(services: Services) -> str:
    parts = urlsplit(services.settings.public_url)
    return f"{parts.scheme}://{parts.netloc}"


def _stationery(services: Services) -> Stationery:
    settings = services.settings
    return Stationery(
        services.keys.signer, services.keys.address_key, settings.public_url, settings.templates
    )
