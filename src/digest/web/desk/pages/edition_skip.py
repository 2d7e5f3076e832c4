"""An edition that is not to come out: its date is skipped, which can be taken back; or it is left out."""

from __future__ import annotations

from starlette.responses import Response

from digest.accounts.rights import May
from digest.deliveries.proof import stop_for_good
from digest.editions.dates import is_skipped, parse_day, skip_day, take_back
from digest.editions.schedule import day_of
from digest.editions.show import get_edition
from digest.errors import StateError
from digest.i18n import N_
from digest.models import Account, Cadence, EditionKind, EditionState
from digest.web.desk.table import desk
from digest.web.desk.visit import Here


@desk.post("/editions/{edition}/skip", may=May.EDIT_EDITION)
def skip(visit: Here, edition: int) -> Response:
    """Let nothing come out on its day: the edition moves to the next slot, with all that was done to it."""
    with visit.database.write() as session:
        found = get_edition(session, edition)
        session.refresh(found, with_for_update=True)
        if found.state is not EditionState.UPCOMING or found.kind is not EditionKind.SCHEDULED:
            raise StateError(
                visit.words.gettext(N_("Somebody was quicker: this date cannot be skipped any more."))
            )
        cadence = session.get_one(Cadence, found.cadence_id)
        day = parse_day(visit.form.text("day"))
        # Pressed twice, the edition stands at the next date by now: that one nobody has asked to skip.
        if day == day_of(found.due_at, cadence.zone):
            skip_day(session, cadence, day, actor=visit.actor, now=visit.now)
        elif not is_skipped(session, cadence, day):
            raise StateError(
                visit.words.gettext(N_("Somebody was quicker: this date cannot be skipped any more."))
            )
    said = N_("Nothing comes out on %(day)s. The edition moves to the next date; you can take that back.")
    return visit.go(f"/desk/editions/{edition}", visit.words.gettext(said, day=visit.words.day(day)))


@desk.post("/editions/{edition}/unskip", may=May.EDIT_EDITION)
def unskip(visit: Here, edition: int) -> Response:
    """Take a skipped date back: the edition comes out then."""
    day = parse_day(visit.form.text("day"))
    with visit.database.write() as session:
        found = get_edition(session, edition)
        cadence = session.get_one(Cadence, found.cadence_id)
        take_back(session, cadence, day.isoformat(), actor=visit.actor, now=visit.now)
    said = N_("It comes out on %(day)s after all.")
    return visit.go(f"/desk/editions/{edition}", visit.words.gettext(said, day=visit.words.day(day)))


@desk.post("/editions/{edition}/leave-out", may=May.EDIT_EDITION)
def leave_out(visit: Here, edition: int) -> Response:
    """End it before anybody is handed it. Its stories stay news for the next one."""
    with visit.database.write() as session:
        found = get_edition(session, edition)
        session.refresh(found, with_for_update=True)
        account = session.get_one(Account, visit.me.id)
        before = found.state in (EditionState.UPCOMING, EditionState.HELD, EditionState.FROZEN)
        if not before or not stop_for_good(session, found, account, now=visit.now):
            raise StateError(
                visit.words.gettext(N_("Somebody was quicker: this edition is on its way or over already."))
            )
    said = N_("The edition is left out; its stories stay news for the next one.")
    return visit.go(f"/desk/editions/{edition}", visit.words.gettext(said))
