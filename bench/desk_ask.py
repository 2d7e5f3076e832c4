"""Somebody at the desk over HTTP: one kept connection of a browser that is signed in."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from digest import clock
from digest.accounts.sessions import open_session
from digest.db import Database
from digest.models import Account
from digest.web.desk import cookies

SITE = "https://digest.courier.example"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, and how many seconds it took from the first byte of the question to the last of it."""

    status: int
    seconds: float
    body: bytes


@dataclass(slots=True)
class Browser:
    """Asks one thing after the other. `cookie` is what is sent with each."""

    port: int
    token: str
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    @property
    def cookie(self) -> str:
        return f"{cookies.token_cookie(is_https=True)}={self.token}"

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        """As htmx does on a page: with the form's token, and saying where it comes from."""
        given = {"form_token": cookies.form_token(self.token), **fields}
        headers = {
            "Origin": SITE,
            "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self._ask("POST", path, urlencode(given), headers)

    def _ask(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        began = time.perf_counter()
        self._connection.request(method, path, body, {"Cookie": self.cookie, **(headers or {})})
        answer = self._connection.getresponse()
        whole = answer.read()
        return Answer(answer.status, time.perf_counter() - began, whole)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


def sign_in(database: Database, account_id: int) -> str:
    """The token of a browser that this person has just signed in with."""
    with database.write() as session:
        account = session.get_one(Account, account_id)
        return open_session(
            session, account, is_whole=True, network="127.0.0.1", agent="bench", now=clock.utc_now()
        )
