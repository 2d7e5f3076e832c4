"""The mails we make: the digest (bulk, filled for each person) and the notice (one mail to one person).

The header order is fixed, so that two runs over the same content give the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from digest.errors import InputError
from digest.i18n import N_
from digest.mail import headers
from digest.mail.placeholders import PLACEHOLDER, prepare
from digest.mail.prepared import Fallback, HeaderSlot, PreparedMail, fill

_AUTO_SUBMITTED = b"Auto-Submitted: auto-generated\r\n"  # RFC 3834 section 5
_BULK = b"Precedence: bulk\r\n"  # no standard, but it still keeps holiday answers away
_ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"  # RFC 8058 section 3.1, exactly this


def build_digest(
    *,
    from_name: str,
    from_address: str,
    subject: str,
    html: str,
    text: str,
    reply_to: str = "",
    list_help: str = "",
    feedback_id: str = "",
    follows_on: bool = False,
    fallbacks: Sequence[Fallback] = (),
) -> PreparedMail:
    """A digest edition, encoded once.

    Fill it with `to`, `message_id`, `date`, `list_id`, `unsubscribe_url` and the placeholders its parts hold;
    `to_name`, `list_name` and `unsubscribe_mailto` may be left out. With `follows_on` it belongs to a mail
    that each person has, and the value of that name says to which. Raises InputError for an address, URL, id
    or part that cannot be used, StateError if the result does not read back as it was written.
    """
    fields: list[bytes | HeaderSlot] = [
        headers.address_field("From", from_name, from_address),
        HeaderSlot.TO,
        _subject(subject),
        HeaderSlot.DATE,
        HeaderSlot.MESSAGE_ID,
        HeaderSlot.THREAD if follows_on else b"",
        headers.address_field("Reply-To", "", reply_to) if reply_to else b"",
        HeaderSlot.LIST_ID,
        HeaderSlot.LIST_UNSUBSCRIBE,
        _ONE_CLICK,
        headers.url_field("List-Help", list_help) if list_help else b"",
        headers.feedback_id_field(feedback_id) if feedback_id else b"",
        _AUTO_SUBMITTED,
        _BULK,
    ]
    return prepare(fields, html=html, text=text, fallbacks=fallbacks)


def build_notice(
    *,
    from_name: str,
    from_address: str,
    to: str,
    subject: str,
    html: str,
    text: str,
    date: str,
    message_id: str,
    to_name: str = "",
    reply_to: str = "",
) -> bytes:
    """A single mail (confirmation, welcome, reset, alert) as finished bytes.

    It is not bulk: no List fields, no Precedence. Raises as `build_digest` does; a placeholder in a part is
    an error, for a notice is about one person from the start.
    """
    prepared = prepare_notice(
        from_name=from_name,
        from_address=from_address,
        subject=subject,
        html=html,
        text=text,
        reply_to=reply_to,
    )
    return fill(prepared, {"to": to, "to_name": to_name, "date": date, "message_id": message_id})


def prepare_notice(
    *,
    from_name: str,
    from_address: str,
    subject: str,
    html: str,
    text: str,
    reply_to: str = "",
    allowed: Collection[str] = (),
) -> PreparedMail:
    """A single mail that many people ask for, encoded once; `allowed` are the placeholders in its parts.

    Fill it with `to`, `message_id`, `date` and those; `to_name` may be left out.
    """
    fields: list[bytes | HeaderSlot] = [
        headers.address_field("From", from_name, from_address),
        HeaderSlot.TO,
        _subject(subject),
        HeaderSlot.DATE,
        HeaderSlot.MESSAGE_ID,
        headers.address_field("Reply-To", "", reply_to) if reply_to else b"",
        _AUTO_SUBMITTED,
    ]
    return prepare(fields, html=html, text=text, allowed=allowed)


def _subject(subject: str) -> bytes:
    if PLACEHOLDER.search(subject):
        raise InputError(
            N_("A subject is the same for all readers: it cannot hold what differs between them.")
        )
    return headers.text_field("Subject", subject)
