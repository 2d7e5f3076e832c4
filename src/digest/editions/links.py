"""Counted links of editions: kept with each version, looked up, counted, and led elsewhere by a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.bulk import insert_or_add
from digest.db.dialect import among_texts, insert_new_rows
from digest.errors import InputError, NotFoundError
from digest.models import Edition, Item, Link, LinkCount
from digest.rendering.links import CODE, PATH, code_of
from digest.rendering.words import clean_address

_ROWS: Final = 1_000  # of one statement
_DIGITS: Final = 10


class Followed(NamedTuple):
    """How often a link was followed in an hour (UTC)."""

    code: str
    hour: dt.datetime
    people: int
    bots: int


@dataclass(frozen=True, slots=True)
class LinkLine:
    """One link of an edition. `story` is its number there, as `digest edition show` lists them; 0: of none.

    `url` is what the mail was made with, `target` where it leads now.
    """

    code: str
    story: int
    title: str
    url: str
    target: str
    people: int
    bots: int
    changed_by: str | None
    changed_at: dt.datetime | None


def keep_links(session: Session, edition_id: int, links: Mapping[str, str]) -> None:
    """Keep where each code leads. One that is there stays as it is: somebody may have led it elsewhere."""
    rows = [
        {"code": code, "edition_id": edition_id, "url": url, "target": url} for code, url in links.items()
    ]
    insert_new_rows(session, Link, rows)


def targets_of(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """Where links lead now, by their codes; those that are not there are left out."""
    wanted = sa.select(Link.code, Link.target).where(among_texts(session, Link.code, codes))
    return {row.code: row.target for row in session.execute(wanted)}


def add_counts(session: Session, counts: Iterable[Followed]) -> None:
    """Add to what is there, in one statement for each thousand; links that are gone are not counted any more.

    The rows are taken in one order by all who count, so that no two wait for each other.
    """
    ordered = sorted(counts)
    wanted = sa.select(Link.code).where(among_texts(session, Link.code, {each.code for each in ordered}))
    known = set(session.scalars(wanted))
    rows = [each._asdict() for each in ordered if each.code in known]
    for first in range(0, len(rows), _ROWS):
        part = rows[first : first + _ROWS]
        insert_or_add(session, LinkCount, part, key=("code", "hour"), names=("people", "bots"))


def list_links(session: Session, edition: Edition) -> list[LinkLine]:
    """The links of an edition with how often each was followed: those of its stories first, in order."""
    counts = (
        sa.select(
            LinkCount.code,
            sa.func.sum(LinkCount.people).label("people"),
            sa.func.sum(LinkCount.bots).label("bots"),
        )
        .join(Link, Link.code == LinkCount.code)
        .where(Link.edition_id == edition.id)
        .group_by(LinkCount.code)
        .subquery()
    )
    found = session.execute(
        sa.select(Link, sa.func.coalesce(counts.c.people, 0), sa.func.coalesce(counts.c.bots, 0))
        .outerjoin(counts, counts.c.code == Link.code)
        .where(Link.edition_id == edition.id)
    )
    # Of several stories with one address the first counts.
    stories = {code: (number, title) for number, code, title in reversed(_stories(session, edition))}
    lines = [_line(link, int(people), int(bots), stories) for link, people, bots in found]
    return sorted(lines, key=lambda line: (line.story == 0, line.story, line.url))


def repoint(
    session: Session,
    edition: Edition,
    which: str,
    url: str,
    *,
    public_url: str,
    actor: str,
    now: dt.datetime,
) -> Link:
    """Lead a link of an edition elsewhere, also in mails that have arrived; back again by its first address.

    `which` is the number of a story or a link's code. Raises NotFoundError if there is no such link, and
    InputError for an address that cannot be linked to.
    """
    link = _chosen(session, edition, which)
    target = check_target(url, public_url=public_url)
    before, link.target = link.target, target
    link.changed_by, link.changed_at = actor, now
    details = {"code": link.code, "from": before, "to": target}
    audit.record(session, "link.repoint", edition, actor=actor, now=now, details=details)
    return link


def check_target(url: str, *, public_url: str) -> str:
    """The address in the form in which it is linked to; InputError if a link must not lead there."""
    target = clean_address(url)
    if not target or not urlsplit(target).scheme.startswith("http"):
        raise InputError(
            f"{url[:80]!r} is no address of the web; write it whole, like https://paper.example.org/story/; "
            "without a name or password and within 2,000 characters."
        )
    ours, theirs = urlsplit(public_url), urlsplit(target)
    if ours.hostname == theirs.hostname and theirs.path.startswith(f"{ours.path.rstrip('/')}{PATH}"):
        raise InputError("A counted link cannot lead to another one; give the address of the page itself.")
    return target


def _chosen(session: Session, edition: Edition, which: str) -> Link:
    wanted = which.strip().lower().rpartition("/")[2]  # a link's whole address will do
    if CODE.fullmatch(wanted):
        link = session.get(Link, wanted)
        if link is None or link.edition_id != edition.id:
            raise _no_link(edition, f"no link {wanted}")
        return link
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < _DIGITS):
        raise InputError(f"{which[:60]!r} is neither the number of a story nor the code of a link.")
    codes = {number: code for number, code, _ in _stories(session, edition)}
    code = codes.get(int(wanted))
    link = session.get(Link, code) if code else None
    if link is None:
        raise _no_link(edition, f"no counted link to a story {int(wanted)}")
    return link


def _no_link(edition: Edition, what: str) -> NotFoundError:
    return NotFoundError(
        f"Edition {edition.id} has {what}.", hint=f"`digest link list {edition.id}` shows those it has."
    )


def _stories(session: Session, edition: Edition) -> list[tuple[int, str, str]]:
    """The stories of the edition's present version: number, the code of its link, title."""
    items = session.execute(
        sa.select(Item.position, Item.story)
        .where(Item.revision_id == edition.revision_id)
        .order_by(Item.position)
    )
    return [
        (position + 1, code_of(edition.public_id, clean_address(story["url"])), story["title"])
        for position, story in items
    ]


def _line(link: Link, people: int, bots: int, stories: Mapping[str, tuple[int, str]]) -> LinkLine:
    number, title = stories.get(link.code, (0, ""))
    return LinkLine(
        code=link.code,
        story=number,
        title=title,
        url=link.url,
        target=link.target,
        people=people,
        bots=bots,
        changed_by=link.changed_by,
        changed_at=link.changed_at,
    )
