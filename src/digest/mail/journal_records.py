"""The records of a send journal, as data and as bytes.

Form of the file: a line with the version, then records: length and CRC-32 (4 bytes each, little-endian), then
the body. The first record is the header as JSON; bodies of the others start with a letter, `I` (intent) or
`O` (outcome).
"""

from __future__ import annotations

import functools
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from digest.errors import StateError
from digest.mail.transport import Outcome, Reply

MAGIC = b"digest-journal 1\n"
_FRAME = struct.Struct("<II")  # length, CRC-32
_KEY = struct.Struct("<cQQQIq")  # letter, batch, edition, subscriber, attempt, microseconds since 1970
_RESULT = struct.Struct("<BQHBH")  # outcome, transport, code, lengths of enhanced code and text
_OUTCOMES = (Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED, Outcome.UNSENT, Outcome.UNKNOWN)
_TEXT_LIMIT = 500  # bytes of a reply's text
_RECORD_LIMIT = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """Where and when a journal was begun."""

    host: str
    boot_id: str
    pid: int
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRecord:
    """The final dot of this delivery was about to leave."""

    batch_id: int
    edition_id: int
    subscriber_id: int
    attempt: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """What came of a delivery; `reply` is None where the server said nothing."""

    batch_id: int
    edition_id: int
    subscriber_id: int
    attempt: int
    at: datetime
    outcome: Outcome
    transport_id: int
    reply: Reply | None


Record = IntentRecord | OutcomeRecord
DeliveryKey = tuple[int, int, int]  # edition, subscriber, attempt


@dataclass(frozen=True, slots=True)
class JournalContents:
    """A journal as it was read. `torn`: behind the last good record there is something that is none.

    `damaged`: and that is no record that was cut short by a full disk or the end of its writer. Further
    records may have stood there.
    """

    header: JournalHeader
    records: tuple[Record, ...]
    torn: bool
    damaged: bool = False


def header_bytes(header: JournalHeader) -> bytes:
    """How a journal starts."""
    plain = asdict(header) | {"created": header.created.isoformat()}
    return MAGIC + _framed(json.dumps(plain).encode())


def record_bytes(record: Record) -> bytes:
    """One record, framed."""
    if isinstance(record, IntentRecord):
        return intent_bytes(
            record.batch_id, record.edition_id, record.subscriber_id, record.attempt, record.at
        )
    return outcome_bytes(
        record.batch_id,
        record.edition_id,
        record.subscriber_id,
        record.attempt,
        record.at,
        record.outcome,
        record.transport_id,
        record.reply,
    )


def intent_bytes(batch_id: int, edition_id: int, subscriber_id: int, attempt: int, at: datetime) -> bytes:
    """An intent, framed; written once a mail, so without a record in between."""
    return _framed(_KEY.pack(b"I", batch_id, edition_id, subscriber_id, attempt, _microseconds(at)))


def outcome_bytes(  # noqa: PLR0917 - by position, for it is written once a mail
    batch_id: int,
    edition_id: int,
    subscriber_id: int,
    attempt: int,
    at: datetime,
    outcome: Outcome,
    transport_id: int,
    reply: Reply | None,
) -> bytes:
    """An outcome, framed."""
    key = _KEY.pack(b"O", batch_id, edition_id, subscriber_id, attempt, _microseconds(at))
    return _framed(key + _result_bytes(outcome, transport_id, reply))


def parse_journal(data: bytes) -> JournalContents:
    """Read a journal's bytes as far as they are whole; raises ValueError if even the header is not."""
    frames = _frames(data)
    first = next(frames, None)
    if first is None:
        raise ValueError("no header")
    header = _parsed_header(data[slice(*first)])
    records: list[Record] = []
    end = first[1]
    for start, stop in frames:
        try:
            records.append(_parsed(data[start:stop]))
        except (ValueError, IndexError, struct.error, OverflowError):
            break
        end = stop
    rest = data[end:]
    return JournalContents(
        header=header, records=tuple(records), torn=bool(rest), damaged=bool(rest) and not _is_cut(rest)
    )


def _parsed_header(body: bytes) -> JournalHeader:
    try:
        plain = json.loads(body)
        created = datetime.fromisoformat(plain["created"])
        return JournalHeader(str(plain["host"]), str(plain["boot_id"]), int(plain["pid"]), created)
    except (KeyError, TypeError) as error:
        raise ValueError("no header") from error


@functools.lru_cache(maxsize=256)
def _result_bytes(outcome: Outcome, transport_id: int, reply: Reply | None) -> bytes:
    code, enhanced, text = 0, b"", b""
    if reply is not None:
        code = reply.code
        enhanced = reply.enhanced.encode("ascii", "replace")[:20]
        text = reply.text.encode("utf-8", "replace")[:_TEXT_LIMIT]
    number = _OUTCOMES.index(outcome)
    return _RESULT.pack(number, transport_id, code, len(enhanced), len(text)) + enhanced + text


def _framed(body: bytes) -> bytes:
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def _frames(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of every whole, unchanged record up to the first that is not."""
    if not data.startswith(MAGIC):
        return
    at = len(MAGIC)
    while at + _FRAME.size <= len(data):
        length, checksum = _FRAME.unpack_from(data, at)
        start = at + _FRAME.size
        at = start + length
        if length > _RECORD_LIMIT or at > len(data) or zlib.crc32(data[start:at]) != checksum:
            return
        yield start, at


def _is_cut(rest: bytes) -> bool:
    """Whether this is the beginning of one record and nothing more."""
    if len(rest) < _FRAME.size:
        return True
    length, _ = _FRAME.unpack_from(rest)
    return bool(len(rest) - _FRAME.size < length <= _RECORD_LIMIT)


def _parsed(body: bytes) -> Record:
    letter, batch_id, edition_id, subscriber_id, attempt, moment = _KEY.unpack_from(body)
    at = _EPOCH + timedelta(microseconds=moment)
    if letter == b"I":
        return IntentRecord(
            batch_id=batch_id, edition_id=edition_id, subscriber_id=subscriber_id, attempt=attempt, at=at
        )
    if letter != b"O":
        raise ValueError("unknown kind of record")
    number, transport_id, code, enhanced_length, text_length = _RESULT.unpack_from(body, _KEY.size)
    start = _KEY.size + _RESULT.size
    middle = start + enhanced_length
    text = body[middle : middle + text_length].decode("utf-8", "replace")
    return OutcomeRecord(
        batch_id=batch_id,
        edition_id=edition_id,
        subscriber_id=subscriber_id,
        attempt=attempt,
        at=at,
        outcome=_OUTCOMES[number],
        transport_id=transport_id,
        reply=Reply(code, body[start:middle].decode("ascii"), text) if code else None,
    )


def _microseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise StateError("a moment in the journal needs its time zone")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
