"""What becomes of an edition by a person's word: held, let go on, locked anew, approved, paused, stopped."""

from __future__ import annotations

from starlette.responses import Response

from digest.accounts.rights import May
from digest.deliveries import control
from digest.deliveries.relock import unlock as lock_anew
from digest.deliveries.stop import Stopped, stop
from digest.editions.approve import StaleApprovalError
from digest.editions.approve import approve as approve_edition
from digest.editions.copies import Imprint, ask_test_mails
from digest.editions.differences import difference_sentence
from digest.editions.progress import thaw
from digest.editions.show import get_edition
from digest.errors import InputError, NotFoundError, StateError
from digest.i18n import N_
from digest.models import Account, ApprovalWay, EditionState
from digest.rendering.contexts import TextSize
from digest.web.desk.pages.editions import edition_page
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit


@desk.post("/editions/{edition}/hold", may=May.EDIT_EDITION)
def hold(visit: Here, edition: int) -> Response:
    """Keep it from going out until a person says so, or its deadline comes."""
    with visit.database.write() as session:
        account = session.get_one(Account, visit.me.id)
        does = stop(session, get_edition(session, edition), account, by="the desk", now=visit.now)
    said = {
        Stopped.HELD: N_("The edition is held. It goes out when somebody lets it go on."),
        Stopped.PAUSED: N_("The edition is paused: nobody more is handed it."),
        Stopped.ALREADY: N_("Somebody was quicker: it waits for a person already."),
        Stopped.OVER: N_("There is nothing left to stop."),
    }
    return _back(visit, edition, said[does])


@desk.post("/editions/{edition}/go-on", may=May.EDIT_EDITION)
def go_on(visit: Here, edition: int) -> Response:
    """Let a held edition go on: it is made anew of what has come in, and locked."""
    with visit.database.write() as session:
        found = get_edition(session, edition)
        session.refresh(found, with_for_update=True)
        if found.state is not EditionState.HELD:
            raise StateError(
                visit.words.gettext(N_("Somebody was quicker: this edition is not held any more."))
            )
        thaw(session, found, actor=visit.actor, now=visit.now)
    return _back(visit, edition, N_("The edition goes on; it is locked in a moment."))


@desk.post("/editions/{edition}/lock-again", may=May.EDIT_EDITION)
def lock_again(visit: Here, edition: int) -> Response:
    """Take the lock back, so that stories can be changed; it is locked anew at its time or at once."""
    with visit.database.write() as session:
        lock_anew(session, get_edition(session, edition), actor=visit.actor, now=visit.now)
    return _back(visit, edition, N_("It is being locked again, with what stands on the site now."))


@desk.post("/editions/{edition}/approve", may=May.APPROVE_EDITION)
def approve(visit: Here, edition: int) -> Response:
    """Approve exactly what was shown; after a change, the difference is shown instead."""
    fingerprint = visit.form.text("fingerprint")
    try:
        with visit.database.write() as session:
            approve_edition(
                session,
                get_edition(session, edition),
                session.get_one(Account, visit.me.id),
                fingerprint,
                way=ApprovalWay.DESK,
                now=visit.now,
            )
    except StaleApprovalError as error:
        changes = " ".join(difference_sentence(one, visit.words) for one in error.changes)
        said = visit.words.gettext(
            "It has changed since you looked, so it is not approved. %(changes)s", changes=changes
        )
        return edition_page(visit, edition, fault=said.strip(), status=409)
    return _back(visit, edition, N_("Approved: this content goes out, and no other."))


@desk.post("/editions/{edition}/pause", may=May.EDIT_EDITION)
def pause(visit: Here, edition: int) -> Response:
    """Hand over to nobody more for now; whoever wants to correct it is led there."""
    with visit.database.write() as session:
        control.pause(session, get_edition(session, edition), actor=visit.actor, now=visit.now)
    if visit.form.text("then") == "correct":
        return visit.go(f"/desk/editions/{edition}/correct")
    return _back(visit, edition, N_("The edition is paused: nobody more is handed it."))


@desk.post("/editions/{edition}/resume", may=May.EDIT_EDITION)
def resume(visit: Here, edition: int) -> Response:
    """Go on with those who wait."""
    with visit.database.write() as session:
        control.resume(session, get_edition(session, edition), actor=visit.actor, now=visit.now)
    return _back(visit, edition, N_("It goes on with those who wait."))


@desk.post("/editions/{edition}/cancel", may=May.EDIT_EDITION)
def cancel(visit: Here, edition: int) -> Response:
    """Stop for good; who waits gets nothing."""
    with visit.database.write() as session:
        control.cancel(session, get_edition(session, edition), actor=visit.actor, now=visit.now)
    return _back(visit, edition, N_("The edition is stopped for good."))


@desk.post("/editions/{edition}/test", may=May.EDIT_EDITION)
def send_test(visit: Here, edition: int) -> Response:
    """Send exactly this edition to oneself, or to somebody else of the desk."""
    address = visit.form.text("address") or _own_address(visit)
    size = TextSize.LARGE if visit.form.text("size") == "large" else TextSize.NORMAL
    settings = visit.settings
    imprint = Imprint(settings.public_url, visit.services.keys, settings.templates)
    version = visit.form.number("version", 0) or None
    try:
        ask_test_mails(
            visit.database, edition, [address], imprint, actor=visit.actor, size=size, revision_number=version
        )
    except (InputError, NotFoundError, StateError) as error:
        return edition_page(visit, edition, fault=visit.told(error), status=422)
    return _back(visit, edition, N_("The test mail is on its way."))


def _own_address(visit: Visit) -> str:
    with visit.database.read() as session:
        return session.get_one(Account, visit.me.id).address


def _back(visit: Visit, edition_id: int, said: str) -> Response:
    return visit.go(f"/desk/editions/{edition_id}", visit.words.gettext(said))
