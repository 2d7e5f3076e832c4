"""The same that happens in `history_model`, done to the system by the steps and flows that the doors use."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address
from digest.db import Database
from digest.errors import StateError
from digest.lists import (
    change_address,
    confirm,
    due_pauses,
    fresh_links,
    import_undo,
    languages,
    leaving,
    permission,
    permission_mail,
    preferences,
    retention,
    segments,
    sign_up,
    subscribe,
    suppress,
)
from digest.lists.erase import erase_subscriber
from digest.lists.evidence import Spoken, spoken_details
from digest.lists.import_order import ImportOrder
from digest.lists.import_run import import_subscribers
from digest.lists.links import end_by_token
from digest.lists.queries import audience
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.models import (
    Confirmation,
    MailingList,
    Notice,
    NoticeState,
    OptIn,
    PermissionRun,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    SuppressionCause,
    TextSize,
)
from digest.tokens import Claim, Purpose, Signer
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import ADDRESS_KEY, make_subscription
from tests.factories.moments import NOW
from tests.integration.lists.history_people import DOMAINS, HOUSES, OF_PERSON, REFUSED, RHYTHMS, SINGLE, Act

SIGNER = Signer({1: b"s" * 32}, 1)
_WORDS = "I want to receive it."


@dataclass
class House:
    """The lists and cadences of one world, and the ids that its people had when they were last looked at."""

    lists: tuple[int, ...]
    cadences: Mapping[tuple[int, str], int]
    stationery: Stationery
    segment: int
    elsewhere: int  # a list of nobody's
    # Of each cadence; made once, for to make one takes as long as to run it.
    audiences: Mapping[tuple[int, str], sa.Select[int, int, TextSize, str | None]]
    imports: dict[int, int] = field(default_factory=dict)  # event to import
    people: dict[tuple[int, int, bool], int] = field(default_factory=dict)  # history, address, erased
    places: dict[tuple[int, int], int] = field(default_factory=dict)  # subscriber, list


def build(database: Database, templates: Path) -> House:
    """Two sister digests, three open lists, one of them without confirmations."""
    with database.write() as session:
        first = make_digest(session, language="en")
        digests = [first, make_digest(session, language="hy")]
        for digest in digests:
            digest.sister_group = first.name
        cadences = {
            (house, name): make_cadence(session, digests[house], name).id
            for house, names in enumerate(RHYTHMS)
            for name in names
        }
        lists = [make_list(session, digests[house]) for house in HOUSES]
        for mailing_list in lists:
            mailing_list.is_open = True
        lists[SINGLE].opt_in = OptIn.SINGLE
        stationery = Stationery(SIGNER, ADDRESS_KEY, "https://mail.courier.example", templates)
        rule = {"any": [{"last_sign_of_life": {"within": "30d"}}, {"not": {"list": lists[SINGLE].name}}]}
        segment = segments.add_segment(
            session, first, name="some", title="Some", rule=json.dumps(rule), actor="cli:test", now=NOW
        )
        elsewhere = make_list(session, first)
        audiences = {key: audience(cadence_id) for key, cadence_id in cadences.items()}
        numbers = tuple(each.id for each in lists)
        return House(numbers, cadences, stationery, segment.id, elsewhere.id, audiences)


def domain_of(history: int, address: int) -> str:
    return f"{DOMAINS[address]}{history}.test"


def written(history: int, address: int, *, loudly: bool = False) -> str:
    """One of a history's addresses, in one of the ways that people write it."""
    local = f"reader{address}"
    return f"{local.title() if loudly else local}@{domain_of(history, address)}"


def hash_of(history: int, address: int) -> str:
    return keyed_hash(ADDRESS_KEY, written(history, address))


