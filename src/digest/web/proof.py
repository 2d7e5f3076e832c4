"""The page behind a proof's buttons: GET asks, POST decides. The token is one person's, of one version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from digest import clock
from digest.deliveries.proof import Act, Proof, Standing, act, find_proof
from digest.editions.differences import difference_sentence
from digest.editions.proof_facts import proof_facts
from digest.editions.proof_links import proof_url, revision_and_account
from digest.editions.reasons import state_name
from digest.editions.show import digest_of
from digest.errors import StateError
from digest.i18n import Translator, for_editors
from digest.rendering.proof_pages import ProofPage, render_proof_page
from digest.tokens import TokenError
from digest.web.answers import link_not_valid
from digest.web.deps import Services, Shared
from digest.web.forms import read_form

router = APIRouter()


@router.api_route("/proof/{token}", methods=["GET", "HEAD"])
def show_proof(token: str, request: Request, services: Shared) -> HTMLResponse:
    """Ask once more. Mail scanners open this address too: it changes nothing."""
    try:
        ids = revision_and_account(services.keys.signer, token)
    except TokenError:
        return link_not_valid(request, services)
    with services.database.read() as session:
        found = find_proof(session, *ids, now=clock.utc_now())
        if found is None:
            return link_not_valid(request, services)
        language, page = _page(session, services, found, token, wish=_act(request.query_params.get("do")))
    return HTMLResponse(render_proof_page(page, language, templates=services.settings.templates))


@router.post("/proof/{token}")
async def decide(
    token: str, request: Request, services: Shared, form: Annotated[Mapping[str, str], Depends(read_form)]
) -> HTMLResponse:
    """Approve, hold or stop; the page then says how it stands. Without a button nothing is done."""
    try:
        ids = revision_and_account(services.keys.signer, token)
    except TokenError:
        return link_not_valid(request, services)
    done = await services.in_turn(_decide, services, token, ids, _act(form.get("act")))
    if done is None:
        return link_not_valid(request, services)
    language, page = done
    return HTMLResponse(render_proof_page(page, language, templates=services.settings.templates))


def _decide(
    services: Services, token: str, ids: tuple[int, int], what: Act | None
) -> tuple[str, ProofPage] | None:
    now = clock.utc_now()
    problem: StateError | None = None
    with services.database.write() as session:
        found = find_proof(session, *ids, now=now)
        if found is None:
            return None
        if what is not None:
            try:
                act(session, found, what, now=now)
            except StateError as error:  # the checks stop it, say; nothing was changed
                problem = error
        again = find_proof(session, *ids, now=now)
        if again is None:
            return None
        is_done = (
            what is not None and problem is None and found.standing in (Standing.OPEN, Standing.APPROVED)
        )
        return _page(session, services, again, token, done=what if is_done else None, problem=problem)


def _page(
    session: Session,
    services: Services,
    found: Proof,
    token: str,
    *,
    wish: Act | None = None,
    done: Act | None = None,
    problem: StateError | None = None,
) -> tuple[str, ProofPage]:
    edition = found.edition
    language = for_editors(digest_of(session, edition).language)
    words = Translator(language)
    newer_url = ""
    if found.newer is not None:
        newer_url = proof_url(
            "", services.keys.signer, revision_id=found.newer.id, account_id=found.account.id
        )
    page = ProofPage(
        facts=proof_facts(session, edition, found.revision, words),
        standing=found.standing.value,
        state=edition.state.value,
        state_name=state_name(edition.state, words),
        action_url=f"/proof/{token}",
        wish=(wish or Act.APPROVE).value,
        done=done.value if done is not None else "",
        approved_by=found.approved_by,
        newer_url=newer_url,
        changes=tuple(difference_sentence(one, words) for one in found.changes),
        problem=words.error(problem) if problem is not None else "",
    )
    return language, page


def _act(text: str | None) -> Act | None:
    return Act(text) if text in set(Act) else None
