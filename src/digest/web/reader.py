"""The reader's page: how often, pause, stop, and the rest. GET shows; POST acts and leads back to the page.

The token of a mail is the whole permission, and mails are forwarded. So nothing here is more than can be
undone on the same page; what cannot be undone needs a fresh link (`reader_fresh`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from digest import clock
from digest.errors import DigestError
from digest.lists.goodbye import undo_path
from digest.lists.leaving import can_undo, undo_leaving
from digest.lists.limits import BY_READERS_NETWORK, network_bucket, take
from digest.lists.links import held_subscription_of_token, subscription_of_token
from digest.lists.queries import subscription_of
from digest.lists.topics import MOST as TOPICS_MOST
from digest.models import SubscriptionStatus
from digest.rendering.pages import ErrorPage, SignedOffPage
from digest.rendering.reader_pages import UndoPage
from digest.tokens import Claim, Purpose, TokenError
from digest.web.answers import link_not_valid, page_answer
from digest.web.deps import Services, Shared, network_of
from digest.web.forms import read_fields, read_form
from digest.web.reader_acts import NEVER_LIMITED, BadDateError, Outcome, Press, act
from digest.web.reader_answers import reader_answer, see_other, see_page, title_and_language
from digest.web.reader_view import Reader, Told, reader_of, reader_page

router = APIRouter()

_FIELDS_MOST = 2 + TOPICS_MOST  # what is pressed, its value, and a box for each topic
_CODE_LIMIT = 20
_WAS_LIMIT = 19 * TOPICS_MOST  # the topics that were chosen, each with a dash
_TOO_MANY = 429
_RETRY_SECONDS = "30"


async def read_page_form(request: Request) -> Mapping[str, str]:
    """The fields of a form of the reader's page; empty for one that is larger than any of them."""
    return await read_fields(request, most=_FIELDS_MOST)


Form = Annotated[Mapping[str, str], Depends(read_page_form)]


@router.api_route("/u/{token}/page", methods=["GET", "HEAD"])
def show_page(token: str, request: Request, services: Shared) -> HTMLResponse:
    """Show what is chosen. Scanners open this address too: it changes nothing, however often."""
    query = request.query_params
    told = Told(query.get("done", "")[:_CODE_LIMIT], query.get("was", "")[:_WAS_LIMIT])
    try:
        with services.database.read() as session:
            reader = _find(session, services, token)
            if reader is None:
                return link_not_valid(request, services)
            if reader.person.erased_at is not None:
                gone = SignedOffPage(reader.mailing_list.title)
                return page_answer(gone, reader.language, templates=services.settings.templates)
            page = reader_page(session, services, reader, token, told=told, now=clock.utc_now())
            language = reader.language
    except TokenError:
        return link_not_valid(request, services)
    return reader_answer(page, language, services)


@router.post("/u/{token}/page")
async def press_button(token: str, request: Request, services: Shared, form: Form) -> Response:
    """Do what a button says and lead to the page; what cannot be done changes nothing and says so there."""
    network = network_of(request)
    try:
        claim = services.keys.signer.check(token, Purpose.UNSUBSCRIBE)
        if form.get("do") not in NEVER_LIMITED and not await services.in_turn(_take, services, network):
            return await services.in_turn(_wait_a_moment, services, claim)
        path = await services.in_turn(_act, services, token, form, network)
    except TokenError:
        return link_not_valid(request, services)
    return see_other(path) if path else link_not_valid(request, services)


def _take(services: Services, network: str) -> bool:
    """Whether this network may press once more; in a short transaction, for its readers share a row."""
    bucket = network_bucket(services.keys.address_key, network, limit=BY_READERS_NETWORK)
    with services.database.write() as session:
        return take(session, bucket, now=clock.utc_now())


