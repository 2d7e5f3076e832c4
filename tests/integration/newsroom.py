"""A digest with stories that stand in the database already, and its next edition: no site is read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.deliveries.handover import go_on
from digest.deliveries.plan import plan
from digest.editions.compose import compose
from digest.editions.material import Considered, Outcome, considered, material_of
from digest.editions.revisions import FREEZE, store_revision
from digest.editions.schedule import day_of
from digest.editions.slots import add_edition
from digest.editions.states import move
from digest.models import (
    Cadence,
    Digest,
    DigestSource,
    Edition,
    EditionKind,
    EditionState,
    FeaturedBy,
    Item,
    Post,
    PostSource,
    Revision,
    Source,
    Variant,
)
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.integration.planned import PUBLIC_URL

ACTOR = "cli:nare"


@dataclass
class Newsroom:
    """The desk of one digest. `now` is the moment of its tests."""

    database: Database
    digest_id: int
    cadence_id: int
    source_id: int
    now: dt.datetime

    def publish(self, title: str, *, hours: float = 2, is_news: bool = True, **values: Any) -> int:
        """A story of some hours ago; its id."""
        plain: dict[str, Any] = {"author": "Nare Saroyan", "excerpt": f"SPRINGDALE -- Of {title}."}
        with self.database.write() as session:
            post = Post(
                url=f"https://courier.example/{title.replace(' ', '-')}/",
                title=title,
                published_at=self.now - dt.timedelta(hours=hours),
                content_fingerprint="0" * 64,
                first_seen_at=self.now,
                changed_at=self.now,
                **(plain | values),
            )
            session.add(post)
            session.flush()
            row = PostSource(source_id=self.source_id, post_id=post.id, is_news=is_news, seen_at=self.now)
            session.add(row)
            return post.id

    def change(self, table: type[Digest | Cadence | Post | Edition], **values: Any) -> None:
        """Change settings in all rows of a table."""
        with self.database.write() as session:
            session.execute(sa.update(table).values(**values))

    def edition(self, *, hours: float = 1, kind: EditionKind = EditionKind.EXTRA) -> int:
        """The edition that goes out in some hours; its id."""
        with self.database.write() as session:
            cadence = session.get_one(Cadence, self.cadence_id)
            due_at = self.now + dt.timedelta(hours=hours)
            made = add_edition(session, cadence, kind=kind, due_at=due_at, now=self.now)
            assert made is not None
            return made

    def day(self, *, hours: float = 1) -> dt.date:
        """The day on which that edition goes out, in its cadence's zone."""
        with self.database.read() as session:
            zone = session.get_one(Cadence, self.cadence_id).zone
        return day_of(self.now + dt.timedelta(hours=hours), zone)

    def considered(self, edition_id: int) -> Considered:
        with self.database.read() as session:
            return considered(session, edition_id, now=self.now)

    def titles(self, edition_id: int) -> list[str]:
        """What would be in it now, in order."""
        return [
            row["title"]
            for row in self.considered(edition_id).explanation
            if "place" in row.get("facts", {}) or row["why"].startswith("featured")
        ]

    def why(self, edition_id: int) -> dict[str, str]:
        """The code of each candidate, by its title."""
        return {row["title"]: row["why"] for row in self.considered(edition_id).explanation}

    def freeze(self, edition_id: int) -> Outcome | None:
        """Fix its content as the freeze does, without reading sites."""
        with self.database.write() as session:
            material = material_of(session, edition_id, now=self.now)
            if isinstance(material, Outcome):
                return material
            composed = compose(material, public_url=PUBLIC_URL, templates=None)
            revision = store_revision(session, edition_id, composed, approved_by=FREEZE, now=self.now)
            edition = session.get_one(Edition, edition_id)
            move(session, edition, EditionState.FROZEN, now=self.now)
            edition.revision_id = revision.id
            edition.remarks = list(composed.remarks)
        return None

    def send(self, edition_id: int) -> EditionState:
        """Plan it and let its slot come; the state that it is in then."""
        with self.database.write() as session:
            plan(session, edition_id, now=self.now)
            session.get_one(Edition, edition_id).send_at = self.now
            session.flush()
            go_on(session, now=clock.utc_now())
            return session.get_one(Edition, edition_id).state

    def add_reader(self) -> None:
        with self.database.write() as session:
            mailing_list = make_list(session, session.get_one(Digest, self.digest_id))
            make_subscription(session, mailing_list, make_subscriber(session))

    def printed(self, session: Session, edition_id: int) -> tuple[Revision, Variant, list[Item]]:
        """Its version, its mail and its items."""
        revision = session.get_one(Revision, session.get_one(Edition, edition_id).revision_id)
        variant = session.scalars(sa.select(Variant).where(Variant.revision_id == revision.id)).first()
        assert variant is not None
        items = session.scalars(
            sa.select(Item).where(Item.revision_id == revision.id).order_by(Item.position)
        )
        return revision, variant, list(items)


def make_newsroom(database: Database, name: str = "courier") -> Newsroom:
    """The Courier with a source, a cadence and one reader; commentaries are featured."""
    now = clock.utc_now().replace(microsecond=0)
    with database.write() as session:
        digest = make_digest(
            session, name, featured_by=FeaturedBy.CATEGORY, featured_value="Commentary", recent_least=0
        )
        cadence = make_cadence(session, digest, is_running=False)
        source = Source(
            url=f"https://{name}.example/feed/",
            title="The Courier",
            news_since=now,
            next_fetch_at=now,
            created_at=now,
        )
        session.add(source)
        session.flush()
        session.add(DigestSource(digest_id=digest.id, source_id=source.id))
        room = Newsroom(database, digest.id, cadence.id, source.id, now)
    room.add_reader()
    return room
