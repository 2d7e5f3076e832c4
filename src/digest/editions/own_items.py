"""The desk's own items: obituaries, appeals, events, notes; with the days on which they may go out.

Steps take a Session and never commit. Where an item stands is for `editions.places`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.places import OwnCandidate
from digest.errors import InputError, NotFoundError
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.models import Digest, Edition, Item, OwnItem, OwnItemKind, OwnItemUse

_TITLE_LIMIT: Final = 300
TEXT_LIMIT: Final = 4_000
_URL_LIMIT: Final = 2_000
# An item is named among the reasons for so many days after its last one.
_REMEMBERED: Final = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True)
class OwnLine:
    """One of the desk's own items in a list, and in how many editions it went out."""

    id: int
    kind: OwnItemKind
    title: str
    from_on: dt.date
    until_on: dt.date
    may_repeat: bool
    position: int | None
    withdrawn_at: dt.datetime | None
    made_by: str
    uses: int


def add_own_item(
    session: Session,
    digest: Digest,
    *,
    kind: OwnItemKind,
    title: str,
    from_on: dt.date,
    until_on: dt.date,
    text: str = "",
    url: str = "",
    section: str = "",
    may_repeat: bool = False,
    position: int | None = None,
    actor: str,
    now: dt.datetime,
) -> OwnItem:
    """Put an item of the desk's own into a digest; `text` is Markdown. Raises InputError."""
    line = clean_line(title, what=N_("title"), limit=_TITLE_LIMIT)
    if not line:
        raise InputError(N_("The item's title cannot be empty."))
    if until_on < from_on:
        raise InputError(
            N_("The last day, %(last)s, is before the first, %(first)s."), last=until_on, first=from_on
        )
    if len(text) > TEXT_LIMIT:
        raise InputError(N_("The text is longer than %(limit)s characters."), limit=TEXT_LIMIT)
    if position is not None and not 1 <= position <= 100:
        raise InputError(N_("The position must be from 1 to 100, not %(position)s."), position=position)
    item = OwnItem(
        digest_id=digest.id,
        kind=kind,
        title=line,
        text=text.strip(),
        url=check_url(url),
        section=clean_line(section, what=N_("section")),
        from_on=from_on,
        until_on=until_on,
        may_repeat=may_repeat,
        position=position,
        made_by=actor,
        made_at=now,
    )
    session.add(item)
    session.flush()
    audit.record(session, "item.add", item, actor=actor, now=now, details={"kind": kind.value})
    return item


def check_url(url: str) -> str:
    """Where an item's title leads; "" for nowhere. Raises InputError for what is no web address."""
    if url and not url.startswith(("https://", "http://")):
        raise InputError(
            N_("%(text)r is not a web address; write it like https://paper.example.org/."), text=url[:80]
        )
    return url[:_URL_LIMIT]


def get_own_item(session: Session, item_id: int) -> OwnItem:
    """An own item by its id; raises NotFoundError."""
    found = session.get(OwnItem, item_id) if 0 < item_id < 2**63 else None
    if found is None:
        raise NotFoundError(
            N_("There is no item %(item)s."),
            item=item_id,
            hint="`digest item list DIGEST` shows those there are.",
        )
    return found


def withdraw_own_item(session: Session, item: OwnItem, *, actor: str, now: dt.datetime) -> bool:
    """Let an item go out no more; False if it was withdrawn already. What is locked with it keeps it."""
    if item.withdrawn_at is not None:
        return False
    item.withdrawn_at = now
    session.flush()
    audit.record(session, "item.withdraw", item, actor=actor, now=now)
    return True


def list_own_items(session: Session, digest: Digest) -> list[OwnLine]:
    """All the items of a digest, those that go out first at the top."""
    uses = (
        sa.select(OwnItemUse.own_item_id, sa.func.count().label("uses"))
        .group_by(OwnItemUse.own_item_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(OwnItem, sa.func.coalesce(uses.c.uses, 0))
        .outerjoin(uses, uses.c.own_item_id == OwnItem.id)
        .where(OwnItem.digest_id == digest.id)
        .order_by(OwnItem.from_on, OwnItem.id)
    )
    return [
        OwnLine(
            id=item.id,
            kind=item.kind,
            title=item.title,
            from_on=item.from_on,
            until_on=item.until_on,
            may_repeat=item.may_repeat,
            position=item.position,
            withdrawn_at=item.withdrawn_at,
            made_by=item.made_by,
            uses=count,
        )
        for item, count in rows
    ]


def own_candidates(
    session: Session, edition: Edition, digest_id: int, day: dt.date, wanted: Collection[int] = ()
) -> dict[int, tuple[OwnItem, OwnCandidate]]:
    """The digest's own items around a day, as an edition looks at them: a use counts in its own cadence.

    `wanted` are those that its editors have said a word on, which may be made for it alone.
    """
    used = (
        sa.select(OwnItemUse.own_item_id, sa.func.max(Edition.send_at).label("used_at"))
        .join(Edition, Edition.id == OwnItemUse.edition_id)
        .where(Edition.cadence_id == edition.cadence_id, Edition.id != edition.id)
        .group_by(OwnItemUse.own_item_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(OwnItem, used.c.used_at)
        .outerjoin(used, used.c.own_item_id == OwnItem.id)
        .where(
            OwnItem.digest_id == digest_id,
            sa.or_(OwnItem.until_on >= day - _REMEMBERED, OwnItem.id.in_(sorted(wanted))),
        )
        .order_by(OwnItem.id)
    )
    return {
        item.id: (
            item,
            OwnCandidate(
                own_item_id=item.id,
                from_on=item.from_on,
                until_on=item.until_on,
                position=item.position,
                may_repeat=item.may_repeat,
                used_at=used_at,
                is_withdrawn=item.withdrawn_at is not None,
            ),
        )
        for item, used_at in rows
    }


def note_uses(session: Session, edition: Edition) -> None:
    """Write that the own items of an edition's version go out with it."""
    placed = session.scalars(
        sa.select(Item.own_item_id).where(
            Item.revision_id == edition.revision_id, Item.own_item_id.is_not(None)
        )
    )
    noted = set(session.scalars(sa.select(OwnItemUse.own_item_id).where(OwnItemUse.edition_id == edition.id)))
    new = sorted({item for item in placed if item is not None} - noted)
    session.add_all(OwnItemUse(own_item_id=item, edition_id=edition.id) for item in new)
    session.flush()
