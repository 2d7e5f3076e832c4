"""A folder of caught mails, one `.eml` file each: the catcher writes it, the inbox page reads it.

A file's name is its moment of arrival, so names sort by time. What stood on the envelope is put in front as
`Return-Path` and `Delivered-To`, as mail servers do at the last station; the message itself is kept byte for
byte. Everything read from such a file came from outside and is cut to a size.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from pathlib import Path

from digest.errors import NotFoundError, StateError
from digest.mail.headers import clean_header

LIST_LIMIT = 200
_READ_LIMIT = 10_000_000  # bytes of a file
_HEAD_LIMIT = 64_000  # bytes that a list looks at
_PART_LIMIT = 1_000_000  # characters of a part that is shown
_SOURCE_LIMIT = 500_000
_PARTS_LIMIT = 50
_NAME = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{8}\.eml")
_BAD_IN_ADDRESS = re.compile(r"[\x00-\x20<>\x7f]")


@dataclass(frozen=True, slots=True)
class MailSummary:
    """One line of the inbox; all texts are plain, decoded and cut."""

    name: str
    received_at: datetime
    sender: str
    recipient: str  # of the envelope
    subject: str
    size: int


@dataclass(frozen=True, slots=True)
class MailView:
    """One mail, opened. `html` is as it came: show it only where no script can run."""

    name: str
    received_at: datetime
    sender: str
    recipient: str
    to: str
    subject: str
    date: str
    html: str
    text: str
    headers: tuple[tuple[str, str], ...]
    source: str
    size: int


def store(folder: Path, raw: bytes, *, recipients: Sequence[str], sender: str, now: datetime) -> Path:
    """Put a mail into the folder; it is there whole or not at all.

    Raises StateError if the folder cannot be written to.
    """
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(4)}.eml"
    head = [f"Return-Path: <{_envelope(sender)}>"]
    head += [f"Delivered-To: {_envelope(recipient)}" for recipient in recipients]
    data = "".join(f"{line}\r\n" for line in head).encode() + raw
    path, hidden = folder / name, folder / f".{name}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hidden.write_bytes(data)
        hidden.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            hidden.unlink()
        reason = (error.strerror or "it failed").lower()
        raise StateError(f"The mail folder {folder.name} cannot be written to: {reason}.") from error
    return path


def list_messages(folder: Path, *, limit: int = 50, before: str = "") -> list[MailSummary]:
    """The newest mails first; `before` is the last name of the page before. A missing folder is empty."""
    found = heapq.nlargest(min(limit, LIST_LIMIT), _names(folder, before))
    return [summary for name in found if (summary := _summary(folder, name)) is not None]


def count_messages(folder: Path) -> int:
    """How many mails there are."""
    return sum(1 for _ in _names(folder, ""))


def read_message(folder: Path, name: str) -> MailView:
    """One mail by its name from the list. Raises NotFoundError for any other name."""
    if not _NAME.fullmatch(name):
        raise NotFoundError("There is no mail of this name.")
    try:
        with (folder / name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(_READ_LIMIT)
    except OSError as error:
        raise NotFoundError("There is no mail of this name.") from error
    message, parts = _opened(data)
    return MailView(
        name=name,
        received_at=_received_at(name),
        sender=_header(message, "From"),
        recipient=_header(message, "Delivered-To"),
        to=_header(message, "To"),
        subject=_header(message, "Subject"),
        date=_header(message, "Date"),
        html=parts.get("text/html", ""),
        text=parts.get("text/plain", ""),
        headers=tuple((key, clean_header(str(value))) for key, value in message.items()[:200]),
        source=data[:_SOURCE_LIMIT].decode("utf-8", "replace"),
        size=size,
    )


def _names(folder: Path, before: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _NAME.fullmatch(entry.name) and (not before or entry.name < before):
                    yield entry.name
    except FileNotFoundError:
        return


def _summary(folder: Path, name: str) -> MailSummary | None:
    """None if the file has gone since it was listed."""
    try:
        with (folder / name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(_HEAD_LIMIT)
    except FileNotFoundError:
        return None
    message = BytesHeaderParser(policy=compat32).parsebytes(head.partition(b"\r\n\r\n")[0])
    return MailSummary(
        name=name,
        received_at=_received_at(name),
        sender=_header(message, "From"),
        recipient=_header(message, "Delivered-To"),
        subject=_header(message, "Subject"),
        size=size,
    )


def _received_at(name: str) -> datetime:
    return datetime.strptime(name[:21], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)


def _header(message: Message, name: str) -> str:
    return clean_header(str(message.get(name, "")))


def _opened(data: bytes) -> tuple[Message, dict[str, str]]:
    """The mail and its texts; only the head of one whose parts are nested without end."""
    try:
        message = BytesParser(policy=compat32).parsebytes(data)
        return message, _texts(message)
    except RecursionError:
        head = data.partition(b"\r\n\r\n")[0]
        return BytesHeaderParser(policy=compat32).parsebytes(head), {}


def _texts(message: Message) -> dict[str, str]:
    """The first part of each text kind, decoded and cut."""
    found: dict[str, str] = {}
    for number, part in enumerate(message.walk()):
        kind = part.get_content_type()
        if number >= _PARTS_LIMIT or len(found) == 2:
            break
        if kind in ("text/html", "text/plain") and kind not in found:
            payload = part.get_payload(decode=True)
            found[kind] = _decoded(payload if isinstance(payload, bytes) else b"", part)[:_PART_LIMIT]
    return found


def _decoded(payload: bytes, part: Message) -> str:
    try:
        return payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a charset that nobody knows
        return payload.decode("utf-8", "replace")


def _envelope(address: str) -> str:
    return _BAD_IN_ADDRESS.sub("", address)[:320]
