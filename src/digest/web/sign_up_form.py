"""Which form an address is of, and its pages: the empty one, the one with a fault, and the thanks.

What is the same for everybody is kept for a second: when a paper appeals on television, a hundred people a
second read the same form and the same thanks. A list that is closed says so a second later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from digest import clock
from digest.lists.form import FormList, open_lists, sisters
from digest.rendering.pages import render_page
from digest.rendering.sign_up import SignedUpPage, SignUpPage, SisterLink, language_name
from digest.web.answers import page_answer
from digest.web.deps import Services
from digest.web.sign_up_fields import Fields, shown


@dataclass(frozen=True, slots=True)
class Form:
    """A form by its address: of one list, or of several that are ticked, even if one alone is open now."""

    lists: tuple[FormList, ...]
    is_several: bool

    @property
    def language(self) -> str:
        return self.lists[0].language

    def action_url(self, public_url: str = "") -> str:
        """Where it posts to."""
        if not self.is_several:
            return f"{public_url}/s/{self.lists[0].name}"
        return f"{public_url}/s?{urlencode([('list', each.name) for each in self.lists])}"

    def names(self, origin: str) -> bool:
        """Whether each list has named this site."""
        return bool(origin) and all(origin in each.origins for each in self.lists)


async def find_form(services: Services, names: Sequence[str], *, is_several: bool = False) -> Form:
    """The form of those lists that are open; HTTPException 404 if none is."""
    key = "\n".join(names)
    lists = services.forms.find(key, now=clock.monotonic())
    if lists is None:
        lists = await run_in_threadpool(_read, services, names)
        services.forms.put(key, lists, now=clock.monotonic())
    return Form(lists, is_several)


def _read(services: Services, names: Sequence[str]) -> tuple[FormList, ...]:
    with services.database.look() as session:
        found = open_lists(session, names)
    if not found:
        raise HTTPException(404)
    return found


async def empty_page(services: Services, names: Sequence[str], *, is_several: bool = False) -> HTMLResponse:
    """The form as whoever comes first sees it; HTTPException 404 if no list is open."""
    form = await find_form(services, names, is_several=is_several)
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
    links: tuple[SisterLink, ...] = ()
    if not form.is_several:
        with services.database.read() as session:
            links = tuple(
                SisterLink(f"/s/{each.list_name}", each.language, language_name(each.language))
                for each in sisters(session, form.lists[0].id)
            )
    page = SignUpPage(
        paper=form.lists[0].paper,
        action_url=form.action_url(),
        lists=shown(fields, form.lists, is_several=form.is_several, now=clock.utc_now()),
        is_several=form.is_several,
        language=form.language,
        sisters=links,
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
