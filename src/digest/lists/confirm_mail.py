"""The mail that asks whether it was really you, and the one for those who are on the list already.

Nothing of what was typed into a form stands in it but the address it goes to: otherwise the form would send
anybody's words to anybody, under our name.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from digest import notices
from digest.lists.stationery import Stationery
from digest.mail.headers import date_text, notice_message_id
from digest.mail.message import prepare_notice
from digest.mail.prepared import PreparedMail, fill
from digest.models import Digest
from digest.rendering.contexts import UNSUBSCRIBE_URL
from digest.rendering.notices import ConfirmNotice, NoticeKind, render_notice
from digest.tokens import Claim, Purpose

# The place of the person's own link in the prepared mail, which is then the same for everybody.
_LINK: Final = "unsubscribe_url"


def build(
    stationery: Stationery,
    digest: Digest,
    titles: Sequence[str],
    *,
    to: str,
    url: str,
    is_known: bool,
    key: str,
    now: dt.datetime,
) -> bytes:
    """The finished mail. `url` is the confirmation page or, if the person `is_known`, their own page."""
    prepared = _prepared(
        digest.language,
        ConfirmNotice(
            list_title=", ".join(titles),
            confirm_url=UNSUBSCRIBE_URL,
            sender_name=digest.sender_name,
            postal_address=digest.postal_address,
            is_known=is_known,
        ),
        digest.sender_address,
        digest.reply_to or "",
        stationery.templates,
    )
    domain = digest.sender_address.rpartition("@")[2]
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6])
    values = {
        "to": to,
        "date": date_text(now),
        "message_id": notice_message_id(number, domain, stationery.signer.keys[stationery.signer.current]),
        _LINK: url,
    }
    return fill(prepared, values)


def ask(session: Session, digest: Digest, *, to: str, message: bytes, key: str, now: dt.datetime) -> bool:
    """Have the mail sent, once by its key."""
    return notices.ask(
        session,
        key=key,
        kind=NoticeKind.CONFIRM.value,
        address=to,
        sender_address=digest.sender_address,
        message=message,
        now=now,
    )


def confirm_url(stationery: Stationery, *, list_id: int, subscriber_id: int, post: str) -> str:
    """The page with the one large button. `post` says which mail it is: each asks about lists of its own."""
    token = stationery.signer.sign(Claim(Purpose.CONFIRM, list_id, subscriber_id))
    return f"{stationery.public_url}/c/{token}?p={post}"


@functools.lru_cache(maxsize=64)
def _prepared(
    language: str, values: ConfirmNotice, sender_address: str, reply_to: str, templates: Path | None
) -> PreparedMail:
    """Rendering and encoding take twice as long as everything else of a sign-up together."""
    rendered = render_notice(NoticeKind.CONFIRM, language, values, templates=templates)
    return prepare_notice(
        from_name=values.sender_name,
        from_address=sender_address,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        reply_to=reply_to,
        allowed=(_LINK,),
    )
