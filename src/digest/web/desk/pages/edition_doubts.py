"""What may have arrived of an edition: the evidence for each, and two buttons. And the list of who got it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.accounts.visible import allows
from digest.deliveries.cases import (
    CaseLine,
    Doubts,
    doubts_of,
    open_cases,
    people_of_cause,
    policies_of,
    sent_twice,
)
from digest.deliveries.progress import progress
from digest.deliveries.reasons import cause_sentence
from digest.deliveries.recipients import recipients
from digest.deliveries.settle import Resolved, resolve
from digest.editions.show import digest_of, edition_line, get_edition
from digest.errors import InputError, StateError
from digest.i18n import N_, Translator
from digest.mail.headers import message_id
from digest.models import DeliveryStatus, EditionState, Settlement, UncertainCause, UncertainPolicy
from digest.web.desk.table import desk
from digest.web.desk.told import DELIVERIES, DELIVERY_TONES
from digest.web.desk.visit import Here, Visit

_PAGE: Final = 50
_SENDABLE: Final = (EditionState.SENDING, EditionState.PAUSED, EditionState.SENT)
_WAYS: Final = {"arrived": Settlement.ARRIVED, "again": Settlement.RESENT}
_POLICIES: Final = {
    UncertainPolicy.HOLD: N_("If nobody says anything, nothing more is sent after %(span)s."),
    UncertainPolicy.RESEND: N_(
        "If nobody says anything, each is sent once more after %(span)s, at most once: some may get it twice."
    ),
}
_MIXED: Final = N_(
    "If nobody says anything, it goes by the list after %(span)s: of some nothing more is sent, others are "
    "sent it once more."
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One mail that may have arrived, and what is known of it."""

    subscriber_id: int
    who: str  # the address, for those who may see it; else the part behind the @
    why: str
    since: str
    worker: str
    service: str
    message_id: str
    is_closed: bool
    may_resend: bool  # nobody is sent it a third time


@dataclass(frozen=True, slots=True)
class Kind:
    """The mails of one cause, in words."""

    cause: UncertainCause
    words: str
    people: int
    resendable: int


@desk.get("/editions/{edition}/doubts", may=May.SEE_EDITION)
def show_doubts(visit: Here, edition: int) -> Response:
    """What may have arrived, by cause and one by one."""
    return _doubts(visit, edition)


@desk.post("/editions/{edition}/doubts", may=May.EDIT_EDITION)
def settle(visit: Here, edition: int) -> Response:
    """Say of one, or of all of a cause, that it arrived, or have it sent once more."""
    form, words = visit.form, visit.words
    how = _WAYS.get(form.text("as"))
    if how is None:
        raise InputError(N_("There is no such way."))
    try:
        with visit.database.write() as session:
            done = _settle(visit, session, edition, how)
    except StateError:
        fault = words.gettext(
            N_("Nothing was changed: somebody has settled it meanwhile, or it goes to nobody any more.")
        )
        return _doubts(visit, edition, fault, status=409)
    if how is Settlement.ARRIVED:
        said = words.ngettext(
            "%(count)s mail counts as handed over.", "%(count)s mails count as handed over.", done.people
        )
    else:
        said = words.ngettext(
            "%(count)s mail is sent once more.", "%(count)s mails are sent once more.", done.people
        )
    return visit.go(f"/desk/editions/{edition}/doubts", said)


def _settle(visit: Visit, session: Session, edition_id: int, how: Settlement) -> Resolved:
    form = visit.form
    people = form.numbers("person")
    if not people:
        cause = form.text("cause")
        if cause not in set(UncertainCause):
            raise InputError(N_("There is no such cause."))
        again = how is Settlement.RESENT
        people = people_of_cause(session, edition_id, UncertainCause(cause), again=again)
    return resolve(session, get_edition(session, edition_id), people, how, actor=visit.actor, now=visit.now)


