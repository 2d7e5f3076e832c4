"""Put one person on a list by hand, with how their consent came and in which words."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest import audit
from digest.accounts.rights import May
from digest.addresses import keyed_hash, parse_address
from digest.errors import InputError, StateError
from digest.i18n import N_
from digest.lists import former
from digest.lists.evidence import Spoken, spoken_details
from digest.lists.fields import check_text_size
from digest.lists.status import Origin
from digest.lists.subscribe import Added, AddOutcome, LeftError, add_subscriber
from digest.lists.welcome import ask_welcome
from digest.models import Cadence, MailingList
from digest.web.desk.table import desk
from digest.web.desk.told import spoken_ways
from digest.web.desk.visit import Here, Visit

_TEXTS = ("address", "name", "language", "zone", "text_size", "cadence", "by", "consent")
_TICKS = ("again", "another", "welcome")


class _FormerError(StateError):
    """Somebody had this address until they changed it."""

    def __init__(self, person: int) -> None:
        super().__init__(N_("Somebody had this address until they moved to another one."))
        self.person = person


@desk.get("/lists/{list}/add", may=May.RUN_LIST)
def show_new_subscriber(visit: Here, list: int) -> Response:  # noqa: A002  (the word of the guard)
    """Who it is, and how they agreed."""
    return _page(visit, list)


@desk.post("/lists/{list}/add", may=May.RUN_LIST)
def add_person(visit: Here, list: int) -> Response:  # noqa: A002
    """Put a person on the list; who has left comes back only if they have asked for it."""
    try:
        with visit.database.write() as session:
            added = _add(visit, session, session.get_one(MailingList, list))
    except _FormerError as error:
        return _page(visit, list, fault=visit.told(error), former_id=error.person, status=409)
    except LeftError as error:
        return _page(visit, list, fault=visit.told(error), has_left=True, status=409)
    except (InputError, StateError) as error:
        return _page(visit, list, fault=visit.told(error), status=422)
    is_known = added.outcome is AddOutcome.KNOWN
    said = (
        N_("They were on the list already; nothing was changed.") if is_known else N_("They are on the list.")
    )
    kind = "note" if is_known else "good"
    return visit.go(f"/desk/subscribers/{added.subscriber_id}", visit.words.gettext(said), kind=kind)


def _add(visit: Visit, session: Session, mailing_list: MailingList) -> Added:
    form, key = visit.form, visit.services.keys.address_key
    if form.text("by") not in set(Spoken):
        raise InputError(visit.words.gettext(N_("Say how they told you.")))
    parsed = parse_address(form.text("address"))
    moved_to = former.moved_away(session, keyed_hash(key, parsed.key))
    if moved_to is not None and not form.is_ticked("another"):
        raise _FormerError(moved_to)
    added = add_subscriber(
        session,
        mailing_list,
        form.text("address"),
        address_key=key,
        consent_text=form.text("consent"),
        source=Origin.DESK,
        actor=visit.actor,
        now=visit.now,
        name=form.text("name"),
        zone=form.text("zone"),
        language=form.text("language"),
        text_size=check_text_size(form.text("text_size")),
        cadence_id=_cadence(session, mailing_list, form.number("cadence", 0)),
        asked_again=form.is_ticked("again"),
        spoken=spoken_details(session, Spoken(form.text("by")), visit.me.name),
    )
    if added.outcome is not AddOutcome.KNOWN:
        audit.record(
            session,
            f"subscriber.{added.outcome.value}",
            added.subscription,
            actor=visit.actor,
            now=visit.now,
        )
        if form.is_ticked("welcome"):
            ask_welcome(
                session,
                added.subscription,
                signer=visit.services.keys.signer,
                public_url=visit.settings.public_url,
                now=visit.now,
                templates=visit.settings.templates,
            )
    return added


def _cadence(session: Session, mailing_list: MailingList, cadence_id: int) -> int | None:
    if not cadence_id:
        return None
    if cadence_id not in dict(_cadences(session, mailing_list.digest_id)):
        raise InputError(N_("Choose how often they get it."))
    return cadence_id


def _cadences(session: Session, digest_id: int) -> list[tuple[int, str]]:
    running = sa.select(Cadence.id, Cadence.name).where(
        Cadence.digest_id == digest_id, Cadence.is_running.is_(True)
    )
    return [(row.id, row.name) for row in session.execute(running.order_by(Cadence.id))]


def _page(
    visit: Visit,
    list_id: int,
    *,
    fault: str = "",
    status: int = 200,
    former_id: int | None = None,
    has_left: bool = False,
) -> Response:
    form = visit.form
    with visit.database.read() as session:
        mailing_list = session.get_one(MailingList, list_id)
        cadences = _cadences(session, mailing_list.digest_id)
    typed: dict[str, Any] = {name: form.text(name) for name in _TEXTS}
    typed |= {name: form.is_ticked(name) for name in _TICKS}
    return visit.page(
        "subscriber_new.html",
        status=status,
        list=mailing_list,
        cadences=cadences,
        ways=spoken_ways(visit.words),
        typed=typed,
        former_id=former_id or (typed["another"] or None),
        has_left=has_left or typed["again"],
        fault=fault,
    )
