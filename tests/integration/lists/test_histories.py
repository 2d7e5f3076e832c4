"""Random histories of people on lists, against a model of a few lines.

The model knows only who may be mailed: those whose last own word was yes. Whatever happens in whatever
order, nobody else is ever in the audience, and every chain of consent stays whole.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
from dataclasses import dataclass, field

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.db import Base, Database
from digest.lists import consent
from digest.lists.erase import erase_subscriber
from digest.lists.import_order import ImportOrder
from digest.lists.import_run import import_subscribers
from digest.lists.queries import audience, subscription_of
from digest.lists.status import Origin
from digest.lists.subscribe import LeftError, add_subscriber, end, pause, resume, resume_due_pauses
from digest.lists.suppress import SuppressedError, release_address, suppress_address, suppress_domain
from digest.models import MailingList, Subscriber
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.integration.lists.mailable import mailable

PEOPLE = ("ani@example.org", "ara@example.org", "eva@closed.test")
DAY = dt.timedelta(days=1)

steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "sign_up",
                "clerk_adds",
                "pause",
                "pause_a_day",
                "resume",
                "end",
                "import",
                "suppress",
                "release",
                "close_domain",
                "erase",
                "sweep",
            ]
        ),
        st.integers(0, 1),  # which list
        st.sampled_from(PEOPLE),
    ),
    max_size=25,
)


@dataclass
class Model:
    """What should be: (list, address) to status, the erased, and who is not to be mailed."""

    status: dict[tuple[int, str], str] = field(default_factory=dict)
    until: dict[tuple[int, str], dt.datetime] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    barred: set[str] = field(default_factory=set)

    def take(self, action: str, place: int, address: str, now: dt.datetime) -> None:
        key = (place, address)
        present = self.status.get(key)
        is_barred = address in self.barred or address.partition("@")[2] in self.barred
        if action == "sign_up" and not is_barred:
            self.forgotten.discard(address)
            if present in (None, "ended"):
                self.status[key] = "active"
        elif action in ("clerk_adds", "import") and not is_barred:
            if present is None and address not in self.forgotten:
                self.status[key] = "active"
        elif action.startswith("pause") and present in ("active", "paused"):
            self.status[key] = "paused"
            self.until[key] = now + DAY if action == "pause_a_day" else dt.datetime.max.replace(tzinfo=dt.UTC)
        elif action == "resume" and present == "paused":
            self.status[key] = "active"
        elif action == "end" and present:
            self.status[key] = "ended"
        elif action == "suppress":
            self.barred.add(address)
        elif action == "release":
            self.barred.discard(address)
        elif action == "close_domain":
            self.barred.add("closed.test")
        elif action == "erase" and any(person == address for _, person in self.status):
            self.forgotten.add(address)
            self.status = {k: v for k, v in self.status.items() if k[1] != address}
        elif action == "sweep":
            for paused, until in self.until.items():
                if self.status.get(paused) == "paused" and until <= now:
                    self.status[paused] = "active"

    def audience(self) -> set[str]:
        active = {address for (_, address), status in self.status.items() if status == "active"}
        return {
            address
            for address in active
            if address not in self.barred and address.partition("@")[2] not in self.barred
        }


def act(database: Database, list_id: int, action: str, address: str, now: dt.datetime) -> None:
    """Do the same to the system, by the steps that the doors use."""
    if action == "import":
        order = ImportOrder(list_id, "moved", "cli:test", ADDRESS_KEY)
        import_subscribers(database, io.BytesIO(f"email\n{address}\n".encode()), order, now=now)
        return
    if action in ("sign_up", "clerk_adds"):
        source = Origin.FORM if action == "sign_up" else Origin.CLI
        with contextlib.suppress(SuppressedError, LeftError), database.write() as session:
            add_subscriber(
                session,
                session.get_one(MailingList, list_id),
                address,
                address_key=ADDRESS_KEY,
                consent_text="yes",
                source=source,
                actor="",
                now=now,
            )
        return
    with database.write() as session:
        person = session.scalars(sa.select(Subscriber).where(Subscriber.address_key == address)).one_or_none()
        found = person and subscription_of(session, list_id=list_id, subscriber_id=person.id)
        if action.startswith("pause") and found and found.status in ("active", "paused"):
            until = now + DAY if action == "pause_a_day" else None
            pause(session, found, source=Origin.PREFERENCES, actor="", now=now, until=until)
        elif action == "resume" and found and found.status in ("active", "paused"):
            resume(session, found, source=Origin.PREFERENCES, actor="", now=now)
        elif action == "end" and found:
            end(session, found, source=Origin.ONE_CLICK, now=now, reason="unsubscribed")
        elif action == "suppress":
            suppress_address(session, ADDRESS_KEY, address, reason="x", source=Origin.CLI, now=now)
        elif action == "release":
            release_address(session, ADDRESS_KEY, address)
        elif action == "close_domain":
            suppress_domain(session, "closed.test", reason="x", source=Origin.CLI, now=now)
        elif action == "erase" and found:
            assert person
            erase_subscriber(session, person, source=Origin.CLI, now=now)
        elif action == "sweep":
            resume_due_pauses(session, now=now)


@given(history=steps)
@settings(
    max_examples=settings().max_examples * 3 // 4,  # each of up to 25 steps, and each looked at
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_only_who_said_yes_is_ever_mailed(database: Database, history: list[tuple[str, int, str]]) -> None:
    """After every step of any history the audience is exactly the model's, and all chains are whole."""
    with database.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        digest = make_digest(session)
        cadence_id = make_cadence(session, digest).id
        list_ids = [make_list(session, digest).id for _ in range(2)]
    model = Model()
    for number, (action, wanted, address) in enumerate(history):
        now = NOW + number * DAY / 2
        # Erasing is of a person, whichever list they are found on.
        places = [where for where, person in model.status if person == address]
        place = places[0] if action == "erase" and places else wanted
        model.take(action, place, address, now)
        act(database, list_ids[place], action, address, now)
        with database.read() as session:
            rows = session.execute(audience(cadence_id)).all()
            ids = [row.subscriber_id for row in rows]
            found = list(session.scalars(sa.select(Subscriber.address_key).where(Subscriber.id.in_(ids))))
            assert sorted(found) == sorted(model.audience()), (action, place, address)
            allowed = mailable(session, [row.subscription_id for row in rows])
            assert len(allowed) == len(rows)
    with database.read() as session:
        assert [finding for _, found in consent.verify_all(session) for finding in found] == []
