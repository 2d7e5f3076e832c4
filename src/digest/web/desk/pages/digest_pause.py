"""A whole digest paused by one press, and let go on by another."""

from __future__ import annotations

from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions.standstill import let_digest_go_on, pause_digest
from digest.errors import StateError
from digest.models import Digest
from digest.web.desk.pages.digests import digest_page
from digest.web.desk.table import desk
from digest.web.desk.visit import Here


@desk.post("/digests/{digest}/pause", may=May.EDIT_DIGEST)
def pause_whole(visit: Here, digest: int) -> Response:
    """No new editions of any of its rhythms come until it goes on."""
    try:
        with visit.database.write() as session:
            found = session.get_one(Digest, digest)
            count = len(pause_digest(session, found, actor=visit.actor, now=visit.now))
    except StateError as error:
        return digest_page(visit, digest, visit.told(error), status=409)
    said = visit.words.ngettext(
        "%(count)s rhythm is paused: no new editions come.",
        "%(count)s rhythms are paused: no new editions come.",
        count,
    )
    return visit.go(f"/desk/digests/{digest}", said)


@desk.post("/digests/{digest}/go-on", may=May.EDIT_DIGEST)
def go_on_whole(visit: Here, digest: int) -> Response:
    """The rhythms that were paused with it come again, each from its next slot on."""
    try:
        with visit.database.write() as session:
            found = session.get_one(Digest, digest)
            count = len(let_digest_go_on(session, found, actor=visit.actor, now=visit.now))
    except StateError as error:
        return digest_page(visit, digest, visit.told(error), status=409)
    said = visit.words.ngettext(
        "%(count)s rhythm runs: its next edition comes at its next time.",
        "%(count)s rhythms run: their next editions come at their next times.",
        count,
    )
    return visit.go(f"/desk/digests/{digest}", said)