class Doer:
    """Does one act of one history in an open transaction; what the door would answer comes back."""

    def __init__(self, session: Session, house: House, history: int, now: dt.datetime) -> None:
        self._session, self._house, self._history, self._now = session, house, history, now

    def do(self, act: Act) -> Any:
        """The answer; what was refused with a sentence is rolled back, as doors do."""
        name, *rest = act
        if name in OF_PERSON:
            address, is_gone, *rest = rest
            rest = [self._house.people[self._history, address, is_gone], *rest]
        does: Callable[..., Any] = getattr(self, f"_{name}")
        return does(*rest)

    def refused(self, act: Act) -> Any:
        """The same for an act that is expected to be refused."""
        with self._session.begin_nested() as savepoint:
            try:
                return self.do(act)
            except StateError:
                savepoint.rollback()
                return REFUSED

    def _place(self, person: int, each: int) -> Subscription:
        return self._session.get_one(Subscription, self._house.places[person, self._house.lists[each]])

    def _token(self, purpose: Purpose, person: int, each: int) -> str:
        return SIGNER.sign(Claim(purpose, self._house.lists[each], person))

    def _post(self, address: int, lists: Sequence[int], rhythm: str | None) -> int:
        wishes = [
            sign_up.ListWish(
                self._house.lists[each], _WORDS, self._house.cadences.get((HOUSES[each], rhythm or ""))
            )
            for each in lists
        ]
        loud = parse_address(written(self._history, address, loudly=self._history % 2 == 0))
        wish = sign_up.Wish(loud, tuple(wishes), network="192.0.2.7" if self._history % 3 == 0 else "")
        return sign_up.ask(self._session, wish, self._house.stationery, now=self._now)

    def _press(self, person: int, each: int, mail_no: int = 0) -> bool:
        token, post = self._token(Purpose.CONFIRM, person, each), ""
        if mail_no:
            posts = self._session.scalars(
                sa.select(Confirmation.post)
                .join(Subscriber, Subscriber.address_hash == Confirmation.address_hash)
                .where(
                    Subscriber.id == person,
                    Confirmation.list_id == self._house.lists[each],
                    Confirmation.post.is_not(None),
                )
                .order_by(Confirmation.at.desc())
            ).all()
            post = posts[mail_no - 1] or "" if len(posts) >= mail_no else "of-long-ago"
        shown = confirm.confirm_by_token(
            self._session, token, self._house.stationery, now=self._now, post=post
        )
        return shown is not None

    def _clerk(self, address: int, each: int, again: str) -> str:
        try:
            added = subscribe.add_subscriber(
                self._session,
                self._session.get_one(MailingList, self._house.lists[each]),
                written(self._history, address, loudly=True),
                address_key=ADDRESS_KEY,
                consent_text="asked for it when she renewed",
                source=Origin.CLI,
                actor="cli:test",
                now=self._now,
                asked_again=again == "again",
                spoken=spoken_details(self._session, Spoken.PHONE, "Nare Saroyan"),
            )
        except suppress.SuppressedError:
            return "barred"
        except subscribe.LeftError:
            return "left"
        return added.outcome.value

    def _pause(self, person: int, each: int, days: int | None) -> bool:
        return subscribe.pause(
            self._session,
            self._place(person, each),
            source=Origin.PREFERENCES,
            actor="",
            now=self._now,
            until=self._now + dt.timedelta(days=days) if days else None,
        )

    def _resume(self, person: int, each: int) -> bool:
        place = self._place(person, each)
        return subscribe.resume(self._session, place, source=Origin.PREFERENCES, actor="", now=self._now)

    def _rhythm(self, person: int, each: int, rhythm: str) -> bool:
        place, cadence = self._place(person, each), self._house.cadences[HOUSES[each], rhythm]
        return preferences.choose_cadence(self._session, place, cadence, now=self._now)

    def _leave(self, person: int, each: int) -> bool:
        token = self._token(Purpose.UNSUBSCRIBE, person, each)
        return end_by_token(self._session, SIGNER, token, source=Origin.ONE_CLICK, now=self._now) is not None

    def _leave_all(self, person: int) -> int:
        return len(leaving.stop_all(self._session, person, source=Origin.PREFERENCES, now=self._now))

    def _clerk_ends(self, person: int, each: int) -> bool:
        place = self._place(person, each)
        return subscribe.end(self._session, place, source=Origin.CLI, now=self._now, reason="wrote to us")

    def _undo(self, person: int, each: int) -> list[int]:
        brought = leaving.undo_leaving(
            self._session,
            list_id=self._house.lists[each],
            subscriber_id=person,
            address_key=ADDRESS_KEY,
            now=self._now,
        )
        return sorted(self._house.lists.index(place.list_id) for place in brought)

    def _reason(self, person: int, each: int) -> bool:
        place = self._place(person, each)
        return leaving.give_reason(self._session, place, leaving.Reason.TOO_MANY, now=self._now)

    def _join_too(self, person: int, each: int, other: int) -> bool:
        return preferences.join_list(
            self._session,
            self._place(person, each),
            self._house.lists[other],
            address_key=ADDRESS_KEY,
            words="Join",
            now=self._now,
        )

    def _language(self, person: int, each: int, other: int) -> bool:
        languages.switch_language(
            self._session,
            self._place(person, each),
            self._house.lists[other],
            address_key=ADDRESS_KEY,
            words="Join",
            now=self._now,
        )
        return True

    def _move(self, person: int, address: int) -> str:
        new = {"address": written(self._history, address)}
        link, other = (
            fresh_links.make_fresh_link(
                self._session, person, fresh_links.FreshKind.NEW_ADDRESS, now=self._now, details=new
            )
            for _ in range(2)
        )
        fresh = fresh_links.Fresh(link, self._house.lists[0])
        moved = change_address.change_address(self._session, fresh, self._house.stationery, now=self._now)
        self._session.refresh(other)
        is_done = moved is change_address.Moved.DONE
        assert is_done is (other.used_at is not None), "another link to change the address"
        return moved.value

    def _erase(self, person: int) -> bool:
        found = self._session.get_one(Subscriber, person)
        return erase_subscriber(self._session, found, source=Origin.PREFERENCES, now=self._now)

    def _keep(self, person: int, each: int) -> bool:
        token = self._token(Purpose.KEEP, person, each)
        before = permission_mail.find_keep(self._session, SIGNER, token)
        permission_mail.keep(self._session, SIGNER, token, now=self._now)
        return before is not None and not before.is_ended and not before.is_answered

    def _bar(self, what: int | str, cause: str) -> None:
        given: dict[str, Any] = {
            "reason": cause,
            "source": Origin.CLI,
            "now": self._now,
            "cause": SuppressionCause(cause),
        }
        if isinstance(what, str):
            suppress.suppress_domain(self._session, f"{what}{self._history}.test", **given)
        else:
            suppress.suppress_address(self._session, ADDRESS_KEY, written(self._history, what), **given)

    def _unbar(self, what: int | str) -> None:
        if isinstance(what, str):
            suppress.release_domain(self._session, f"{what}{self._history}.test")
        else:
            suppress.release_address(self._session, ADDRESS_KEY, written(self._history, what))


