"""The page behind the question whether somebody still wants a list: GET asks, POST keeps.

As for the sign-off page, the token in the address is the whole permission.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from digest import clock
from digest.lists.links import sign_off_url
from digest.lists.permission_mail import KeepLink, find_keep, keep
from digest.rendering.pages import KeepLatePage, KeepPage, KeptPage
from digest.tokens import TokenError
from digest.web.answers import link_not_valid, page_answer
from digest.web.deps import Services, Shared
from digest.web.forms import read_form

router = APIRouter()


@router.api_route("/k/{token}", methods=["GET", "HEAD"])
def show_keep(token: str, request: Request, services: Shared) -> HTMLResponse:
    """Ask, by one button. Mail scanners open this address too: it changes nothing."""
    try:
        with services.database.read() as session:
            link = find_keep(session, services.keys.signer, token)
    except TokenError:
        return link_not_valid(request, services)
    if link is None:
        return link_not_valid(request, services)
    if link.is_ended or link.is_answered:
        return _done(link, services)
    leave = sign_off_url("", services.keys.signer, list_id=link.list_id, subscriber_id=link.subscriber_id)
    page = KeepPage(list_title=link.list_title, action_url=f"/k/{token}", sign_off_url=leave)
    return page_answer(page, link.language, templates=services.settings.templates)


# What the form holds does not matter; reading it keeps its size within the limit.
@router.post("/k/{token}", dependencies=[Depends(read_form)])
async def keep_it(token: str, request: Request, services: Shared) -> HTMLResponse:
    """Note the answer; again, the page is the same."""
    try:
        link = await services.in_turn(_keep, services, token)
    except TokenError:
        return link_not_valid(request, services)
    return link_not_valid(request, services) if link is None else _done(link, services)


def _keep(services: Services, token: str) -> KeepLink | None:
    signer = services.keys.signer
    with services.database.read() as session:  # whoever has answered does not queue behind a writer
        link = find_keep(session, signer, token)
    if link is None or link.is_ended or link.is_answered:
        return link
    with services.database.write() as session:
        return keep(session, signer, token, now=clock.utc_now())


def _done(link: KeepLink, services: Services) -> HTMLResponse:
    page: KeptPage | KeepLatePage = KeptPage(link.list_title)
    if link.is_ended:
        page = KeepLatePage(link.list_title, f"/s/{link.list_name}" if link.is_list_open else "")
    return page_answer(page, link.language, templates=services.settings.templates)
