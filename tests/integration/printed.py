"""Editions with real content: stories, rendered and stored as the freeze does it, without reading a site."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from digest.deliveries.plan import plan
from digest.deliveries.switch import go_on_with
from digest.editions.compose import Material, compose
from digest.editions.revise import Correction, revise
from digest.editions.revisions import FREEZE, approve, revision_of, store_revision
from digest.editions.slots import add_edition
from digest.models import Digest, Edition, EditionKind, EditionState, Post
from digest.rendering.contexts import TextSize
from tests.integration.planned import PUBLIC_URL, Desk, make_post

TITLES = ("On Patience", "Mill Bridge Opens", "Choir Seeks Tenors")


@dataclass
class Printed:
    """The newsroom's hand on one edition."""

    desk: Desk
    edition_id: int

    def revise(self, **values: object) -> int:
        """Make the next version."""
        return revise(
            self.desk.database,
            self.edition_id,
            Correction(**values),  # type: ignore[arg-type]
            public_url=PUBLIC_URL,
            templates=None,
            actor="cli:ani",
        )

    def approve(self, number: int, *, now: dt.datetime) -> bool:
        with self.desk.database.write() as session:
            revision = revision_of(session, session.get_one(Edition, self.edition_id), number)
            return approve(session, revision, actor="cli:ara", now=now)

    def go_on(self, number: int, *, now: dt.datetime) -> int:
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            revision = revision_of(session, edition, number)
            return go_on_with(session, edition, revision, actor="cli:ani", now=now)

    def set_state(self, state: EditionState) -> None:
        with self.desk.database.write() as session:
            session.get_one(Edition, self.edition_id).state = state


def print_edition(
    desk: Desk,
    now: dt.datetime,
    *,
    sizes: tuple[TextSize, ...] = (TextSize.NORMAL,),
    is_planned: bool = False,
) -> Printed:
    """A locked edition with a commentary and two headlines; its audience is fixed too if wanted."""
    with desk.database.write() as session:
        digest = session.get_one(Digest, desk.cadence.digest_id)
        made = [
            make_post(
                session,
                now - dt.timedelta(hours=number),
                title=title,
                author="Nare Saroyan",
                excerpt=f"SPRINGDALE -- Of {title.lower()}.",
                body_html=f"<p>The whole of it: {title.lower()}.</p>",
            )
            for number, title in enumerate(TITLES, start=1)
        ]
        posts = [session.get_one(Post, post_id) for post_id in made]
        edition_id = add_edition(session, desk.cadence, kind=EditionKind.EXTRA, due_at=now, now=now)
        assert edition_id is not None
        edition = session.get_one(Edition, edition_id)
        material = Material(edition, desk.cadence, digest, posts[0], tuple(posts[1:]), sizes)
        composed = compose(material, public_url=PUBLIC_URL, templates=None)
        revision = store_revision(session, edition_id, composed, approved_by=FREEZE, now=now)
        edition.revision_id, edition.state = revision.id, EditionState.FROZEN
        if is_planned:
            session.flush()
            plan(session, edition_id, now=now)
    return Printed(desk, edition_id)
