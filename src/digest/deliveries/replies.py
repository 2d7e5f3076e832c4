"""Mail services' answers as rows: each is stored once, however often it was given."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import after_commit
from digest.db.dialect import insert_new_rows
from digest.mail.transport import Reply as MailReply
from digest.models import Reply

_ADDRESS = re.compile(r"<?[^\s<>@]{1,64}@[^\s<>@,;]+>?")
# A word of eight or more letters and digits with at least one digit in it, or a number of five digits or
# more: a queue or session id, a time. Not the names of what a server may offer: they say what is wrong.
_QUEUE_ID = re.compile(
    r"(?<![\w.-])(?!(?:SMTPUTF8|8BITMIME)(?![\w-]))"
    r"(?:(?=[\w.-]*\d)(?=[\w.-]*[A-Za-z])[\w.-]{8,}|\d{5,})(?![\w.-])"
)

# A journal that is folded may hold thousands of different replies; one statement of SQLite takes 32,766
# parameters, one of PostgreSQL 65,535.
_PART = 5_000

_Alike = tuple[int, str, str]  # code, enhanced code, pattern
# Replies that are committed, by the database's connections: a row of theirs is never changed or removed.
_known: WeakKeyDictionary[sa.Pool, dict[_Alike, int]] = WeakKeyDictionary()
_KNOWN_MOST = 5_000


def intern_replies(session: Session, replies: Iterable[MailReply]) -> dict[MailReply, int]:
    """The ids of replies. What differs from mail to mail in them is left out, so that each is stored once."""
    wanted = {reply: (reply.code, reply.enhanced, reply_pattern(reply.text)) for reply in replies}
    known = _known.setdefault(session.get_bind().engine.pool, {})
    if all(alike in known for alike in wanted.values()):
        return {reply: known[alike] for reply, alike in wanted.items()}
    prints = {alike: _fingerprint(*alike) for alike in set(wanted.values())}
    ids = _ids_of(session, list(prints.values()))
    missing = [
        {"fingerprint": found, "code": code, "enhanced": enhanced, "text": text}
        for (code, enhanced, text), found in prints.items()
        if found not in ids
    ]
    if missing:
        insert_new_rows(session, Reply, missing)
        ids.update(_ids_of(session, [str(row["fingerprint"]) for row in missing]))
    found = {alike: ids[fingerprint] for alike, fingerprint in prints.items()}
    after_commit(session, lambda: _remember(known, found))
    return {reply: ids[prints[alike]] for reply, alike in wanted.items()}


def _remember(known: dict[_Alike, int], found: dict[_Alike, int]) -> None:
    if len(known) + len(found) > _KNOWN_MOST:
        known.clear()
    known.update(found)


def reply_pattern(text: str) -> str:
    """A reply without the address and the queue id that make each one different."""
    text = _ADDRESS.sub("<address>", text)
    return _QUEUE_ID.sub("…", text)[:500]


def _ids_of(session: Session, prints: Sequence[str]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for start in range(0, len(prints), _PART):
        some = prints[start : start + _PART]
        rows = session.execute(sa.select(Reply.fingerprint, Reply.id).where(Reply.fingerprint.in_(some)))
        ids.update((fingerprint, number) for fingerprint, number in rows)
    return ids


def _fingerprint(code: int, enhanced: str, text: str) -> str:
    return hashlib.sha256(f"{code}\0{enhanced}\0{text}".encode()).hexdigest()
