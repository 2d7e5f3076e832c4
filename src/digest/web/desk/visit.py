"""One request at the desk: who is there, what they sent, and the answers that pages give.

A page gets a Visit and returns what `page`, `go` or `fault` make. It never touches cookies or headers.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from starlette.responses import RedirectResponse, Response

from digest import clock
from digest.accounts.me import Me
from digest.accounts.opaque import new_token
from digest.accounts.sign_in import Where
from digest.config import Settings
from digest.db import Database
from digest.errors import DigestError
from digest.i18n import LANGUAGES, Translator, for_editors, translator
from digest.models import Cadence
from digest.web.answers import preferred_language
from digest.web.deps import Services, network_of
from digest.web.desk import cookies, frame
from digest.web.desk.forms import Form

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    # To others no address of the desk is told; our own forms must say where they come from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "HX-Request, Cookie",
}


@dataclass(slots=True)
class Visit:
    """A request that was let in. `me` is None only behind a guard that lets anybody ask."""

    request: Request
    services: Services
    token: str
    me_or_none: Me | None = None
    session_id: int | None = None
    form: Form = field(default_factory=Form)
    now: dt.datetime = field(default_factory=clock.utc_now)
    is_half: bool = False  # the password was right, the code is waited for
    in_frame: bool = False  # the answer stands in a frame of one of our pages
    _said: list[tuple[str, str]] = field(default_factory=list)
    _new_token: str | None = None
    _zone: str = ""

    @property
    def me(self) -> Me:
        """Whoever is signed in. Only behind a guard that asks for a role."""
        assert self.me_or_none is not None
        return self.me_or_none

    @property
    def actor(self) -> str:
        """Whoever does this, for the trail."""
        return self.me.actor

    @property
    def settings(self) -> Settings:
        return self.services.settings

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def is_https(self) -> bool:
        return self.settings.public_url.startswith("https:")

    @property
    def is_htmx(self) -> bool:
        """Whether a part of a page is asked for, by htmx, and not the page."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def is_answer(self) -> bool:
        """Whether something was sent, and not only asked for."""
        return self.request.method == "POST"

    @property
    def language(self) -> str:
        """The person's language; of who has chosen none, what the browser asks for."""
        chosen = self.me_or_none.language if self.me_or_none else ""
        return chosen or for_editors(preferred_language(self.request.headers.get("accept-language", "")))

    @property
    def words(self) -> Translator:
        return translator(self.language)

    def told(self, error: DigestError) -> str:
        """What an error says, in the person's language."""
        return self.words.error(error)

    @property
    def zone(self) -> str:
        """The time zone in which the person reads times; of who has chosen none, that of the first digest."""
        if not self._zone:  # asked for with every moment of a page
            chosen = self.me_or_none.zone if self.me_or_none else ""
            self._zone = chosen or house_zone(self.database)
        return self._zone

    def day_of(self, moment: dt.datetime) -> dt.date:
        """The day on which a moment is, in the person's zone."""
        return moment.astimezone(ZoneInfo(self.zone)).date()

    @property
    def where(self) -> Where:
        """Where the request comes from, for limits."""
        agent = self.request.headers.get("user-agent", "")
        return Where(network_of(self.request), agent, self.services.keys.address_key)

    @property
    def present_token(self) -> str:
        """What the browser's cookie holds once it has this answer: its forms are made for that."""
        return self._new_token or self.token

    def say(self, kind: str, words: str) -> None:
        """Have words be shown on this page or, if it leads to another one, on that: `good`, `bad`, `note`."""
        self._said.append((kind, words))

    def switch(self, token: str) -> None:
        """Have the browser keep another token from now on: it has signed in or out."""
        self._new_token = token

    def sign_out(self) -> None:
        """Have the browser keep a token that is nobody's."""
        self.switch(new_token())

    def page(
        self,
        template: str,
        *,
        part: str = "",
        status: int = 200,
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """The page `templates/web/desk/TEMPLATE`; where htmx asks, its block `part` alone, if it is named."""
        from digest.web.desk.render import rendered  # noqa: PLC0415  (which knows this module)

        told = cookies.read_said(self.request, self.token, is_https=self.is_https)
        done = next((path for kind, path in told if kind == cookies.DONE), "")
        said = (*(each for each in told if each[0] != cookies.DONE), *self._said)
        wanted = part if self.is_htmx else ""
        said = tuple(self._said) if wanted else said
        html = rendered(self, template, values, part=wanted, said=said, status=status, done=done)
        answer = HTMLResponse(html, status, {**HEADERS, **(headers or {})})
        if not wanted and cookies.said_cookie(is_https=self.is_https) in self.request.cookies:
            cookies.set_said(answer, self.token, (), is_https=self.is_https)
        return self._finished(answer)

    def go(self, path: str, said: str = "", *, kind: str = "good") -> Response:
        """Lead on to another page, on which `said` is shown. Loading that again does nothing again.

        To the browser it means that what was sent is taken: it lets go of what was typed.
        """
        if said:
            self.say(kind, said)
        answer: Response
        if self.is_htmx:
            answer = Response(status_code=200, headers={**HEADERS, "HX-Redirect": path})
        else:
            answer = RedirectResponse(path, 303, HEADERS)
        said_next = tuple(self._said)
        if self.is_answer and self.me_or_none is not None and not self.is_htmx:
            said_next = ((cookies.DONE, self.request.url.path), *said_next)
        if said_next:
            cookies.set_said(answer, self.present_token, said_next, is_https=self.is_https)
        return self._finished(answer)

    def fault(self, status: int, words: str = "") -> Response:
        """A page that says what went wrong, in words of ours for the status or in those given.

        Where htmx asks, the words alone: they take the place of what it would have put there.
        """
        if self.in_frame:
            return frame.refusal(self, status, words)
        return self.page("error.html", part="alert", status=status, code=status, words=words)

    def url(self, **changes: Any) -> str:
        """This page's address with some of its questions changed; None takes one out."""
        asked: dict[str, Any] = {**self.request.query_params, **changes}
        query = urlencode({name: value for name, value in asked.items() if value not in (None, "")})
        return self.request.url.path + (f"?{query}" if query else "")

    def _finished(self, answer: Response) -> Response:
        token = self.present_token
        name = cookies.token_cookie(is_https=self.is_https)
        if self.request.cookies.get(name) != token:
            cookies.set_token(answer, token, is_https=self.is_https)
        return answer


def visit_of(request: Request) -> Visit:
    """The visit of a request that was let in."""
    found: Visit = request.state.visit
    return found


Here = Annotated[Visit, Depends(visit_of)]


def house_zone(database: Database) -> str:
    """The zone of the first cadence."""
    with database.read() as session:
        return session.scalars(sa.select(Cadence.zone).order_by(Cadence.id).limit(1)).first() or "UTC"


@functools.cache
def other_languages() -> tuple[str, ...]:
    """The languages that the desk speaks."""
    return tuple(LANGUAGES)
