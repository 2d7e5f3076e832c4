"""The headers of every answer, and the last net for errors: a plain ASGI layer around the application.

No answer sets a cookie. What a page may load or run is said by its content security policy (CSP level 3):
our pages have no script or style of their own in them, so nothing inline is ever allowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# The pictures of an edition are the paper's own, on whatever host; its one script shows relative times.
EDITION_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src * data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A caught mail came from anywhere: no scripts, no forms, no origin of its own. Its links may open windows.
MAIL_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src * data:; "
    "style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'"
)
_DEFAULTS: Final = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    # The address of a sign-off page holds a token: no page that it links to may learn it.
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

OnError = Callable[[Scope, Exception], Awaitable[ASGIApp]]


class SafeAnswers:
    """Adds the headers that an answer does not set itself, and answers for errors that nobody foresaw.

    `on_error` logs the error and makes the answer. Once an answer has begun it cannot be taken back: then
    the error goes on to the server, which cuts the connection.
    """

    def __init__(self, app: ASGIApp, on_error: OnError) -> None:
        self._app = app
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_safely(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _DEFAULTS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except ClientDisconnect:
            return  # whoever asked has gone: there is nobody to answer
        except Exception as error:
            answer = await self._on_error(scope, error)
            if has_begun:
                raise
            await answer(scope, receive, send_safely)
