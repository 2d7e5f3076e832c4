"""Our signatures before OpenDKIM, the verifier that many mail servers run."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import pytest

from digest.mail.dkim import Signer
from digest.mail.message import build_digest
from digest.mail.prepared import Filled, filled
from digest.mail.signing_key import Algorithm, SigningKey, load_key, make_private
from tests.servers import opendkim
from tests.unit.mail.samples import VALUES

DOMAIN = "courier.example"
BOTH = {f"{algorithm}-sha256" for algorithm in Algorithm}


@cache
def key(algorithm: Algorithm) -> SigningKey:
    return load_key(DOMAIN, f"d2026-{algorithm.value}", algorithm, make_private(algorithm))


@cache
def digest_mail() -> Filled:
    """A digest of some 90 kB in both codings: the HTML in base64, the text in quoted-printable."""
    prepared = build_digest(
        from_name="Լրաբեր",
        from_address=f"news@{DOMAIN}",
        subject="Առավոտ, and other stories of a day that was long enough to fold this line",
        html="<p>«Կամուրջը բացվեց» %%name%%</p>\n" * 900 + "<a href='%%unsubscribe_url%%'>x</a>",
        text="The  bridge opened. \n" * 300 + ".\nFrom here\n%%unsubscribe_url%%\n",
        reply_to=f"editor@{DOMAIN}",
        list_help=f"https://{DOMAIN}/help",
        feedback_id="1:daily:bulk:courier",
    )
    return filled(prepared, {**VALUES, "name": " Անահիտ  P.", "to_name": "Անահիտ Պետրոսյան"})


def verdicts(program: Path, folder: Path, message: bytes) -> dict[str, str]:
    records = {key(algorithm).record_name: key(algorithm).record for algorithm in Algorithm}
    return opendkim.verdicts(program, folder, message, records)


def signed(message: bytes | Filled) -> bytes:
    signer, now = Signer([key(algorithm) for algorithm in Algorithm]), dt.datetime.now(dt.UTC)
    if isinstance(message, bytes):
        return signer.sign(message, now=now) + message
    return b"".join([*signer.sign_filled([message], now=now), message.head, *message.body])


def test_a_digest_is_signed_right(opendkim_path: Path, tmp_path: Path) -> None:
    """Both signatures of a whole digest, made the quick way, are valid."""
    message = signed(digest_mail())
    assert verdicts(opendkim_path, tmp_path, message) == dict.fromkeys(BOTH, "pass")


@pytest.mark.parametrize(
    "message",
    [
        b"From: a@courier.example\r\n\r\n",
        b"From: a@courier.example\r\n\r\n \r\n\r\n\t\r\n",
        b"from:  a@courier.example \r\nsubject :\r\n\ttwo\r\n  folds \t\r\n\r\na  b\t\r\n\r\nc\r\n\r\n\r\n",
        b"From: a@courier.example\r\nTo: b@example.org\r\nTo: c@example.org\r\nList-Id: \r\n\r\n.\r\n",
    ],
)
def test_an_odd_message_is_signed_right(opendkim_path: Path, tmp_path: Path, message: bytes) -> None:
    """White space, folds, empty lines, repeated and empty fields, and no body."""
    assert verdicts(opendkim_path, tmp_path, signed(message)) == dict.fromkeys(BOTH, "pass")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"List-Unsubscribe: <https", b"List-Unsubscribe: <http"),
        (b"\r\nSubject:", b"\r\nSubject: other\r\nSubject:"),
        (b"--\r\n", b"--\r\nadded\r\n"),
        (b"The =20bridge", b"The =20Bridge"),
    ],
)
def test_a_change_is_noticed(opendkim_path: Path, tmp_path: Path, old: bytes, new: bytes) -> None:
    """A changed link, a second subject, an addition at the end, another letter in the text."""
    message = signed(digest_mail())
    changed = message.replace(old, new)
    assert changed != message
    assert verdicts(opendkim_path, tmp_path, changed) == dict.fromkeys(BOTH, "fail")