def meet(  # noqa: PLR0917  (an event of a world)
    database: Database,
    house: House,
    event: Act,
    number: int,
    lines: Mapping[int, Sequence[Act]],
    now: dt.datetime,
) -> None:
    """What happens to everybody; `lines` are those of each history in a file."""
    name, *rest = event
    if name == "import":
        house.imports[number] = _import(database, house, rest[0], rest[1], lines, now)
    elif name == "undo_import" and rest[0] in house.imports:
        import_undo.undo(database, house.imports.pop(rest[0]), actor="cli:test", now=now)
    elif name == "sweep":
        while True:
            with database.write() as session:
                if not due_pauses.resume_due_pauses(session, now=now):
                    return
    elif name == "retain":
        with database.write() as session:
            # The newest rows of all stay, whatever they are: these are nobody's of the histories.
            elsewhere = session.get_one(MailingList, house.elsewhere)
            make_subscription(session, elsewhere, status=SubscriptionStatus.ENDED)
        retention.run(database, retention.RetentionTimes(), actor="test", now=now)
    elif name == "ask":
        _ask(database, house, rest[0], rest[1], now)
    elif name == "close":
        _close(database, house, rest[0], now)


def _import(  # noqa: PLR0917  (a file and what is said of it)
    database: Database,
    house: House,
    each: int,
    whom: str,
    lines: Mapping[int, Sequence[Act]],
    now: dt.datetime,
) -> int:
    file = ["email,status,last_sign_of_life,left,paused_until"]
    for history, of_history in lines.items():
        for address, word, days in of_history:
            moment = (now - dt.timedelta(days=days)).isoformat() if days else ""
            is_gone = word in ("unsubscribed", "bounced")
            times = ("", moment) if is_gone else (moment, "")
            until = (now + dt.timedelta(days=10)).isoformat() if word == "paused" else ""
            file.append(",".join((written(history, address, loudly=len(file) % 2 == 0), word, *times, until)))
    order = ImportOrder(
        house.lists[each],
        "moved",
        "cli:test",
        ADDRESS_KEY,
        own_columns={"left": "left_at"},
        leavers_only=whom == "leavers",
    )
    report = import_subscribers(database, io.BytesIO("\n".join(file).encode()), order, now=now)
    assert report.import_id is not None
    assert report.bad == 0, report.bad_lines
    return report.import_id


def _ask(database: Database, house: House, each: int, silent_days: int, now: dt.datetime) -> None:
    """Begin to ask, and have every question handed over."""
    with database.write() as session:
        if permission.open_run(session, house.lists[each]) is not None:
            return
        permission.start_run(
            session,
            session.get_one(MailingList, house.lists[each]),
            silent_for=dt.timedelta(days=silent_days),
            answer_within=dt.timedelta(days=2),
            actor="cli:test",
            now=now,
        )
    some = 1
    while some:
        with database.write() as session:
            some = permission_mail.ask_some(
                session, SIGNER, "https://mail.courier.example", templates=house.stationery.templates, now=now
            )
            session.execute(sa.update(Notice).values(state=NoticeState.SENT, done_at=now))


def _close(database: Database, house: House, each: int, now: dt.datetime) -> None:
    with database.read() as session:
        run = permission.open_run(session, house.lists[each])
        too_early = run is not None and now < session.get_one(PermissionRun, run.id).answer_until
    if run is not None:
        permission.close_run(database, run.id, actor="cli:test", now=now, end_nobody=too_early)
