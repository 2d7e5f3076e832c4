"""Somebody at the desk: a client with a session of its own, that sends what a browser would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
from fastapi.testclient import TestClient

from digest import clock
from digest.accounts.sessions import open_session
from digest.db import Database
from digest.models import Account
from digest.web.desk import cookies

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = {"origin": "http://testserver"}
PASSWORD = "five walking green horses"
# Of PASSWORD, with costs that no test waits for.
CHEAP = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$W7r4LOFWWfpqjGrev1yQfGWjQh8kbFWlxu9wYb9sj/c"


@dataclass(slots=True)
class Hands:
    """Whoever holds the cookie `token`; without one, somebody who has just come by."""

    client: TestClient
    token: str = ""
    said: str = field(default="")

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self._kept(self.client.get(path, headers=self._headers(headers)))

    def post(self, path: str, fields: Mapping[str, Any] | None = None, **headers: str) -> httpx2.Response:
        """As the browser does: with the token of its forms, and saying where it comes from."""
        data = {"form_token": cookies.form_token(self.token), **(fields or {})}
        return self._kept(self.client.post(path, data=data, headers={**HERE, **self._headers(headers)}))

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        self.client.cookies.clear()
        pairs = [f"desk={self.token}"] * bool(self.token) + [f"desk-said={self.said}"] * bool(self.said)
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        return {"cookie": "; ".join(pairs), **own} if pairs else own

    def _kept(self, answer: httpx2.Response) -> httpx2.Response:
        for line in answer.headers.get_list("set-cookie"):
            name, value = re.match(r"([^=]+)=([^;]*)", line).groups()  # type: ignore[union-attr]
            if name == "desk":
                self.token = value
            elif name == "desk-said":
                self.said = value.strip('"')
        return answer


def somebody(client: TestClient) -> Hands:
    """Somebody whom the desk has seen once, and does not know."""
    hands = Hands(client)
    hands.get("/desk/sign-in")
    return hands


def signed_in(client: TestClient, database: Database, account: Account) -> Hands:
    """A person who is in."""
    with database.write() as session:
        token = open_session(
            session, account, is_whole=True, network="127.0.0.1", agent="tests", now=clock.utc_now()
        )
    return Hands(client, token)
