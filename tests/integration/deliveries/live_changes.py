"""A send under way and people who change their minds meanwhile.

    with judge_process(folder, Script()) as port, live_send(database, settings, port, people=5000) as live:
        live.make([Change(0.4, "one click", ("p00017@mail.test",)), ...])
        live.finish()
    found = live.judgement()

The readers leave by the doors they have: a POST to a real web server, or the step behind a command. What
counts is outside the product: when the answer was there, and when the judge had the content of a mail.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import sqlalchemy as sa

from digest import clock
from digest.config import Settings
from digest.db import Database
from digest.deliveries import control
from digest.deliveries.group import Sender
from digest.deliveries.handover import go_on
from digest.deliveries.send import send_batch
from digest.lists import subscribe, suppress
from digest.lists.queries import subscriber_by_address, subscription_of
from digest.lists.status import Origin
from digest.models import (
    Delivery,
    DeliveryReason,
    Edition,
    EditionState,
    Subscriber,
    Subscription,
)
from digest.tokens import Claim, Purpose
from tests.integration.deliveries.live_edition import RECORD, make_edition, make_sender
from tests.integration.planned import PUBLIC_URL, Desk, let_go
from tests.integration.web.served import served
from tests.process.checker import GRACE, Member, Report, check
from tests.process.evidence import members_of, records_in, taken_of
from tests.servers.smtp import read_ends
from tests.servers.waiting import HANG

ACTOR = "cli:test"
_NEVER = float("inf")
_OPEN = (EditionState.SENDING, EditionState.PAUSED)


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody leaves `at` seconds after the send began; `addresses` are all whom it is about."""

    at: float
    kind: str  # a key of `Live.ways`
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a send. `stopped` are those who were not mailed, each with the ledger's reason.

    `spared` are those of them whose neighbours in the audience were mailed after the grace was over: a
    product that did not ask again would have mailed them too late. `latest` is how many seconds after the
    answer somebody who had left was mailed at the latest; below 0 if all such mails came before.
    """

    report: Report
    stopped: dict[str, DeliveryReason | None]
    wrong: list[str]
    spared: int
    latest: float

    def text(self) -> str:
        counts = f"{len(self.stopped)} stopped, {self.spared} spared, the latest {self.latest:.2f} s after"
        return "\n".join((self.report.text(), counts, *self.wrong[:10]))


@dataclass
class Live:
    """An edition on its way out to many, and who has left it by which way."""

    desk: Desk
    folder: Path
    edition_id: int
    web: str  # where the public pages are
    answers: dict[str, float] = field(default_factory=dict)  # when each person had an answer first
    pauses: list[tuple[float, float]] = field(default_factory=list)
    is_cancelled: bool = False
    began: float = field(default_factory=time.monotonic)
    _over: threading.Event = field(default_factory=threading.Event)
    _error: BaseException | None = None
    _worker: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ways(self) -> dict[str, Callable[[str], None]]:
        """How a person leaves, by name."""
        return {
            "one click": lambda address: self._post(address, b"List-Unsubscribe=One-Click"),
            "button": lambda address: self._post(address, b""),
            "address": self._bar_address,
            "domain": self._bar_domain,
            "pause": self._pause_person,
            "end": self._end_person,
        }

    # The send.

    def start(self, sender: Sender) -> None:
        """Send as a worker child does, in a thread, until the edition is final."""
        self.began = time.monotonic()
        self._worker = threading.Thread(target=self._work, args=(sender,))
        self._worker.start()

    def stop(self) -> None:
        """Have the worker hand back what it holds, and wait for it."""
        self._over.set()
        if self._worker is not None:
            self._worker.join(HANG)
            assert not self._worker.is_alive()
        if self._error is not None:
            raise self._error

    def finish(self, *, seconds: float = HANG) -> None:
        """Wait until the edition is final."""
        until = time.monotonic() + seconds
        while self._error is None and not self._is_final():
            assert time.monotonic() < until, self.judgement(bodies=False).text()
            time.sleep(0.1)  # the worker needs the time
        self.stop()

    def _work(self, sender: Sender) -> None:
        database = self.desk.database
        try:
            while not self._over.is_set():
                batch = next((one for one in self.desk.batches(self.edition_id) if not one.closed_at), None)
                if batch is not None:
                    send_batch(
                        *(database, batch.id, sender), lease_seconds=60, stop=self._over.is_set, others=True
                    )
                with database.write() as session:
                    go_on(session, now=clock.utc_now())
                self._over.wait(0.05)
        except BaseException as error:
            self._error = error

    def _is_final(self) -> bool:
        is_over = self.desk.edition(self.edition_id).state not in _OPEN
        return is_over and all(batch.closed_at for batch in self.desk.batches(self.edition_id))

    # The changes.

    def make(self, changes: Sequence[Change]) -> None:
        """Make each change at its moment, several at a time, and note when its answer was there."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = []
            for change in sorted(changes, key=lambda one: one.at):
                time.sleep(max(0.0, self.began + change.at - time.monotonic()))
                made.append(pool.submit(self._make, change))
            for one in made:
                one.result()

    def pause_edition(self, *, seconds: float, then: Callable[[], None] = lambda: None) -> None:
        """Pause the edition, do something meanwhile, and resume it after so many seconds."""
        assert self._control("pause")
        answered = time.time()
        then()
        time.sleep(max(0.0, answered + seconds - time.time()))
        self.pauses.append((answered, time.time()))
        assert self._control("resume")

    def cancel_edition(self) -> None:
        """Cancel it: from then on nothing begins any more."""
        assert self._control("cancel")
        self.pauses.append((time.time(), _NEVER))
        self.is_cancelled = True

    def _control(self, what: str) -> bool:
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            return bool(getattr(control, what)(session, edition, actor=ACTOR, now=clock.utc_now()))

    def _make(self, change: Change) -> None:
        self.ways[change.kind](change.addresses[0])
        answered = time.time()
        with self._lock:
            for address in change.addresses:
                self.answers[address] = min(answered, self.answers.get(address, answered))

    def _post(self, address: str, body: bytes) -> None:
        with self.desk.database.read() as session:
            person = subscriber_by_address(session, address)
        claim = Claim(Purpose.UNSUBSCRIBE, self.desk.mailing_list.id, person.id)
        url = f"{self.web}/u/{self.desk.made.signer.sign(claim)}"
        with urlopen(url, data=body, timeout=HANG) as answer:
            said = answer.read().decode()
        assert answer.status == 200
        assert said == "Unsubscribed.\n" if body else "You have left" in said

    def _bar_address(self, address: str) -> None:
        with self.desk.database.write() as session:
            key, now = self.desk.made.address_key, clock.utc_now()
            assert suppress.suppress_address(
                session, key, address, reason="complaint", source=Origin.CLI, now=now
            )

    def _bar_domain(self, address: str) -> None:
        domain = address.rpartition("@")[2]
        with self.desk.database.write() as session:
            now = clock.utc_now()
            suppress.suppress_domain(session, domain, reason="asked", source=Origin.CLI, now=now)

    def _pause_person(self, address: str) -> None:
        with self.desk.database.write() as session:
            found, now = self._subscription(session, address), clock.utc_now()
            assert subscribe.pause(session, found, source=Origin.CLI, actor=ACTOR, now=now)

    def _end_person(self, address: str) -> None:
        with self.desk.database.write() as session:
            found, now = self._subscription(session, address), clock.utc_now()
            assert subscribe.end(session, found, source=Origin.CLI, now=now, reason="wrote to us")

    def _subscription(self, session: sa.orm.Session, address: str) -> Subscription:
        person = subscriber_by_address(session, address)
        found = subscription_of(session, list_id=self.desk.mailing_list.id, subscriber_id=person.id)
        assert found is not None
        return found

    # What came of it.

    def judgement(self, *, bodies: bool) -> Judgement:
        """Compare the judge's record, the ledger, the journals and the answers; the mails too, if wanted."""
        record = self.folder / RECORD
        members = members_of(self.desk.database, self.edition_id, self.desk.made, PUBLIC_URL)
        taken = taken_of(record, self.edition_id)
        report = check(
            *(members, taken),
            ends=list(read_ends(record)),
            records=records_in(self.folder / "journals", self.edition_id),
            sign_offs=self.answers,
            pauses=self.pauses,
            moment="dot_at",  # when all of its content was there: no mail begins later than it ends
            bodies=bodies,
        )
        times = Counter(line["rcpt"][0] for line in taken)
        ends = {line["rcpt"][0]: float(line["dot_at"]) for line in taken}
        reasons = self._reasons()
        stopped = {one.address: reasons[one.address] for one in members if one.status == "skipped"}
        late = [ends[one] - answered for one, answered in self.answers.items() if one in ends]
        order = [member.address for member in members]
        return Judgement(
            report,
            stopped,
            wrong=[
                f"{one.address}: {one.status}, {reasons[one.address]}, {times[one.address]} mails"
                for one in members
                if not self._is_right(one, reasons[one.address], times[one.address])
            ],
            spared=sum(
                one in stopped and _next_end(order, place, ends) > self.answers.get(one, _NEVER) + GRACE
                for place, one in enumerate(order)
            ),
            latest=max(late, default=-_NEVER),
        )

    def _is_right(self, member: Member, reason: DeliveryReason | None, times: int) -> bool:
        """Handed over once; or not at all, for a reason that there is."""
        if times:
            return times == 1 and member.status == "sent" and reason is None
        if reason is DeliveryReason.CANCELLED:
            return member.status == "skipped" and self.is_cancelled
        is_changed = member.address in self.answers
        return is_changed and member.status == "skipped" and reason is DeliveryReason.NOT_WANTED

    def _reasons(self) -> dict[str, DeliveryReason | None]:
        with self.desk.database.read() as session:
            rows = session.execute(
                sa.select(Subscriber.address, Delivery.reason)
                .join(Delivery, Delivery.subscriber_id == Subscriber.id)
                .where(Delivery.edition_id == self.edition_id)
            )
            return {str(address): reason for address, reason in rows}


def _next_end(order: Sequence[str], place: int, ends: dict[str, float]) -> float:
    """When the next one in the audience who was mailed had the mail."""
    return next((ends[one] for one in order[place + 1 :] if one in ends), 0.0)


@contextlib.contextmanager
def live_send(
    database: Database, settings: Settings, port: int, *, people: int, per_second: float | None = None
) -> Iterator[Live]:
    """An edition that a worker hands to the mail service at this port, and a web server to sign off at."""
    folder = settings.data
    with served(settings, folder) as web:
        desk, edition_id = make_edition(database, folder, people=people, per_second=per_second)
        live = Live(desk, folder, edition_id, web.url)
        sender = make_sender(desk, port, is_paced=per_second is not None)
        live.start(sender)
        try:
            yield live
        finally:
            live._over.set()
            assert live._worker is not None
            live._worker.join(HANG)
            let_go(sender)
