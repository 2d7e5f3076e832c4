"""The sign-off page and RFC 8058's one-click, at one address: GET asks, POST acts.

The token in the address is the whole permission: there is no cookie, so nothing that another site could
borrow, and no form token that a mail service could not know.
"""

from __future__ import annotations

from typing import Annotated, Final

import anyio.to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from sqlalchemy.orm import Session

from digest import clock
from digest.addresses import masked
from digest.lists.goodbye import ask_goodbye
from digest.lists.links import end_by_token, subscription_of_token
from digest.lists.status import RUNNING, Origin
from digest.models import SubscriptionStatus
from digest.rendering.pages import SignedOffPage, SignOffPage
from digest.tokens import Purpose, Signer, TokenError
from digest.web.answers import link_not_valid, page_answer
from digest.web.deps import Services, Shared, network_of
from digest.web.forms import read_form
from digest.web.reader_answers import reader_answer, stationery_of, title_and_language
from digest.web.reader_view import Reader, left_page, reader_of, weekly_of

router = APIRouter()

_ROBOTS: Final = "User-agent: *\n" + "".join(
    f"Disallow: {path}\n" for path in ("/u/", "/c/", "/undo/", "/f/", "/k/", "/stop/", "/proof/", "/inbox")
)
_ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")


@router.api_route("/robots.txt", methods=["GET", "HEAD"])
def robots(services: Shared) -> PlainTextResponse:
    """What crawlers should leave alone: links in mails change nothing by GET, but they are not for lists."""
    rules = f"{_ROBOTS}\nSitemap: {services.settings.public_url}/sitemap.xml\n"
    return PlainTextResponse(rules, headers={"Cache-Control": "public, max-age=86400"})


@router.api_route("/u/{token}", methods=["GET", "HEAD"])
def show_sign_off(token: str, request: Request, services: Shared) -> HTMLResponse:
    """Ask, by one large button. Mail scanners open this address: it changes nothing, however often."""
    try:
        with services.database.read() as session:
            reader = _reader(session, services.keys.signer, token)
            if reader is not None and reader.subscription.status is not SubscriptionStatus.ENDED:
                page = _asking(session, reader, token)
                return page_answer(page, reader.language, templates=services.settings.templates)
        return _left(services, token, request)
    except TokenError:
        return link_not_valid(request, services)


async def is_one_click(request: Request) -> bool:
    """Whether a mail service posts for its user (RFC 8058, 3.2), not our own page's button."""
    form = await read_form(request)
    return form.get(_ONE_CLICK[0]) == _ONE_CLICK[1]


@router.post("/u/{token}")
async def sign_off(
    token: str, request: Request, services: Shared, *, one_click: Annotated[bool, Depends(is_one_click)]
) -> Response:
    """Sign off. Again, or for a subscription that is over or gone, the answer is the same 200.

    RFC 8058, 3.1: no redirect, cookie or login; the mail service looks at the status alone. A body that is
    neither its field nor our form's still comes with the token, so it is obeyed too.
    """
    origin = Origin.ONE_CLICK if one_click else Origin.PREFERENCES
    try:
        await services.in_turn(_end, services, token, origin, network_of(request))
        if one_click:
            return PlainTextResponse("Unsubscribed.\n")
        return await anyio.to_thread.run_sync(_left, services, token, request)
    except TokenError:
        return link_not_valid(request, services)


def _end(services: Services, token: str, origin: Origin, network: str) -> None:
    """End the subscription; whoever has left already does not queue behind a writer."""
    signer = services.keys.signer
    with services.database.read() as session:
        found = subscription_of_token(session, signer, token, purpose=Purpose.UNSUBSCRIBE)
        if found is None or found.status is SubscriptionStatus.ENDED:
            return
    now = clock.utc_now()
    with services.database.write() as session:
        ended = end_by_token(session, signer, token, source=origin, now=now, network=network)
        # To a mail service's button nothing is answered by mail (`goodbye`), and quickly.
        if ended is not None and origin is not Origin.ONE_CLICK:
            ask_goodbye(session, ended, stationery_of(services), now=now)


def _reader(session: Session, signer: Signer, token: str) -> Reader | None:
    found = subscription_of_token(session, signer, token, purpose=Purpose.UNSUBSCRIBE)
    return reader_of(session, found) if found else None


def _asking(session: Session, reader: Reader, token: str) -> SignOffPage:
    """The button, with a gentler choice beside it for whose subscription runs."""
    status = reader.subscription.status
    is_chosen = status in RUNNING
    return SignOffPage(
        list_title=reader.mailing_list.title,
        address=masked(reader.person.address or ""),
        action_url=f"/u/{token}",
        reader_url=f"/u/{token}/page" if is_chosen else "",
        weekly_id=weekly_of(session, reader, clock.utc_now()) if is_chosen else None,
        can_pause=status is SubscriptionStatus.ACTIVE,
    )


def _left(services: Services, token: str, request: Request) -> HTMLResponse:
    """What whoever has left sees. A subscription that is gone, or erased, counts as ended by them."""
    signer = services.keys.signer
    with services.database.read() as session:
        reader = _reader(session, signer, token)
        if reader is not None and reader.person.erased_at is None:
            url = f"/u/{token}/page"
            page = left_page(session, services, reader, url, done=None, now=clock.utc_now())
            return reader_answer(page, reader.language, services)
        title, language = title_and_language(session, signer.check(token, Purpose.UNSUBSCRIBE).list_id)
    if not title:
        return link_not_valid(request, services)
    return page_answer(SignedOffPage(title), language, templates=services.settings.templates)
