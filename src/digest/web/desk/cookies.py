"""The desk's two cookies: who is there, and what is to be said on the next page.

Neither is readable by scripts or sent from other sites' forms. Before anybody has signed in the first holds a
random text of no meaning: the token of forms is derived from it in the same way.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from digest.accounts.opaque import derived

_SECONDS: Final = 30 * 24 * 3600
_PATH: Final = "/desk"
_SAID_LIMIT: Final = 2000
_SAID_MOST: Final = 4
DONE: Final = (
    "done"  # the kind of what is told to the page's script alone: the path that has taken what was sent
)

Said = tuple[tuple[str, str], ...]  # kind and words


def token_cookie(*, is_https: bool) -> str:
    """The name of the first: with the prefix, browsers refuse one that was not set over HTTPS."""
    return "__Secure-desk" if is_https else "desk"


def said_cookie(*, is_https: bool) -> str:
    """The name of the second."""
    return f"{token_cookie(is_https=is_https)}-said"


def form_token(token: str) -> str:
    """What a form of this browser holds, as a field or a header."""
    return derived(token, "form")


def is_form_token(token: str, given: str) -> bool:
    """Whether a form is one of this browser's."""
    expected = form_token(token).encode()
    return bool(token) and hmac.compare_digest(expected, given[:100].encode("utf-8", "replace"))


def set_token(response: Response, token: str, *, is_https: bool) -> None:
    """Have the browser keep a token."""
    response.set_cookie(
        token_cookie(is_https=is_https),
        token,
        max_age=_SECONDS,
        path=_PATH,
        secure=is_https,
        httponly=True,
        samesite="lax",
    )


def set_said(response: Response, token: str, said: Said, *, is_https: bool) -> None:
    """Have words be shown on the next page; none: forget those that have been shown."""
    name = said_cookie(is_https=is_https)
    if not said:
        response.delete_cookie(name, path=_PATH, secure=is_https, httponly=True, samesite="lax")
        return
    raw = json.dumps([[kind, text[:_SAID_LIMIT]] for kind, text in said[:_SAID_MOST]], ensure_ascii=False)
    body = base64.urlsafe_b64encode(raw.encode()).decode()
    text = f"{body}.{derived(token, 'said ' + body)}"
    response.set_cookie(name, text, max_age=300, path=_PATH, secure=is_https, httponly=True, samesite="lax")


def read_said(request: Request, token: str, *, is_https: bool) -> Said:
    """The words to show; none that were not set for this token."""
    text = request.cookies.get(said_cookie(is_https=is_https), "")
    body, _, mark = text.partition(".")
    if not mark or not hmac.compare_digest(derived(token, "said " + body).encode(), mark.encode()):
        return ()
    try:
        pairs = json.loads(base64.urlsafe_b64decode(body))
    except (ValueError, binascii.Error):
        return ()
    return tuple((str(kind), str(words)) for kind, words in pairs)
