"""Pages as answers: in which language, with which status."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from digest.i18n import LANGUAGES, matched
from digest.rendering.pages import ErrorPage, LinkNotValidPage, Page, render_page
from digest.web.deps import Services

_HEADER_LIMIT: Final = 200  # characters of Accept-Language that are looked at


def page_answer(
    page: Page,
    language: str,
    *,
    templates: Path | None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """A page in a digest's language; one that we do not speak comes in English."""
    return HTMLResponse(render_page(page, language, templates=templates), status, headers)


def link_not_valid(request: Request, services: Services) -> HTMLResponse:
    """The same answer for a link that is cut, changed, foreign or of an unknown key: it tells nothing."""
    language = preferred_language(request.headers.get("accept-language", ""))
    return page_answer(LinkNotValidPage(), language, templates=services.settings.templates, status=404)


def error_answer(
    status: int,
    accept_language: str,
    *,
    templates: Path | None,
    reference: str = "",
    leads_to_desk: bool = False,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """What went wrong, in words; in the language that the browser asks for."""
    return page_answer(
        ErrorPage(status, reference, leads_to_desk),
        preferred_language(accept_language),
        templates=templates,
        status=status,
        headers=headers,
    )


def preferred_language(accept_language: str) -> str:
    """The first language of ours in an Accept-Language header (RFC 9110, 12.5.4); its order counts."""
    for part in accept_language[:_HEADER_LIMIT].split(","):
        tag, _, weight = part.partition(";")
        language = matched(tag)
        if language is not None and weight.replace(" ", "") not in {"q=0", "q=0.0"}:
            return language
    return LANGUAGES[0]
