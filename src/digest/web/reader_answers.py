"""What the reader's routes share: pages in a list's language, redirects, and who a token speaks for."""

from __future__ import annotations

from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from digest.lists.stationery import Stationery
from digest.models import Digest, MailingList
from digest.rendering.reader_pages import ReadersPage, render_reader_page
from digest.tokens import Claim, Purpose, Signer
from digest.web.deps import Services


def reader_answer(page: ReadersPage, language: str, services: Services, *, status: int = 200) -> HTMLResponse:
    """A reader's page in a digest's language; one that we do not speak comes in English."""
    html = render_reader_page(page, language, templates=services.settings.templates)
    return HTMLResponse(html, status)


def see_page(signer: Signer, list_id: int, subscriber_id: int, code: str = "", was: str = "") -> str:
    """The address of the reader's page that says what was done; `was` is what an undo needs."""
    token = signer.sign(Claim(Purpose.UNSUBSCRIBE, list_id, subscriber_id))
    query = urlencode({name: value for name, value in (("done", code), ("was", was)) if value})
    return f"/u/{token}/page" + (f"?{query}" if query else "")


def see_other(path: str) -> RedirectResponse:
    """After a POST: the page to look at, which may be loaded anew without doing it again."""
    return RedirectResponse(path, 303)


def title_and_language(session: Session, list_id: int) -> tuple[str, str]:
    """What a page about a list is titled, and its language; a list that is gone is nameless, in English."""
    found = session.execute(
        sa.select(MailingList.title, Digest.language)
        .join(Digest, Digest.id == MailingList.digest_id)
        .where(MailingList.id == list_id)
    ).first()
    return (found.title, found.language) if found else ("", "en")


def stationery_of(services: Services) -> Stationery:
    """What mails to people are made with."""
    found, settings = services.keys, services.settings
    return Stationery(found.signer, found.address_key, settings.public_url, settings.templates)
