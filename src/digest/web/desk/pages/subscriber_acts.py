"""What the desk does for one person: end, pause, never mail, change, erase; and what it hands out of them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest import audit
from digest.accounts.rights import May
from digest.addresses import parse_address
from digest.errors import InputError, NotFoundError, StateError
from digest.i18n import N_
from digest.lists import subscribe, suppress
from digest.lists.consent_proof import people_with, proof_of
from digest.lists.erase import erase_subscriber
from digest.lists.evidence import Spoken, spoken_details
from digest.lists.fields import check_text_size
from digest.lists.my_data import my_data
from digest.lists.person_changes import Choices, PersonChanges, set_choices, set_person
from digest.lists.preferences import By
from digest.lists.status import Origin
from digest.models import MailingList, Subscriber, Subscription, SuppressionCause
from digest.web.desk.pages.subscribers import person_page
from digest.web.desk.table import desk
from digest.web.desk.visit import HEADERS, Here, Visit

_ATTRIBUTE = "attribute:"
_JSON = "application/json; charset=utf-8"


@desk.post("/subscribers/{subscriber}", may=May.RUN_SUBSCRIBER)
def save_subscriber(visit: Here, subscriber: int) -> Response:
    """Change what is known of a person."""
    form = visit.form
    attributes = {
        name.removeprefix(_ATTRIBUTE): value for name, value in form.pairs if name.startswith(_ATTRIBUTE)
    }
    try:
        changes = PersonChanges(
            name=form.text("name"),
            zone=form.text("zone"),
            language=form.text("language"),
            text_size=check_text_size(form.text("text_size")),
            attributes=attributes,
        )
        with visit.database.write() as session:
            by = By(Origin.DESK, visit.actor)
            changed = set_person(session, subscriber, changes, by=by, now=visit.now)
            if changed:
                _note(visit, session, "subscriber.set", _person(session, subscriber), changed=changed)
    except (InputError, NotFoundError) as error:
        return person_page(visit, subscriber, fault=visit.told(error), status=422)
    said = N_("Saved.") if changed else N_("Nothing was changed.")
    return _back(visit, subscriber, said)


@desk.post("/subscribers/{subscriber}/end", may=May.RUN_SUBSCRIBER)
def end_for_them(visit: Here, subscriber: int) -> Response:
    """Somebody has said that they want it no more: take them off a list, with how they said it."""
    form = visit.form
    by = form.text("by")
    if by not in set(Spoken):
        return person_page(
            visit, subscriber, fault=visit.words.gettext(N_("Say how they told you.")), status=422
        )
    with visit.database.write() as session:
        subscription, title = _subscription(session, subscriber, form.number("subscription", 0))
        was_changed = subscribe.end(
            session,
            subscription,
            source=Origin.DESK,
            actor=visit.actor,
            now=visit.now,
            reason=form.text("reason") or "asked to",
            details=spoken_details(session, Spoken(by), visit.me.name),
        )
        if was_changed:
            _note(visit, session, "subscriber.end", subscription)
    said = N_("They are off the list %(title)s.") if was_changed else N_("They were off that list already.")
    return _back(visit, subscriber, said, title=title)


@desk.post("/subscribers/{subscriber}/choices", may=May.RUN_SUBSCRIBER)
def choose_for_them(visit: Here, subscriber: int) -> Response:
    """Change how often and about what they are mailed, as they asked; it stands in their proof."""
    form = visit.form
    topics = form.texts("topic") if form.is_ticked("has_topics") else None
    choices = Choices(cadence=form.text("cadence") or None, topics=topics)
    try:
        with visit.database.write() as session:
            subscription, title = _subscription(session, subscriber, form.number("subscription", 0))
            by = By(Origin.DESK, visit.actor)
            changed = set_choices(session, subscription, choices, by=by, now=visit.now)
            if changed:
                _note(visit, session, "subscriber.set", subscription, changed=changed)
    except StateError as error:
        return person_page(visit, subscriber, fault=visit.told(error), status=409)
    said = N_("%(title)s comes to them so from now on.") if changed else N_("Nothing was changed.")
    return _back(visit, subscriber, said, title=title)


@desk.post("/subscribers/{subscriber}/pause", may=May.RUN_SUBSCRIBER)
def pause_for_them(visit: Here, subscriber: int) -> Response:
    """Send nothing until they are resumed, or until a day in their zone."""
    form = visit.form
    with visit.database.write() as session:
        subscription, title = _subscription(session, subscriber, form.number("subscription", 0))
        until = _day(form.text("until"), _person(session, subscriber).zone or visit.zone)
        if subscribe.pause(
            session, subscription, until=until, source=Origin.DESK, actor=visit.actor, now=visit.now
        ):
            _note(visit, session, "subscriber.pause", subscription)
    return _back(visit, subscriber, N_("%(title)s is paused for them."), title=title)


@desk.post("/subscribers/{subscriber}/resume", may=May.RUN_SUBSCRIBER)
def resume_for_them(visit: Here, subscriber: int) -> Response:
    """End a pause."""
    with visit.database.write() as session:
        subscription, title = _subscription(session, subscriber, visit.form.number("subscription", 0))
        if subscribe.resume(session, subscription, source=Origin.DESK, actor=visit.actor, now=visit.now):
            _note(visit, session, "subscriber.resume", subscription)
    return _back(visit, subscriber, N_("They get %(title)s again."), title=title)


@desk.post("/subscribers/{subscriber}/do-not-mail", may=May.RUN_SUBSCRIBER)
def never_mail(visit: Here, subscriber: int) -> Response:
    """Put their address on the do-not-mail list."""
    reason = visit.form.text("reason") or "asked to"
    with visit.database.write() as session:
        made = suppress.suppress_subscriber(
            session,
            _person(session, subscriber),
            reason=reason,
            source=Origin.DESK,
            now=visit.now,
            cause=SuppressionCause.NEVER,
        )
        if made is not None:
            details = {"kind": made.kind.value, "cause": made.cause.value}
            _note(visit, session, "suppression.add", made, **details)
    return _back(visit, subscriber, N_("Their address is on the do-not-mail list."))


@desk.post("/subscribers/{subscriber}/mail-again", may=May.RUN_SUBSCRIBER)
def may_be_mailed_again(visit: Here, subscriber: int) -> Response:
    """Take their address off the do-not-mail list; of a domain nothing is taken off."""
    with visit.database.write() as session:
        address = _person(session, subscriber).address or ""
        found = suppress.release_address(session, visit.services.keys.address_key, address)
        if found is not None:
            _note(visit, session, "suppression.remove", found, kind=found.kind.value)
    said = N_("Their address is off the do-not-mail list.") if found else N_("It was not on the list.")
    return _back(visit, subscriber, said)


@desk.post("/subscribers/{subscriber}/erase", may=May.RUN_SUBSCRIBER)
def erase(visit: Here, subscriber: int) -> Response:
    """Forget a person for good, once their address was typed again."""
    with visit.database.write() as session:
        person = _person(session, subscriber)
        if person.address is None or _key(visit.form.text("address")) != person.address_key:
            is_right = False
        else:
            is_right = erase_subscriber(session, person, source=Origin.DESK, now=visit.now, actor=visit.actor)
    if not is_right:
        fault = N_("Nothing was erased: what you typed is not this person's address.")
        return person_page(visit, subscriber, fault=visit.words.gettext(fault), status=422)
    return _back(visit, subscriber, N_("They are erased."))


@desk.post("/subscribers/{subscriber}/proof", may=May.RUN_SUBSCRIBER)
def hand_out_proof(visit: Here, subscriber: int) -> Response:
    """Their proof of consent as one file, with how to check it by hand."""
    with visit.database.write() as session:
        person = _person(session, subscriber)
        people = (
            [person]
            if person.address is None
            else people_with(session, visit.services.keys.address_key, person.address)
        )
        made = proof_of(session, people, now=visit.now)
        _note(visit, session, "consent.proof", person)
    return _file(made, f"consent-{subscriber}.json")


@desk.post("/subscribers/{subscriber}/data", may=May.RUN_SUBSCRIBER)
def hand_out_data(visit: Here, subscriber: int) -> Response:
    """Everything that is held about a person, for that person alone."""
    with visit.database.read() as session:
        made = my_data(session, subscriber, now=visit.now)
    with visit.database.write() as session:  # not while it is made: on SQLite nobody else could write
        _note(visit, session, "subscriber.data", _person(session, subscriber))
    return _file(made, f"data-{subscriber}.json")


def _person(session: Session, subscriber_id: int) -> Subscriber:
    return session.get_one(Subscriber, subscriber_id)


def _subscription(session: Session, subscriber_id: int, subscription_id: int) -> tuple[Subscription, str]:
    """One of this person's, with its list's title; somebody else's is not there."""
    found = session.execute(
        sa.select(Subscription, MailingList.title)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.id == subscription_id, Subscription.subscriber_id == subscriber_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(N_("This person is not on that list."))
    return found.Subscription, found.title


def _note(visit: Visit, session: Session, action: str, target: object, **details: object) -> None:
    audit.record(session, action, target, actor=visit.actor, now=visit.now, details=details)


def _back(visit: Visit, subscriber_id: int, said: str, **values: str) -> Response:
    return visit.go(f"/desk/subscribers/{subscriber_id}", visit.words.gettext(said, **values))


def _file(body: bytes, name: str) -> Response:
    headers = {
        **HEADERS,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(body, media_type=_JSON, headers=headers)


def _key(text: str) -> str:
    try:
        return parse_address(text).key
    except InputError:
        return ""


def _day(text: str, zone: str) -> dt.datetime | None:
    """The beginning of a day in a zone; None for no day."""
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(N_("%(text)r is not a day; write it like 2027-01-15."), text=text[:40]) from None
    return dt.datetime.combine(day, dt.time(0), ZoneInfo(zone)).astimezone(dt.UTC)
