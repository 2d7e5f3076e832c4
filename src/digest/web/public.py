"""The sign-off page and RFC 8058's one-click, at one address: GET asks, POST acts.

The token in the address is the whole permission: there is no cookie, so nothing that another site could
borrow, and no form token that a mail service could not know.
"""

from __future__ import annotations

from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from sqlalchemy.orm import Session

from digest import clock
from digest.lists.links import LinkPage, describe_token, end_by_token
from digest.lists.status import Origin
from digest.models import Digest, MailingList, SubscriptionStatus
from digest.rendering.pages import SignedOffPage, SignOffPage
from digest.tokens import Purpose, Signer, TokenError
from digest.web.answers import link_not_valid, page_answer
from digest.web.deps import Services, Shared
from digest.web.forms import read_form

router = APIRouter()

_ROBOTS: Final = "User-agent: *\nDisallow: /u/\nDisallow: /c/\nDisallow: /stop/\nDisallow: /inbox\n"
_ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")


@router.api_route("/robots.txt", methods=["GET", "HEAD"])
def robots() -> PlainTextResponse:
    """What crawlers should leave alone: links in mails change nothing by GET, but they are not for lists."""
    return PlainTextResponse(_ROBOTS, headers={"Cache-Control": "public, max-age=86400"})


@router.api_route("/u/{token}", methods=["GET", "HEAD"])
def show_sign_off(token: str, request: Request, services: Shared) -> HTMLResponse:
    """Ask, by one button. Mail scanners open this address: it changes nothing, however often."""
    try:
        with services.database.read() as session:
            link = _find(session, services.keys.signer, token)
    except TokenError:
        return link_not_valid(request, services)
    if link is None:
        return link_not_valid(request, services)
    if link.status is SubscriptionStatus.ENDED:
        return _signed_off(link, services)
    page = SignOffPage(list_title=link.list_title, address="", action_url=f"/u/{token}")
    return page_answer(page, link.language, templates=services.settings.templates)


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
        link = await services.in_turn(_end, services, token, origin)
    except TokenError:
        return link_not_valid(request, services)
    if one_click:
        return PlainTextResponse("Unsubscribed.\n")
    return _signed_off(link, services) if link else link_not_valid(request, services)


def _end(services: Services, token: str, origin: Origin) -> LinkPage | None:
    """End the subscription; whoever has left already does not queue behind a writer."""
    signer = services.keys.signer
    with services.database.read() as session:
        link = _find(session, signer, token)
    if link is not None and link.status is not SubscriptionStatus.ENDED:
        with services.database.write() as session:
            end_by_token(session, signer, token, source=origin, now=clock.utc_now())
    return link


def _find(session: Session, signer: Signer, token: str) -> LinkPage | None:
    """What a link is about. A subscription that is gone counts as ended; None if its list is gone too.

    Raises TokenError for a link that is not ours.
    """
    found = describe_token(session, signer, token)
    if found is not None:
        return found
    claim = signer.check(token, Purpose.UNSUBSCRIBE)
    row = session.execute(
        sa.select(MailingList.title, Digest.title.label("digest_title"), Digest.language)
        .join(Digest, Digest.id == MailingList.digest_id)
        .where(MailingList.id == claim.list_id)
    ).first()
    return LinkPage(row.title, row.digest_title, row.language, SubscriptionStatus.ENDED) if row else None


def _signed_off(link: LinkPage, services: Services) -> HTMLResponse:
    return page_answer(SignedOffPage(link.list_title), link.language, templates=services.settings.templates)
