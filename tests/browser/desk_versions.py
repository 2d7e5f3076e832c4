"""Two editions of the invented newsroom that want a second look: what is on their pages differs from before.

The approval of one is void, and it is locked anew; of the other, which is paused on its way, there is a next
version.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from digest.deliveries import control
from digest.deliveries.relock import unlock
from digest.editions import shape
from digest.editions.approve import approve
from digest.editions.revise import Correction, revise
from digest.models import Account, ChangeKind, Edition, Post, Revision

if TYPE_CHECKING:
    from tests.browser.desk_scene import Scene

PUBLIC_URL: Final = "https://digest.courier.example"
_WHILE: Final = dt.timedelta(minutes=40)


def add_void_approval(scene: Scene, *, hours: float) -> None:
    """Approved, then locked again; meanwhile a story was rewritten, another taken out."""
    before = replace(scene, now=scene.now - _WHILE)
    made = before.edition("night", hours)
    before.lock(made, approved_by="")
    editor, approver = scene.things["account"], scene.things["account:approver"]
    with scene.database.write() as session:
        edition = session.get_one(Edition, made)
        fingerprint = session.get_one(Revision, edition.revision_id).fingerprint
        account = session.get_one(Account, approver)
        approve(session, edition, account, fingerprint, now=before.now + _WHILE / 4)
        by, at = f"account:{editor}", before.now + _WHILE / 2
        unlock(session, edition, actor=by, now=at)
        newest = sa.select(Post.id).where(Post.language == "en").order_by(Post.published_at.desc()).limit(3)
        posts = session.scalars(newest).all()
        shape.rewrite(
            session, edition, {"title": "A bridge for everybody"}, post_id=posts[1], actor=by, now=at
        )
        shape.drop(session, edition, posts[2], actor=by, now=at)
        shape.set_words(session, edition, ChangeKind.SUBJECT, "A bridge, and tea", actor=by, now=at)
    scene.lock(made, approved_by="")
    scene.things["edition:void"] = made


def add_next_version(scene: Scene, *, hours: float) -> None:
    """Paused when some had it, and corrected: the next version goes to nobody before it is approved."""
    made = scene.edition("night", hours)
    scene.lock(made)
    scene.begin(made)
    scene.hand_over(made, of_hundred=40)
    with scene.database.write() as session:
        control.pause(session, session.get_one(Edition, made), actor=scene.actor, now=scene.now)
    revise(
        scene.database,
        made,
        Correction(titles={2: "The bakery opens at six"}, note="The bakery opens at six, not at five."),
        public_url=PUBLIC_URL,
        templates=None,
        actor=f"account:{scene.things['account']}",
    )
    scene.things["edition:corrected"] = made
