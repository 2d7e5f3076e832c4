"""The mail that asks whether it was really you, and the one for those who are on the list already.

Nothing of what was typed into a form stands in it but the address it goes to: otherwise the form would send
anybody's words to anybody, under our name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from digest import notices
from digest.lists.person_mail import person_mail
from digest.lists.stationery import Stationery
from digest.models import Digest
from digest.rendering.contexts import UNSUBSCRIBE_URL
from digest.rendering.notices import ConfirmNotice, NoticeKind
from digest.tokens import Claim, Purpose


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
    values = ConfirmNotice(
        list_title=", ".join(titles),
        confirm_url=UNSUBSCRIBE_URL,
        sender_name=digest.sender_name,
        postal_address=digest.postal_address,
        is_known=is_known,
        digest_title=digest.title,
    )
    return person_mail(
        stationery, NoticeKind.CONFIRM, values, digest=digest, address=to, link=url, key=key, now=now
    )


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
