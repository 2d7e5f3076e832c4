"""The mail catcher as a process of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import smtplib
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import dkim as dkimpy
import pytest

from digest.mail import mailbox
from digest.mail.dkim import Signer
from digest.mail.message import build_digest
from digest.mail.placeholders import fill
from digest.mail.signing_key import Algorithm, load_key, make_private
from digest.mail.smtp_client import SmtpTransport, check
from digest.mail.transport import Endpoint, Envelope, Outcome, Security
from tests.servers.waiting import HANG, wait_until
from tests.unit.mail.samples import VALUES

PROGRAM = textwrap.dedent("""
    import pathlib, sys
    from digest.inbound.catcher import run_catcher
    folder = pathlib.Path(sys.argv[1])
    def ready(port):
        (folder / "part").write_text(str(port))
        (folder / "part").rename(folder / "port")
    run_catcher("127.0.0.1", int(sys.argv[2]), folder / "inbox", folder / "notices", on_ready=ready)
""")
BULK = b"From: a@example.org\r\nSubject: Digest\r\nList-Unsubscribe: <https://example.org/u/x>\r\n\r\n.dot\r\nbody\r\n"
NOTICE = b"From: a@example.org\r\nSubject: Confirm\r\n\r\nPrecedence: bulk\r\n"


@contextlib.contextmanager
def catcher(folder: Path, port: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", PROGRAM, str(folder), str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with catcher(folder) as process:
        wait_until((folder / "port").exists, what="the catcher's port")
        yield process, int((folder / "port").read_text())


def test_mails_are_in_their_folders_when_250_is_heard(tmp_path: Path) -> None:
    """Bulk mail lies in the inbox and anything else in the notices, whole, as soon as it is accepted."""
    caught: list[int] = []

    def after_reply(_envelope: Envelope, outcome: Outcome, _reply: object) -> None:
        assert outcome is Outcome.ACCEPTED
        caught.append(
            mailbox.count_messages(tmp_path / "inbox") + mailbox.count_messages(tmp_path / "notices")
        )

    with listening(tmp_path) as (_, port):
        endpoint = Endpoint(host="127.0.0.1", port=port, security=Security.NONE, timeout=HANG)
        envelopes = [
            Envelope(sender="bounce@example.org", recipient="ani@example.org", message=message)
            for message in (BULK, NOTICE, b"precedence: BULK\r\nSubject: Other\r\n\r\nx\r\n")
        ]
        with SmtpTransport(endpoint) as transport:
            transport.send(envelopes, before_dot=lambda _: True, after_reply=after_reply)
    # At least: the next one may be there already when this one's reply is told.
    assert len(caught) == 3
    assert all(count >= number for number, count in enumerate(caught, 1))
    assert [one.subject for one in mailbox.list_messages(tmp_path / "inbox")] == ["Other", "Digest"]
    (notice,) = mailbox.list_messages(tmp_path / "notices")
    view = mailbox.read_message(tmp_path / "notices", notice.name)
    assert view.recipient == "ani@example.org"
    digest = mailbox.list_messages(tmp_path / "inbox")[1]
    assert (tmp_path / "inbox" / digest.name).read_bytes().endswith(b"\r\n" + BULK)


def test_every_signed_byte_arrives(tmp_path: Path) -> None:
    """Over four connections to a receiver without pipelining: once each, and one too large fails alone."""
    key = load_key("courier.example", "d2026", Algorithm.ED25519, make_private(Algorithm.ED25519))
    now = dt.datetime.now(dt.UTC)
    prepared = build_digest(
        from_name="Սուրհանդակ",
        from_address="news@courier.example",
        subject="Կամուրջը բացվեց",
        html="<p>«Կամուրջը բացվեց» %%name%%</p>\n" * 40 + "<a href='%%unsubscribe_url%%'>x</a>",
        text=f".\n..\n.dot\nFrom here\n{'x' * 1200}\n%%name%%\n%%unsubscribe_url%%\n",
    )
    sent: dict[str, bytes] = {}
    for number in range(100):
        to = f"ani{number}@example.org" if number else "անի@example.org"
        message = fill(prepared, {**VALUES, "to": to, "name": f"Անի {number}"})
        sent[to] = Signer([key]).sign(message, now=now) + message
    too_large = BULK + (b"y" * 70 + b"\r\n") * 150_000
    large = Envelope(sender="", recipient="large@example.org", message=too_large)
    envelopes = [
        Envelope(
            sender="bounces@courier.example",
            recipient=to,
            message=message,
            needs_smtputf8=not to.isascii(),
        )
        for to, message in sent.items()
    ]
    told: dict[str, Outcome] = {}
    with listening(tmp_path) as (_, port):
        endpoint = Endpoint(
            host="127.0.0.1", port=port, security=Security.NONE, timeout=HANG, max_connections=4
        )
        with SmtpTransport(endpoint) as transport:
            transport.send(
                [*envelopes[:50], large, *envelopes[50:]],
                before_dot=lambda _: True,
                after_reply=lambda one, outcome, _: told.update({one.recipient: outcome}),
            )
    assert told == {**dict.fromkeys(sent, Outcome.ACCEPTED), large.recipient: Outcome.REFUSED}
    kept = [path.read_bytes() for path in (tmp_path / "inbox").iterdir()]
    assert len(kept) == len(sent)
    for raw in kept:
        before, mark, message = raw.partition(b"\r\nDKIM-Signature:")
        (to,) = re.findall(rb"(?m)^Delivered-To: (\S+?)\r?$", before)
        assert mark[2:] + message == sent.pop(to.decode())
        assert dkimpy.DKIM(mark[2:] + message).verify(dnsfunc=lambda _name, **_: key.record.encode())
    assert sent == {}


def test_the_catcher_ends_on_sigterm_with_clients_connected(tmp_path: Path) -> None:
    """A supervisor never has to wait for an idle client."""
    with listening(tmp_path) as (process, port), socket.create_connection(("127.0.0.1", port)) as idle:
        assert idle.recv(3) == b"220"
        process.terminate()
        assert process.wait(HANG) == 0
        assert b"Traceback" not in process.stderr.read()


def test_the_catcher_has_limits(tmp_path: Path) -> None:
    """Size and recipients are limited, and what does not fit is not kept."""
    with listening(tmp_path) as (_, port):
        offer = check(Endpoint(host="127.0.0.1", port=port, security=Security.NONE, timeout=HANG))
        assert offer.size_limit == 10_000_000
        with smtplib.SMTP("127.0.0.1", port) as client:
            with pytest.raises(smtplib.SMTPResponseException) as caught:
                client.sendmail(
                    "a@example.org", ["b@example.org"], b"x" * 70 + (b"y" * 70 + b"\r\n") * 150_000
                )
            assert caught.value.smtp_code == 552
            refused = client.sendmail("a@example.org", [f"r{n}@example.org" for n in range(101)], NOTICE)
            assert [code for code, _ in refused.values()] == [452]
    (notice,) = mailbox.list_messages(tmp_path / "notices")
    assert mailbox.count_messages(tmp_path / "inbox") == 0
    assert (tmp_path / "notices" / notice.name).read_bytes().count(b"Delivered-To:") == 100


def test_a_folder_that_cannot_be_written_is_a_later(tmp_path: Path) -> None:
    """What cannot be kept is answered with a 4xx: the sender keeps it."""
    (tmp_path / "notices").write_text("a file is in the way")
    with listening(tmp_path) as (_, port), smtplib.SMTP("127.0.0.1", port) as client:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail("a@example.org", ["b@example.org"], NOTICE)
        assert caught.value.smtp_code == 452


def test_a_port_in_use_is_said_clearly(tmp_path: Path) -> None:
    """The error names the address and what may be wrong."""
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        catcher(tmp_path, other.getsockname()[1]) as process,
    ):
        assert process.wait(HANG) != 0
        assert b"ConfigError: The mail catcher cannot listen on 127.0.0.1" in process.stderr.read()
