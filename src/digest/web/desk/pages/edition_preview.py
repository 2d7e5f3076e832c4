"""The mail itself, in a frame in which nothing runs and from which nothing leads."""

from __future__ import annotations

from html import escape
from typing import Final

from starlette.responses import HTMLResponse, Response

from digest.accounts.rights import May
from digest.editions.one_mail import OneMail, one_mail
from digest.errors import DigestError, StateError
from digest.rendering.contexts import TextSize
from digest.rendering.previews import View, as_seen, in_scheme
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

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
_NOTE: Final = (
    '<!DOCTYPE html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" '
    'content="width=device-width"><title>{title}</title><style>body{{font:17px/1.55 {font};margin:0;'
    "padding:1.5rem;color:{ink};background:{paper};overflow-wrap:anywhere}}pre{{font:15px/1.5 ui-monospace,"
    "Menlo,Consolas,monospace;white-space:pre-wrap;margin:0}}</style>{body}</html>"
)


@desk.get("/editions/{edition}/preview", may=May.SEE_EDITION)
def show_preview(visit: Here, edition: int) -> Response:
    """One mail as somebody reads it: by `view`, `size`, `scheme`, `pictures`, `name`, `version`."""
    asked = visit.request.query_params
    is_dark = asked.get("scheme") == "dark"
    size = TextSize.LARGE if asked.get("size") == "large" else TextSize.NORMAL
    version = asked.get("version", "")
    try:
        mail = one_mail(
            visit.database,
            edition,
            size=size,
            name=asked.get("name", "")[:100],
            public_url=visit.settings.public_url,
            templates=visit.settings.templates,
            now=visit.now,
            version=int(version) if version.isascii() and version.isdecimal() and len(version) < 6 else None,
        )
    except (StateError, DigestError) as error:
        return preview_answer(preview_note(visit, f"<p>{escape(str(error))}</p>", is_dark=is_dark))
    if asked.get("view") == "text":
        return preview_answer(preview_note(visit, f"<pre>{escape(mail.text)}</pre>", is_dark=is_dark))
    return preview_answer(mail_as_seen(mail, is_dark=is_dark, has_pictures=asked.get("pictures") != "no"))


def mail_as_seen(mail: OneMail, *, is_dark: bool, has_pictures: bool) -> str:
    """The mail as a program shows it."""
    view = View("desk", 600, is_dark=is_dark, has_pictures=has_pictures)
    return in_scheme(as_seen(mail.html, view), is_dark=is_dark)


def preview_note(visit: Visit, body: str, *, is_dark: bool) -> str:
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


def preview_answer(html: str) -> Response:
    """What stands in the frame."""
    return HTMLResponse(html.encode("utf-8", "replace"), 200, _HEADERS)
