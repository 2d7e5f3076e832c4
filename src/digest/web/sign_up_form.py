"""Which form an address is of, and its pages: the empty one, the one with a fault, and the thanks.

What is the same for everybody is kept for a second: when a paper appeals on television, a hundred people a
second read the same form and the same thanks. A list that is closed says so a second later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from digest import clock
from digest.lists.form import sisters
from digest.rendering.pages import render_page
from digest.rendering.sign_up import SignedUpPage, SignUpPage, SisterLink, language_name
from digest.web.answers import page_answer
from digest.web.deps import Services
from digest.web.sign_up_fields import Fields, shown
from digest.web.sign_up_shape import Form, form_of_one, form_of_several


async def find_form(services: Services, name: str) -> Form:
    """The form of one list; HTTPException 404 if it is not open."""
    return await _kept(services, name, lambda session: form_of_one(session, name))


async def find_form_of_several(services: Services, names: Sequence[str], language: str) -> Form:
    """The form of those lists that are open, in a language that it has; HTTPException 404 if none is."""
    key = "\n".join(("", language, *names))
    return await _kept(services, key, lambda session: form_of_several(session, names, language))


async def _kept(services: Services, key: str, make: Callable[[Session], Form | None]) -> Form:
    form = services.forms.find(key, now=clock.monotonic())
    if form is None:
        form = await run_in_threadpool(_read, services, make)
        if form is None:
            raise HTTPException(404)
        services.forms.put(key, form, now=clock.monotonic())
    return form


def _read(services: Services, make: Callable[[Session], Form | None]) -> Form | None:
    with services.database.look() as session:
        return make(session)


async def empty_page(form: Form, services: Services) -> HTMLResponse:
    """The form as whoever comes first sees it."""
    key = f"form {form.action_url()}"
    page = services.pages.find(key, now=clock.monotonic())
    if page is None:
        made = await run_in_threadpool(filled_page, form, services)
        page = bytes(made.body)
        services.pages.put(key, page, now=clock.monotonic())
    return HTMLResponse(page)


def filled_page(
    form: Form,
    services: Services,
    *,
    fields: Fields | None = None,
    fault: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """The form with what was filled in, and what must be mended."""
    fields = fields or Fields()
    if form.is_several:
        urls = [(form.action_url(each), each) for each in form.others]
    else:
        with services.database.read() as session:
            found = sisters(session, form.lists[0].id)
        urls = [(f"/s/{each.list_name}", each.language) for each in found]
    page = SignUpPage(
        paper=form.lists[0].paper,
        action_url=form.action_url(),
        lists=shown(fields, form.lists, is_several=form.is_several, now=clock.utc_now()),
        is_several=form.is_several,
        language=form.language,
        sisters=tuple(SisterLink(url, each, language_name(each)) for url, each in urls),
        address=fields.one("address")[:254],
        name=fields.one("name")[:200],
        fault=fault,
    )
    templates = services.settings.templates
    return page_answer(page, form.language, templates=templates, status=status, headers=headers)


def done_page(
    services: Services, form: Form, titles: tuple[str, ...], headers: dict[str, str]
) -> HTMLResponse:
    """Says to look into the mailbox. To be called from the event loop."""
    key = "\n".join(("done", form.language, *titles))
    page = services.pages.find(key, now=clock.monotonic())
    if page is None:
        html = render_page(SignedUpPage(titles), form.language, templates=services.settings.templates)
        page = html.encode()
        services.pages.put(key, page, now=clock.monotonic())
    return HTMLResponse(page, headers=headers)
