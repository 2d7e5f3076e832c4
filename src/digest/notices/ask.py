"""Ask for a single mail: a row with frozen content, once by its key."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from digest.db.dialect import insert_if_new
from digest.errors import InputError
from digest.mail.transport import Envelope, wire_form
from digest.models import Notice
from digest.notices.staff import STAFF_KINDS, account_of
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

MESSAGE_LIMIT = 500_000  # bytes; a notice is a page of text


def ask(
    session: Session,
    *,
    key: str,
    kind: str,
    address: str,
    sender_address: str,
    message: bytes,
    now: dt.datetime,
    not_before: dt.datetime | None = None,
) -> bool:
    """Have `message` sent to `address` once; False if a notice with this key was asked for before.

    The message is checked here, so that none is found unsendable later: raises InputError for an address or
    bytes that SMTP cannot carry. Whether the person may be mailed is the caller's question, except for what
    is for the staff alone: raises NotFoundError for an address without an active account.
    """
    if kind in STAFF_KINDS:
        account_of(session, address)
    if not 0 < len(key) <= 120:
        raise InputError("A notice's key has 1 to 120 characters.")
    if len(message) > MESSAGE_LIMIT:
        raise InputError(f"A single mail may hold at most {MESSAGE_LIMIT} bytes.")
    wire_form(message)
    make_envelope(sender=sender_address, recipient=address, message=message, ref=None)
    due = not_before or now
    row = {
        "key": key,
        "kind": kind,
        "address": address,
        "sender_address": sender_address,
        "message": message,
        "not_before": due,
        "created_at": now,
    }
    made = insert_if_new(session, Notice, row)
    if made is None:
        return False
    if due <= now:
        enqueue(session, TaskName.SEND_NOTICES)
    return True


def make_envelope(*, sender: str, recipient: str, message: bytes, ref: object) -> Envelope:
    """The envelope of a notice; an address that is not ASCII needs SMTPUTF8 (RFC 6531)."""
    needs_smtputf8 = not (sender + recipient).isascii()
    return Envelope(
        sender=sender, recipient=recipient, message=message, needs_smtputf8=needs_smtputf8, ref=ref
    )
