"""What stands around an edition's stories beside the digest's own words: its sisters, the way to sign up."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import Digest, MailingList
from digest.rendering.contexts import SisterLink
from digest.rendering.sign_up import language_name


@dataclass(frozen=True, slots=True)
class Sister:
    """A digest of the same paper in another language: its open list, or else its home."""

    title: str
    language: str
    list_name: str | None
    home_url: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """An open list of the digest, and its sisters in the order in which they were made."""

    list_name: str | None = None
    sisters: tuple[Sister, ...] = ()

    def sign_up_url(self, public_url: str) -> str:
        """Where a reader's friend gets their own; "" if no list is open."""
        return f"{public_url}/s/{self.list_name}" if self.list_name else ""

    def links(self, public_url: str) -> tuple[SisterLink, ...]:
        """The ways to the sisters; one with neither an open list nor a home is left out."""
        return tuple(
            SisterLink(
                title=sister.title,
                url=f"{public_url}/s/{sister.list_name}" if sister.list_name else sister.home_url,
                language=sister.language,
                tongue=language_name(sister.language),
            )
            for sister in self.sisters
            if sister.list_name or sister.home_url
        )


def surroundings_of(session: Session, digest: Digest) -> Surroundings:
    """What is around a digest's editions now."""
    own = _open_lists(session, [digest.id]).get(digest.id)
    return Surroundings(list_name=own, sisters=_sisters(session, digest))


def _sisters(session: Session, digest: Digest) -> tuple[Sister, ...]:
    if not digest.sister_group:
        return ()
    others = session.scalars(
        sa.select(Digest)
        .where(
            Digest.sister_group == digest.sister_group,
            Digest.id != digest.id,
            Digest.language != digest.language,
        )
        .order_by(Digest.id)
    ).all()
    lists = _open_lists(session, [one.id for one in others])
    return tuple(Sister(one.title, one.language, lists.get(one.id), one.home_url) for one in others)


def _open_lists(session: Session, digest_ids: list[int]) -> dict[int, str]:
    """The first open list of each digest."""
    rows = session.execute(
        sa.select(MailingList.digest_id, MailingList.name)
        .where(MailingList.digest_id.in_(digest_ids), MailingList.is_open)
        .order_by(MailingList.id.desc())
    )
    return {row.digest_id: row.name for row in rows}
