"""The mail catcher's inbox, for trying Digest out; there only if a catcher's folder is set.

Everything shown here came by mail from anywhere. The message itself is shown in a frame without rights, by
an address of its own whose policy allows no script, no form and no origin.
"""

from __future__ import annotations

import heapq
import itertools
import re
from pathlib import Path
from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from digest.errors import NotFoundError
from digest.i18n import for_editors
from digest.mail.mailbox import MailView, list_messages, read_message
from digest.models import Cadence
from digest.rendering.pages import InboxMessage, InboxPage, MessagePage, MessageView
from digest.web.answers import page_answer, preferred_language
from digest.web.deps import Services, Shared
from digest.web.headers import MAIL_POLICY

router = APIRouter(prefix="/inbox")

PAGE_SIZE: Final = 50
_HEAD: Final = re.compile(r"<head(?:\s[^>]{0,500})?>", re.IGNORECASE)
_NEW_WINDOWS: Final = '<base target="_blank">'


@router.api_route("", methods=["GET", "HEAD"])
def show_inbox(
    request: Request, services: Shared, before: Annotated[str, Query(max_length=64)] = ""
) -> HTMLResponse:
    """The caught mails, newest first; `before` is the last name of the page before."""
    found = heapq.nlargest(
        PAGE_SIZE + 1,
        itertools.chain.from_iterable(
            list_messages(folder, limit=PAGE_SIZE + 1, before=before) for folder in folders(services)
        ),
        key=lambda summary: summary.name,
    )
    shown = found[:PAGE_SIZE]
    page = InboxPage(
        messages=tuple(
            InboxMessage(
                to=summary.recipient,
                subject=summary.subject,
                received_at=summary.received_at,
                url=f"/inbox/{summary.name}",
            )
            for summary in shown
        ),
        zone=_zone(services),
        older_url=f"/inbox?before={shown[-1].name}" if len(found) > PAGE_SIZE else "",
    )
    # While there is nothing to read, there is nobody whom a reload would disturb.
    headers = {} if shown else {"Refresh": "2"}
    return page_answer(page, _language(request), templates=services.settings.templates, headers=headers)


@router.api_route("/{name}", methods=["GET", "HEAD"])
def show_message(
    name: str, request: Request, services: Shared, view: MessageView | None = None
) -> HTMLResponse:
    """One mail: as it looks, as text, or its source."""
    _, mail = _mail(services, name)
    chosen = view or (MessageView.HTML if mail.html else MessageView.TEXT)
    page = MessagePage(
        subject=mail.subject,
        sender=mail.sender,
        to=mail.to or mail.recipient,
        received_at=mail.received_at,
        zone=_zone(services),
        view=chosen,
        page_url=f"/inbox/{name}",
        frame_url=f"/inbox/{name}/html",
        inbox_url="/inbox",
        text={MessageView.TEXT: mail.text, MessageView.SOURCE: mail.source}.get(chosen, ""),
    )
    return page_answer(page, _language(request), templates=services.settings.templates)


@router.api_route("/{name}/html", methods=["GET", "HEAD"])
def show_html(name: str, services: Shared) -> HTMLResponse:
    """The HTML part as it came, but that its links open new windows: the frame is too small for a page."""
    _, mail = _mail(services, name)
    html = links_in_new_windows(mail.html).encode("utf-8", "replace").decode("utf-8")
    return HTMLResponse(html, headers={"Content-Security-Policy": MAIL_POLICY})


@router.api_route("/{name}/source", methods=["GET", "HEAD"])
def show_source(name: str, services: Shared) -> PlainTextResponse:
    """The message as text, cut to the mailbox's limit."""
    _, mail = _mail(services, name)
    source = mail.source.encode("utf-8", "replace").decode("utf-8")
    return PlainTextResponse(source, headers={"Content-Security-Policy": MAIL_POLICY})


@router.api_route("/{name}/raw", methods=["GET", "HEAD"])
def download(name: str, services: Shared) -> Response:
    """The file byte for byte, to be opened in a mail program."""
    folder, mail = _mail(services, name)
    try:
        data = (folder / mail.name).read_bytes()
    except OSError:
        raise HTTPException(404) from None
    headers = {"Content-Disposition": f'attachment; filename="{mail.name}"'}
    return Response(data, media_type="message/rfc822", headers=headers)


def folders(services: Services) -> tuple[Path, ...]:
    """Where the catcher keeps mails: readers' mail and notices, in folders of their own."""
    root = services.settings.catcher_dir
    return (root / "inbox", root / "notices") if root else ()


def links_in_new_windows(html: str) -> str:
    """The page with a default target for its links, in its head or, where it has none, before all else."""
    head = _HEAD.search(html)
    at = head.end() if head else 0
    return html[:at] + _NEW_WINDOWS + html[at:]


def _mail(services: Services, name: str) -> tuple[Path, MailView]:
    """A mail and the folder it lies in; a name that is not one of a list is 404, whatever it says."""
    for folder in folders(services):
        try:
            return folder, read_message(folder, name)
        except NotFoundError:
            continue
    raise HTTPException(404)


def _zone(services: Services) -> str:
    """The zone to show times in: that of the first cadence."""
    with services.database.read() as session:
        return session.scalars(sa.select(Cadence.zone).order_by(Cadence.id).limit(1)).first() or "UTC"


def _language(request: Request) -> str:
    return for_editors(preferred_language(request.headers.get("accept-language", "")))
