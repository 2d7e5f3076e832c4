"""What stands in a page's frame: a mail as a reader sees it, or words of ours in its place.

Nothing in it runs and nothing leads from it. Only a page of the desk may frame it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, Response

if TYPE_CHECKING:
    from digest.web.desk.visit import Visit

# The mail's own styles stand in it; its pictures come from wherever they lie. Nothing else is loaded.
_POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: http: data:; "
    "font-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Cookie",
}
_NO_SESSION: Final = 401
_NOTE: Final = (
    '<!DOCTYPE html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" '
    'content="width=device-width"><title>{title}</title><style>body{{font:17px/1.55 {font};margin:0;'
    "padding:1.5rem;color:{ink};background:{paper};overflow-wrap:anywhere}}pre{{font:15px/1.5 ui-monospace,"
    "Menlo,Consolas,monospace;white-space:pre-wrap;margin:0}}</style>{body}</html>"
)


def answer(html: str, status: int = 200) -> Response:
    """What stands in the frame."""
    return HTMLResponse(html.encode("utf-8", "replace"), status, _HEADERS)


def note(visit: Visit, body: str, *, is_dark: bool) -> str:
    """Words of ours in the place of the mail."""
    ink, paper = ("#e8e6e1", "#14161a") if is_dark else ("#1d2126", "#ffffff")
    return _NOTE.format(
        language=visit.language,
        title=escape(visit.words.gettext("Preview")),
        font="system-ui,sans-serif",
        ink=ink,
        paper=paper,
        body=body,
    )


def refusal(visit: Visit, status: int, words: str = "") -> Response:
    """Why there is no mail to see; a browser would refuse to frame any other page, and show nothing."""
    said = visit.words.gettext("You are signed in no longer. Load the page again to sign in.")
    if status != _NO_SESSION:
        said = words or visit.words.gettext("The mail cannot be shown at this moment. Load the page again.")
    return answer(note(visit, f"<p>{escape(said)}</p>", is_dark=False), status)