def _wait_a_moment(services: Services, claim: Claim) -> HTMLResponse:
    with services.database.read() as session:
        _, language = title_and_language(session, claim.list_id)
    headers = {"Retry-After": _RETRY_SECONDS}
    templates = services.settings.templates
    return page_answer(ErrorPage(_TOO_MANY), language, templates=templates, status=_TOO_MANY, headers=headers)


def _act(services: Services, token: str, form: Mapping[str, str], network: str) -> str:
    """Where to go next; "" if there is no such person any more."""
    claim = services.keys.signer.check(token, Purpose.UNSUBSCRIBE)
    signer, list_id = services.keys.signer, claim.list_id
    try:
        with services.database.write() as session:
            reader = _held(session, services, token)
            if reader is None or reader.person.erased_at is not None:
                return ""
            done = act(Press(session, services, reader, form, clock.utc_now(), network))
            if done.subscription is not None:
                list_id = done.subscription.list_id
    except BadDateError:
        done = Outcome("bad_date")
    except DigestError:
        done = Outcome("not_possible")
    return see_page(signer, list_id, claim.subscriber_id, done.code, done.was)


@router.api_route("/undo/{token}", methods=["GET", "HEAD"])
def show_undo(token: str, request: Request, services: Shared) -> HTMLResponse:
    """Ask, by one button, whether to take a leaving back."""
    try:
        claim = services.keys.signer.check(token, Purpose.UNDO)
    except TokenError:
        return link_not_valid(request, services)
    with services.database.read() as session:
        found = subscription_of(session, list_id=claim.list_id, subscriber_id=claim.subscriber_id)
        if found is None:
            return link_not_valid(request, services)
        reader, now = reader_of(session, found), clock.utc_now()
        if can_undo(session, found, address_key=services.keys.address_key, now=now):
            page = UndoPage(reader.mailing_list.title, undo_path(services.keys.signer, found))
        else:
            page = _over(reader)
        return reader_answer(page, reader.language, services)


# What the form holds does not matter; reading it keeps its size within the limit.
@router.post("/undo/{token}", dependencies=[Depends(read_form)])
async def undo(token: str, request: Request, services: Shared) -> Response:
    """Take a leaving back; again, or where there is nothing to take back, the page says so."""
    network = network_of(request)
    try:
        claim = services.keys.signer.check(token, Purpose.UNDO)
    except TokenError:
        return link_not_valid(request, services)
    if not await services.in_turn(_take, services, network):
        return await services.in_turn(_wait_a_moment, services, claim)
    return see_other(await services.in_turn(_undo, services, token, network))


def _undo(services: Services, token: str, network: str) -> str:
    signer = services.keys.signer
    claim = signer.check(token, Purpose.UNDO)
    with services.database.write() as session:
        brought = undo_leaving(
            session,
            list_id=claim.list_id,
            subscriber_id=claim.subscriber_id,
            address_key=services.keys.address_key,
            now=clock.utc_now(),
            network=network,
        )
    if not brought:
        return f"/undo/{token}"
    return see_page(signer, claim.list_id, claim.subscriber_id, "undone")


def _over(reader: Reader) -> UndoPage:
    is_running = reader.subscription.status is not SubscriptionStatus.ENDED
    url = "" if is_running or not reader.mailing_list.is_open else f"/s/{reader.mailing_list.name}"
    return UndoPage(reader.mailing_list.title, "", is_over=True, sign_up_url=url)


def _find(session: Session, services: Services, token: str) -> Reader | None:
    """Whose page it is; None if the subscription is gone. Raises TokenError for a link that is not ours."""
    found = subscription_of_token(session, services.keys.signer, token, purpose=Purpose.UNSUBSCRIBE)
    return reader_of(session, found) if found else None


def _held(session: Session, services: Services, token: str) -> Reader | None:
    """The same with the person held, before anything is read of what an act may change."""
    signer = services.keys.signer
    found = held_subscription_of_token(session, signer, token, purpose=Purpose.UNSUBSCRIBE)
    return reader_of(session, found) if found else None
