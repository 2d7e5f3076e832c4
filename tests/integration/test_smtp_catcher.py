"""The mail catcher as a process of its own."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.mail import mailbox
from digest.mail.smtp_client import SmtpTransport, check
from digest.mail.transport import Endpoint, Envelope, Outcome, Security
from tests.servers.waiting import wait_until

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
        endpoint = Endpoint(host="127.0.0.1", port=port, security=Security.NONE, timeout=10)
        envelopes = [
            Envelope(sender="bounce@example.org", recipient="ani@example.org", message=message)
            for message in (BULK, NOTICE, b"precedence: BULK\r\nSubject: Other\r\n\r\nx\r\n")
        ]
        with SmtpTransport(endpoint) as transport:
            transport.send(envelopes, before_dot=lambda _: True, after_reply=after_reply)
    # At the number of answers heard there were as many mails or more: the next one may have come meanwhile.
    assert len(caught) == 3
    assert all(mails >= heard for heard, mails in enumerate(caught, 1))
    assert [one.subject for one in mailbox.list_messages(tmp_path / "inbox")] == ["Other", "Digest"]
    (notice,) = mailbox.list_messages(tmp_path / "notices")
    view = mailbox.read_message(tmp_path / "notices", notice.name)
    assert view.recipient == "ani@example.org"
    digest = mailbox.list_messages(tmp_path / "inbox")[1]
    assert (tmp_path / "inbox" / digest.name).read_bytes().endswith(b"\r\n" + BULK)


def test_the_catcher_ends_on_sigterm_with_clients_connected(tmp_path: Path) -> None:
    """A supervisor never has to wait for an idle client."""
    with listening(tmp_path) as (process, port), socket.create_connection(("127.0.0.1", port)) as idle:
        assert idle.recv(3) == b"220"
        process.terminate()
        assert process.wait(20) == 0
        assert b"Traceback" not in process.stderr.read()


def test_the_catcher_has_limits(tmp_path: Path) -> None:
    """Size and recipients are limited, and what does not fit is not kept."""
    with listening(tmp_path) as (_, port):
        offer = check(Endpoint(host="127.0.0.1", port=port, security=Security.NONE, timeout=10))
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
        assert process.wait(20) != 0
        assert b"ConfigError: The mail catcher cannot listen on 127.0.0.1" in process.stderr.read()
