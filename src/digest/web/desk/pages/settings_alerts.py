"""Who is told when something wants a person: by digest, with a test that shows whether it reaches them."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions.alert_trial import ask_test_alert
from digest.editions.copies import Imprint
from digest.i18n import N_
from digest.models import Account, AlertReceiver, Digest
from digest.notices.alerts import add_receiver, remove_receiver
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_PATH = "/desk/settings/alerts"
_WHEN = (
    N_("an edition is held, or waits for approval and its time comes near"),
    N_("an edition was skipped, or stopped in the middle"),
    N_("a source has not been readable for an hour"),
)


@desk.get("/settings/alerts", may=May.RUN_SETTINGS)
def show_alerts(visit: Here) -> Response:
    """Each digest with those whom it tells."""
    with visit.database.read() as session:
        digests = list(session.scalars(sa.select(Digest).order_by(Digest.title, Digest.id)))
        people = list(
            session.scalars(
                sa.select(Account).where(Account.disabled_at.is_(None)).order_by(Account.name, Account.id)
            )
        )
        told = _told(session)
    return visit.page(
        "settings_alerts.html",
        digests=[
            (
                digest,
                [each for each in people if each.id in told[digest.id]],
                [each for each in people if each.id not in told[digest.id]],
            )
            for digest in digests
        ],
        when=[visit.words.gettext(text) for text in _WHEN],
    )


@desk.post("/settings/alerts/add", may=May.RUN_SETTINGS)
def add(visit: Here) -> Response:
    """Have one of the people be told."""
    with visit.database.write() as session:
        digest, account = _digest(session, visit), _account(session, visit)
        if account.disabled_at is not None:
            raise HTTPException(404)
        add_receiver(session, digest, account, actor=visit.actor, now=visit.now)
        said = N_("%(name)s is told of the alerts of %(digest)s. Send a test, to see whether it comes.")
        words = visit.words.gettext(said, name=account.name, digest=digest.title)
    return visit.go(_PATH, words)


@desk.post("/settings/alerts/remove", may=May.RUN_SETTINGS)
def remove(visit: Here) -> Response:
    """Have them be told no longer."""
    with visit.database.write() as session:
        digest, account = _digest(session, visit), _account(session, visit)
        remove_receiver(session, digest, account, actor=visit.actor, now=visit.now)
        said = N_("%(name)s is not told of the alerts of %(digest)s any more.")
        words = visit.words.gettext(said, name=account.name, digest=digest.title)
    return visit.go(_PATH, words)


@desk.post("/settings/alerts/test", may=May.RUN_SETTINGS)
def test_alerts(visit: Here) -> Response:
    """Send those whom a digest tells a mail that says that it is a test."""
    imprint = Imprint(visit.settings.public_url, visit.services.keys, visit.settings.templates)
    with visit.database.write() as session:
        digest = _digest(session, visit)
        asked = ask_test_alert(session, digest, imprint, actor=visit.actor, now=visit.now)
    if not asked:
        return visit.go(_PATH, visit.words.gettext(N_("Nobody is told, so nothing was sent.")), kind="note")
    said = visit.words.ngettext(
        "A test is on its way to %(count)s person. If none comes, look at the mail services.",
        "A test is on its way to %(count)s people. If none comes, look at the mail services.",
        asked,
    )
    return visit.go(_PATH, said)


def _told(session: Session) -> dict[int, set[int]]:
    """The accounts that each digest names, in one statement."""
    found: dict[int, set[int]] = defaultdict(set)
    for digest, account in session.execute(sa.select(AlertReceiver.digest_id, AlertReceiver.account_id)):
        found[digest].add(account)
    return found


def _digest(session: Session, visit: Visit) -> Digest:
    found = session.get(Digest, visit.form.number("digest", 0))
    if found is None:
        raise HTTPException(404)
    return found


def _account(session: Session, visit: Visit) -> Account:
    found = session.get(Account, visit.form.number("account", 0))
    if found is None:
        raise HTTPException(404)
    return found
