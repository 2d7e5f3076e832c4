"""Make and change mailing lists."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from digest.db.dialect import insert_if_new
from digest.errors import InputError
from digest.lists.fields import check_short_name, clean_line
from digest.models import Digest, MailingList, UncertainPolicy


def create_list(
    session: Session,
    digest: Digest,
    *,
    name: str,
    title: str,
    now: dt.datetime,
    uncertain_policy: UncertainPolicy = UncertainPolicy.HOLD,
) -> MailingList:
    """Make a list of a digest; raises InputError if the name is taken or no name."""
    row = {
        "digest_id": digest.id,
        "name": check_short_name(name, what="list"),
        "title": _title(title),
        "uncertain_policy": uncertain_policy,
        "created_at": now,
    }
    made = insert_if_new(session, MailingList, row)
    if made is None:
        raise InputError(f"There is a list {name!r} already; choose another name.")
    return session.get_one(MailingList, made)


def set_list(
    mailing_list: MailingList, *, title: str | None = None, uncertain_policy: UncertainPolicy | None = None
) -> dict[str, str]:
    """Change what is given; returns what changed, for the audit."""
    changed: dict[str, str] = {}
    if title is not None and _title(title) != mailing_list.title:
        mailing_list.title = changed["title"] = _title(title)
    if uncertain_policy is not None and uncertain_policy != mailing_list.uncertain_policy:
        mailing_list.uncertain_policy = uncertain_policy
        changed["uncertain_policy"] = uncertain_policy.value
    return changed


def _title(text: str) -> str:
    cleaned = clean_line(text, what="title")
    if not cleaned:
        raise InputError("A list needs a title: readers see it.")
    return cleaned
