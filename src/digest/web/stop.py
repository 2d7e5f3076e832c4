"""The stop link of a first copy: GET asks, POST stops the edition. The token is the whole permission."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from digest import clock
from digest.deliveries.stop import Stopped, find_stop, stop, what_stopping_does
from digest.editions.show import digest_of
from digest.editions.stop_links import edition_and_account
from digest.i18n import for_editors
from digest.models import Cadence, Digest, Edition, EditionState, Revision
from digest.rendering.pages import StopPage, StoppedPage
from digest.tokens import TokenError
from digest.web.answers import link_not_valid, page_answer
from digest.web.deps import Services, Shared
from digest.web.forms import read_form

router = APIRouter()


@router.api_route("/stop/{token}", methods=["GET", "HEAD"])
def show_stop(token: str, request: Request, services: Shared) -> HTMLResponse:
    """Ask, by one button. Mail scanners open this address too: it changes nothing."""
    try:
        edition_id, account_id = edition_and_account(services.keys.signer, token)
    except TokenError:
        return link_not_valid(request, services)
    with services.database.read() as session:
        found = find_stop(session, edition_id, account_id)
        if found is None:
            return link_not_valid(request, services)
        edition, _ = found
        digest, subject = digest_of(session, edition), _subject(session, edition)
        zone = session.get_one(Cadence, edition.cadence_id).zone
    does = what_stopping_does(edition)
    if does in (Stopped.ALREADY, Stopped.OVER):
        return _stopped(services, digest, subject, does, edition.state)
    page = StopPage(
        digest_title=digest.title,
        subject=subject,
        is_begun=does is Stopped.PAUSED,
        goes_out_at=edition.send_at,
        zone=zone,
        action_url=f"/stop/{token}",
    )
    return page_answer(page, for_editors(digest.language), templates=services.settings.templates)


# What the form holds does not matter; reading it keeps its size within the limit.
@router.post("/stop/{token}", dependencies=[Depends(read_form)])
async def stop_edition(token: str, request: Request, services: Shared) -> HTMLResponse:
    """Stop the edition; again, the answer is the same."""
    try:
        edition_id, account_id = edition_and_account(services.keys.signer, token)
    except TokenError:
        return link_not_valid(request, services)
    done = await services.in_turn(_stop, services, edition_id, account_id)
    return link_not_valid(request, services) if done is None else _stopped(services, *done)


def _stop(
    services: Services, edition_id: int, account_id: int
) -> tuple[Digest, str, Stopped, EditionState] | None:
    with services.database.write() as session:
        found = find_stop(session, edition_id, account_id)
        if found is None:
            return None
        edition, account = found
        done = stop(session, edition, account, now=clock.utc_now())
        return digest_of(session, edition), _subject(session, edition), done, edition.state


def _subject(session: Session, edition: Edition) -> str:
    revision = session.get(Revision, edition.revision_id) if edition.revision_id else None
    return revision.subject if revision is not None else ""


def _stopped(
    services: Services, digest: Digest, subject: str, done: Stopped, state: EditionState
) -> HTMLResponse:
    is_begun = state is EditionState.PAUSED
    page = StoppedPage(digest.title, subject, is_begun=is_begun, is_over=done is Stopped.OVER)
    return page_answer(page, for_editors(digest.language), templates=services.settings.templates)
