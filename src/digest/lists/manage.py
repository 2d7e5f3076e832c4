"""Make and change mailing lists."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from digest.db.dialect import insert_if_new
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.fields import check_short_name, clean_line
from digest.models import Digest, MailingList, NetworkRecord, OptIn, UncertainPolicy

_ORIGINS_MOST: Final = 20
_PORTS: Final = {"https": 443, "http": 80}
_HOST: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")


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
        "name": check_short_name(name, what=N_("list")),
        "title": _title(title),
        "uncertain_policy": uncertain_policy,
        "created_at": now,
    }
    made = insert_if_new(session, MailingList, row)
    if made is None:
        raise InputError(N_("There is a list %(name)r already; choose another name."), name=name)
    return session.get_one(MailingList, made)


@dataclass(frozen=True, slots=True)
class ListChanges:
    """What is to be changed of a list; None leaves it as it is."""

    title: str | None = None
    uncertain_policy: UncertainPolicy | None = None
    is_open: bool | None = None
    opt_in: OptIn | None = None
    welcomes_with_latest: bool | None = None
    network_record: NetworkRecord | None = None
    network_days: int | None = None
    form_origins: Sequence[str] | None = None


def set_list(mailing_list: MailingList, changes: ListChanges) -> dict[str, str]:
    """Change what is given; returns what changed, for the audit. Raises InputError first."""
    wanted: dict[str, Any] = {
        "title": None if changes.title is None else _title(changes.title),
        "uncertain_policy": changes.uncertain_policy,
        "is_open": changes.is_open,
        "opt_in": changes.opt_in,
        "welcomes_with_latest": changes.welcomes_with_latest,
        "network_record": changes.network_record,
        "network_days": None if changes.network_days is None else _days(changes.network_days),
        "form_origins": None if changes.form_origins is None else _origins(changes.form_origins),
    }
    changed: dict[str, str] = {}
    for name, value in wanted.items():
        if value is not None and value != getattr(mailing_list, name):
            setattr(mailing_list, name, value)
            changed[name] = ", ".join(value) if isinstance(value, list) else str(value)
    return changed


def check_origin(text: str) -> str:
    """A site as browsers name it in `Origin`: `https://example.org`, perhaps with a port."""
    cleaned = text.strip().lower().rstrip("/")
    try:
        parts = urlsplit(cleaned)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        host, port = "", None
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username) if host else False
    if not is_bare or parts.scheme not in _PORTS or not _HOST.fullmatch(host):
        raise InputError(N_("%(text)r is not a site; write it like https://example.org."), text=text[:80])
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != _PORTS[parts.scheme] else "")


def _origins(texts: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(check_origin(text) for text in texts))
    if len(found) > _ORIGINS_MOST:
        raise InputError(N_("A list names at most %(most)s sites."), most=_ORIGINS_MOST)
    return found


def _days(days: int) -> int:
    if not 1 <= days <= 3650:
        raise InputError(N_("Network addresses are kept for 1 to 3650 days."))
    return days


def _title(text: str) -> str:
    cleaned = clean_line(text, what=N_("title"))
    if not cleaned:
        raise InputError(N_("A list needs a title: readers see it."))
    return cleaned