def _doubts(visit: Visit, edition_id: int, fault: str = "", *, status: int = 200) -> Response:
    asked = visit.request.query_params
    cause = UncertainCause(asked["cause"]) if asked.get("cause") in set(UncertainCause) else None
    after = _after(asked.get("after", ""))
    with visit.database.read() as session:
        line = edition_line(session, edition_id)
        title = digest_of(session, get_edition(session, edition_id)).title
        kinds, policies = doubts_of(session, edition_id), policies_of(session, edition_id)
        found = open_cases(session, edition_id, cause=cause, after=after, limit=_PAGE + 1)
        twice = sent_twice(session, edition_id, [one.subscriber_id for one in found])
    shown = found[:_PAGE]
    last = shown[-1] if len(found) > _PAGE else None
    return visit.page(
        "edition_doubts.html",
        status=status,
        edition=line,
        title=title,
        kinds=[_kind(one, visit.words) for one in kinds],
        cases=[_evidence(visit, one, twice) for one in shown],
        may_settle=allows(visit.me, May.EDIT_EDITION),
        may_send=line.state in _SENDABLE,
        policy=_policy_words(visit, policies),
        fault=fault,
        next_url=visit.url(after=f"{last.subscriber_id}-{last.attempt}") if last is not None else "",
        first_url=visit.url(after=None) if asked.get("after") else "",
    )


def _after(text: str) -> tuple[int, int]:
    person, _, attempt = text.partition("-")
    is_key = all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (person, attempt))
    return (int(person), int(attempt)) if is_key else (0, -1)


def _kind(one: Doubts, words: Translator) -> Kind:
    return Kind(one.cause, cause_sentence(one.cause, words), one.people, one.resendable)


def _policy_words(visit: Visit, policies: tuple[UncertainPolicy, ...]) -> str:
    span = visit.words.span(dt.timedelta(seconds=visit.settings.settle_uncertain_after))
    if not policies:
        return ""
    words = _POLICIES[policies[0]] if len(policies) == 1 else _MIXED
    return visit.words.gettext(words, span=span)


def _evidence(visit: Visit, case: CaseLine, twice: Collection[int]) -> Evidence:
    domain = case.sender_address.rpartition("@")[2]
    since = case.since
    return Evidence(
        subscriber_id=case.subscriber_id,
        who=_who(visit, case.address, case.subscriber_id),
        why=cause_sentence(case.cause, visit.words) if case.cause is not None else "",
        # To the millisecond: a log is searched for it.
        since=f"{since.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}.{since.microsecond // 1000:03} UTC"
        if since
        else "",
        worker=" · ".join(part for part in (case.worker, case.host, case.journal) if part),
        service=f"{case.transport} ({case.transport_host})" if case.transport else "",
        message_id=message_id(case.edition_id, case.subscriber_id, domain, visit.services.keys.address_key),
        is_closed=case.settlement is Settlement.CLOSED,
        may_resend=case.subscriber_id not in twice,
    )


def _who(visit: Visit, address: str | None, subscriber_id: int) -> str:
    """Addresses are for those who run lists: others need not know who reads the paper."""
    if address is None:
        return visit.words.gettext(N_("a person who was erased"))
    if allows(visit.me, May.RUN_LISTS):
        return address
    return f"#{subscriber_id} @{address.rpartition('@')[2]}"


@desk.get("/editions/{edition}/people", may=May.SEE_RECIPIENTS)
def show_people(visit: Here, edition: int) -> Response:
    """Whom it was handed to and whom not, by what became of it."""
    asked = visit.request.query_params
    chosen = asked.get("status", "")
    status = DeliveryStatus(chosen) if chosen in set(DeliveryStatus) else None
    after = asked.get("after", "")
    key = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
    with visit.database.read() as session:
        line = edition_line(session, edition)
        title = digest_of(session, get_edition(session, edition)).title
        found = recipients(session, edition, status=status, after=key, limit=_PAGE + 1)
        counts = progress(session, edition, now=visit.now, details=False).counts
    shown = found[:_PAGE]
    words = visit.words
    return visit.page(
        "edition_people.html",
        edition=line,
        title=title,
        people=shown,
        chosen=chosen if status is not None else "",
        statuses=[(each.value, words.gettext(DELIVERIES[each]), counts[each]) for each in DeliveryStatus],
        total=sum(counts.values()),
        labels={each: words.gettext(text) for each, text in DELIVERIES.items()},
        tones=DELIVERY_TONES,
        next_url=visit.url(after=shown[-1].subscriber_id) if len(found) > _PAGE else "",
        first_url=visit.url(after=None) if after else "",
    )
