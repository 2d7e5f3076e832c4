from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from digest.errors import NotFoundError, StateError
from digest.mail import mailbox
from digest.mail.message import build_notice

NOW = dt.datetime(2026, 11, 23, 5, 30, tzinfo=dt.UTC)


def mail(subject: str = "Հաստատեք") -> bytes:
    return build_notice(
        from_name="Արև",
        from_address="paper@example.org",
        to="ani@example.org",
        subject=subject,
        html="<p>Բարև <script>alert(1)</script></p>",
        text="Բարև\n.\n",
        date="Mon, 23 Nov 2026 05:30:00 +0000",
        message_id="<n1.abc@example.org>",
    )


def put(folder: Path, raw: bytes, *, minutes: int = 0, recipient: str = "ani@example.org") -> str:
    now = NOW + dt.timedelta(minutes=minutes)
    return mailbox.store(folder, raw, recipients=[recipient], sender="bounce@example.org", now=now).name


def test_a_stored_mail_is_read_back(tmp_path: Path) -> None:
    """Subject, parts and envelope come back decoded; the message itself is kept byte for byte."""
    name = put(tmp_path / "inbox", mail())
    view = mailbox.read_message(tmp_path / "inbox", name)
    assert (view.subject, view.recipient, view.to) == ("Հաստատեք", "ani@example.org", "ani@example.org")
    assert view.sender == "Արև <paper@example.org>"
    assert view.text == "Բարև\r\n.\r\n"
    assert "<script>" in view.html
    assert view.received_at == NOW
    assert view.headers[0] == ("Return-Path", "<bounce@example.org>")
    data = (tmp_path / "inbox" / name).read_bytes()
    assert data.endswith(b"Delivered-To: ani@example.org\r\n" + mail())
    assert view.size == len(data)
    assert view.source == data.decode()
    assert [path.name for path in (tmp_path / "inbox").iterdir()] == [name]


def test_the_list_goes_from_new_to_old_in_pages(tmp_path: Path) -> None:
    """Newest first; the last name of a page leads to the next; foreign files are not mails."""
    for number in range(5):
        put(tmp_path, mail(f"Mail {number}"), minutes=number)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".20261123T053000000000Z-00000000.eml.new").write_text("x")
    first = mailbox.list_messages(tmp_path, limit=2)
    second = mailbox.list_messages(tmp_path, limit=10, before=first[-1].name)
    assert [one.subject for one in first] == ["Mail 4", "Mail 3"]
    assert [one.subject for one in second] == ["Mail 2", "Mail 1", "Mail 0"]
    assert mailbox.count_messages(tmp_path) == 5
    assert second[0].recipient == "ani@example.org"


def test_a_missing_folder_is_an_empty_inbox(tmp_path: Path) -> None:
    """Nothing was caught yet."""
    assert mailbox.list_messages(tmp_path / "none") == []
    assert mailbox.count_messages(tmp_path / "none") == 0


@pytest.mark.parametrize(
    "name",
    [
        "../secret.eml",
        "..",
        "",
        "/etc/passwd",
        "20261123T053000000000Z-0000000g.eml",
        "20261123T053000000000Z-00000000.eml\n",
        "20261123T053000000000Z-00000000.eml",
    ],
)
def test_only_names_of_mails_are_read(tmp_path: Path, name: str) -> None:
    """No name leads out of the folder, and one that is not there is said not to be."""
    (tmp_path / "secret.eml").write_text("x")
    (tmp_path / "inbox").mkdir()
    with pytest.raises(NotFoundError):
        mailbox.read_message(tmp_path / "inbox", name)


def test_an_envelope_cannot_add_headers(tmp_path: Path) -> None:
    """What a sender says on the envelope stays on its line."""
    name = put(tmp_path, mail(), recipient="a@example.org>\r\nSubject: other")
    view = mailbox.read_message(tmp_path, name)
    assert view.subject == "Հաստատեք"
    assert view.recipient == "a@example.orgSubject:other"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"\xff\xfe\x00",
        b"Subject: =?x?q?a?= =?utf-8?b?!!!?=\r\n\r\nbody",
        b"Subject: \xd4\xb1\r\nContent-Type: text/plain; charset=nope\r\n\r\nbody \xff",
        b'Content-Type: text/html; charset="x\r\n\r\nbody',
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 300,
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 1\r\n",
        b"no header at all",
        b"Content-Type: message/rfc822\r\n\r\n" * 2000,
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(900)
        ),
    ],
)
def test_broken_mails_are_shown_as_far_as_they_go(tmp_path: Path, raw: bytes) -> None:
    """Whatever was caught, the list and the page open."""
    name = put(tmp_path, raw)
    assert mailbox.list_messages(tmp_path)[0].name == name
    assert mailbox.read_message(tmp_path, name).name == name


def test_a_huge_mail_is_cut_for_showing(tmp_path: Path) -> None:
    """The page of a mail has limits, whatever was caught."""
    name = put(tmp_path, b"Subject: big\r\n\r\n" + b"x" * 3_000_000)
    view = mailbox.read_message(tmp_path, name)
    assert len(view.text) == 1_000_000
    assert len(view.source) == 500_000
    assert view.size > 3_000_000


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A mail that could not be kept is not said to be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be written"):
        put(tmp_path / "file", mail())
