"""What becomes of the people on a cadence that is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digest.cli import common

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.models import Cadence


def stranded_line(session: Session, digest: str, cadence: Cadence) -> str:
    """Says how many get nothing now, and how to move them; "" if there is nobody."""
    from digest.lists.stranded import people_on  # noqa: PLC0415

    people = 0 if cadence.is_running else people_on(session, cadence)
    if not people:
        return ""
    return (
        f"{people:,} people have chosen it and get nothing until you act: "
        f"`digest cadence set {digest} {cadence.name} --move-to CADENCE` puts them on another one."
    )


def check_target(session: Session, cadence: Cadence, target: str | None) -> None:
    """Refuse, before anything is changed, a cadence that nobody can be moved to."""
    from digest.lists.queries import cadence_named  # noqa: PLC0415
    from digest.lists.stranded import check_target  # noqa: PLC0415

    if target is not None:
        check_target(cadence, cadence_named(session, cadence.digest_id, target))


def move_all(digest: str, name: str, target: str) -> None:
    """Put everybody who has chosen a cadence on another one of the digest, and say how many."""
    from digest import audit  # noqa: PLC0415
    from digest.lists.preferences import By  # noqa: PLC0415
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415
    from digest.lists.status import Origin  # noqa: PLC0415
    from digest.lists.stranded import move_people  # noqa: PLC0415

    now, by = common.now(), By(Origin.CLI, common.actor())
    with common.open_database() as database, common.progress() as tell:
        with database.read() as session:
            digest_id = digest_named(session, digest).id
            cadence = cadence_named(session, digest_id, name)
            target_id = cadence_named(session, digest_id, target).id
        moved = move_people(database, cadence.id, target_id, by=by, now=now, progress=tell)
        with database.write() as session:
            details = {"to": target, "people": moved}
            audit.record(session, "cadence.move_people", cadence, actor=by.actor, now=now, details=details)
    common.say(f"{moved:,} people are on {target} now.")
