"""What is logged: addresses, links and passwords never, by whatever way they come."""

from __future__ import annotations

import contextlib
import json
import logging
import string
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from digest import logs
from digest.tokens import Claim, Purpose, Signer

_SIGNER = Signer({1: b"a" * 32}, 1)
_WORD = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)


@contextlib.contextmanager
def json_lines() -> Iterator[None]:
    """JSON lines to standard error, as in production, and as it was before afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.set_up(json=True)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@given(_WORD, _WORD, st.text(" .:,;<>()\"'", max_size=3), st.text(" .:,;<>()\"'", max_size=3))
def test_an_address_is_masked_anywhere(local: str, domain: str, before: str, after: str) -> None:
    """Whatever stands around it."""
    found = logs.redact(f"mail{before} {local}.{local}+x@{domain}.test{after} refused")
    assert f"@{domain}" not in found
    assert "***@***" in found


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**63 - 1), st.sampled_from(Purpose))
def test_a_signed_link_is_masked(list_id: int, subscriber_id: int, purpose: Purpose) -> None:
    """In a path, a header or a sentence."""
    token = _SIGNER.sign(Claim(purpose, list_id, subscriber_id))
    for text in (f"GET /u/{token} HTTP/1.1", f"<https://digest.test/u/{token}>", token, f"token={token}."):
        assert token not in logs.redact(text)


@given(_WORD, st.text(string.ascii_letters + string.digits + "%+=!", min_size=1, max_size=20))
def test_the_password_of_an_url_is_masked(user: str, password: str) -> None:
    """The user and the host stay: they are what one looks for."""
    found = logs.redact(f"cannot connect to redis://{user}:{password}@broker:6379/0")
    assert found == f"cannot connect to redis://{user}:***@broker:6379/0"


@pytest.mark.parametrize(
    "text", ["edition 7 sent", "a" * 64, "550 5.1.1 no such user", "10:30 @ noon", "sqlite:////srv/digest.db"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Fingerprints, replies and paths are what logs are read for."""
    assert logs.redact(text) == text


def test_events_carry_keys_and_no_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object a line, in UTC, with level, logger and ids; a value that is an address is masked."""
    with json_lines():
        logs.get_logger("digest.sample").warning("mail refused", batch=7, detail="<ani@mail.test> unknown")
    (line,) = _lines(capsys)
    assert line["event"] == "mail refused"
    assert (line["level"], line["logger"], line["batch"]) == ("warning", "digest.sample", 7)
    assert str(line["timestamp"]).endswith("Z")
    assert line["detail"] == "<***@***> unknown"


def test_other_peoples_lines_are_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's line, and the trace of an error that holds an address, come out through the same sieve."""
    with json_lines():
        logging.getLogger("some.library").warning("cannot mail %s", "ani@mail.test")
        try:
            int("ani@mail.test")
        except ValueError:
            logging.getLogger("some.library").exception("failed")
    first, second = _lines(capsys)
    assert first["event"] == "cannot mail ***@***"
    assert "'***@***'" in str(second["exception"])
    assert "ani" not in json.dumps([first, second])


def test_armenian_stays_readable(capsys: pytest.CaptureFixture[str]) -> None:
    """Letters are letters in the log, not numbers."""
    with json_lines():
        logs.get_logger("digest").warning("Բարև")
    assert "Բարև" in capsys.readouterr().err


def test_levels_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Debug lines are not written unless asked for; chatter of libraries never."""
    with json_lines():
        logs.get_logger("digest").debug("quiet")
        logging.getLogger("cssutils").warning("quiet")
    assert _lines(capsys) == []
