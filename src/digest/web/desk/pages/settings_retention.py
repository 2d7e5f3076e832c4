"""What is kept for how long, what the next run will delete, and what the last one has."""

from __future__ import annotations

import datetime as dt
from typing import Final

from starlette.responses import Response

from digest.accounts.rights import May
from digest.config import Settings
from digest.i18n import N_
from digest.lists import retention
from digest.web.desk.table import desk
from digest.web.desk.told_retention import days, told_kind
from digest.web.desk.visit import Here

_SECONDS: Final = 10.0  # that somebody waits for the page
_ALWAYS: Final = (
    (
        N_("Consent: who agreed to what, when and how"),
        N_("as long as the person is on record; of who is erased, a chain without their data"),
    ),
    (N_("The do-not-mail list"), N_("for good; addresses only as a mark from which nobody can tell them")),
    (N_("Who did what at the desk"), N_("for good")),
    (N_("Editions and their stories"), N_("for good")),
)


@desk.get("/settings/retention", may=May.RUN_SETTINGS)
def show_retention(visit: Here) -> Response:
    """Each kind in words, with how many are past their time now."""
    times, words = times_of(visit.settings), visit.words
    with visit.database.read() as session:
        lines = retention.describe(session, times, now=visit.now)
        last = retention.last_run(session)
    keep = dt.timedelta(days=visit.settings.keep_deliveries_days)
    return visit.page(
        "settings_retention.html",
        kinds=[(told_kind(line.kind, times, words), line.due) for line in lines],
        due=sum(line.due for line in lines),
        always=[(words.gettext(what), words.gettext(how_long)) for what, how_long in _ALWAYS],
        last=last,
        gone=sum(last.report.deleted.values()) if last else 0,
        next_at=last.at + retention.EVERY if last and last.report.is_done else None,
        deliveries=days(keep, words),
        deliveries_before=words.day(visit.day_of(visit.now - keep)),
    )


@desk.post("/settings/retention/run", may=May.RUN_SETTINGS)
def run_now(visit: Here) -> Response:
    """Delete now what the next run would delete; what does not fit into some seconds is left to it."""
    report = retention.run(
        visit.database, times_of(visit.settings), actor=visit.actor, now=visit.now, seconds=_SECONDS
    )
    said = visit.words.ngettext(
        "%(count)s row was deleted.", "%(count)s rows were deleted.", sum(report.deleted.values())
    )
    if not report.is_done:
        said += " " + visit.words.gettext(N_("There is more: it goes on within the hour."))
    return visit.go("/desk/settings/retention", said)


def times_of(settings: Settings) -> retention.RetentionTimes:
    """The times that this installation has set."""
    return retention.RetentionTimes(
        notices=dt.timedelta(days=settings.keep_notices_days),
        links=dt.timedelta(days=settings.keep_links_days),
    )
