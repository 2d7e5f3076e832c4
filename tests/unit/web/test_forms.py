"""Reading posted forms: any bytes give fields or none, within limits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from digest.web.forms import BODY_LIMIT, read_form

FORM = "application/x-www-form-urlencoded"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def read(chunks: Iterable[bytes], kind: str, **headers: str) -> Mapping[str, str]:
    """The fields of a request whose body comes in these chunks."""
    waiting = list(chunks)

    async def receive() -> Message:
        chunk = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    named = {"content-type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in named.items()]
    scope = {"type": "http", "method": "POST", "headers": encoded, "app": FastAPI()}
    return asyncio.run(read_form(Request(scope, receive)))


def test_both_encodings_are_read() -> None:
    """The field of RFC 8058 in either form, in one piece or byte by byte."""
    plain = b"List-Unsubscribe=One-Click"
    parts = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    for body, kind in ((plain, FORM), (parts, "multipart/form-data; boundary=x")):
        assert read([body], kind) == ONE_CLICK
        assert read([bytes([byte]) for byte in body], kind) == ONE_CLICK


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FORM),
        (b"a=1&" * 500, FORM),
        (b"--x\r\nno headers", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\nno name\r\n--x--", "multipart/form-data; boundary=x"),
        (b"anything", "multipart/form-data"),
        (b"anything", 'multipart/form-data; boundary="'),
        (b"anything", "multipart/form-data; boundary=x; charset=no-such"),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (b'{"List-Unsubscribe": "One-Click"}', "application/json"),
        (b"List-Unsubscribe=One-Click", "text/plain"),
    ],
)
def test_what_is_no_form_has_no_fields(body: bytes, kind: str) -> None:
    """No error, whatever is wrong with it."""
    assert read([body], kind) == {}


@given(
    st.binary(max_size=400), st.sampled_from([FORM, "multipart/form-data; boundary=x"]), st.text(max_size=60)
)
def test_any_bytes_are_fields_or_none(body: bytes, kind: str, more: str) -> None:
    """A body, a boundary and a type that nobody would write raise nothing."""
    read([body], kind)
    read([b"--x\r\n" + body + b"\r\n--x--\r\n"], kind)
    read([body], kind + more)


@pytest.mark.parametrize(
    ("chunks", "headers"),
    [
        ([b"a" * (BODY_LIMIT + 1)], {}),
        ([b"a" * 1024] * 5, {}),
        ([b""], {"content_length": "4097"}),
        ([b""], {"content_length": "9" * 5000}),
        ([b""], {"content_length": "-1"}),
        ([b""], {"content_length": "²"}),
    ],
)
def test_large_bodies_are_refused(chunks: list[bytes], headers: dict[str, str]) -> None:
    """By their stated length before a byte is read, or as soon as they are too long."""
    with pytest.raises(HTTPException) as refused:
        read(chunks, FORM, **headers)
    assert refused.value.status_code == 413


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that says nothing more is answered 408 after the limit."""

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("never reached")

    monkeypatch.setattr("digest.web.forms.BODY_SECONDS", 0.02)
    scope = {"type": "http", "method": "POST", "headers": [], "app": FastAPI()}
    with pytest.raises(HTTPException) as refused:
        asyncio.run(read_form(Request(scope, receive)))
    assert refused.value.status_code == 408
