"""A send under way and people who change their minds meanwhile.

    with judge_process(folder, Script()) as port, live_send(database, settings, port, people=5000) as live:
        live.make([Change(0.4, "one click", ("p00017@mail.test",)), ...])
        live.finish(seconds=60)
    found = live.judgement()

The readers leave by the doors they have: a POST to a real web server, or the step behind a command. What
counts is outside the product: when the answer was there, and when the judge had the content of a mail.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import sqlalchemy as sa

from digest import clock
from digest.addresses import keyed_hash
from digest.config import Settings
from digest.db import Database
from digest.deliveries import control
from digest.deliveries.group import Sender
from digest.deliveries.handover import go_on, start_due
from digest.deliveries.journals import open_journal
from digest.deliveries.plan import plan
from digest.deliveries.send import send_batch
from digest.deliveries.write import Writer
from digest.lists import subscribe, suppress
from digest.lists.queries import subscriber_by_address, subscription_of
from digest.lists.status import Origin
from digest.mail.message import build_digest
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import (
    Delivery,
    DeliveryReason,
    Edition,
    EditionState,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Transport,
    Variant,
)
from digest.tokens import Claim, Purpose
from tests.factories.moments import NOW
from tests.integration.planned import PUBLIC_URL, Desk, let_go, make_desk
from tests.integration.web.served import served
from tests.process.checker import GRACE, Member, Report, check
from tests.process.evidence import members_of, records_in, taken_of
from tests.servers.smtp import read_ends
from tests.servers.smtp_script import Script
from tests.servers.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
ACTOR = "cli:test"
RECORD = "judge.jsonl"
_NEVER = float("inf")
_HOUSEMATES = 4  # people of a domain that is so small that it may be barred as a whole
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
            self._worker.join(60)
            assert not self._worker.is_alive()
        if self._error is not None:
            raise self._error

    def finish(self, *, seconds: float) -> None:
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
        with urlopen(url, data=body, timeout=30) as answer:
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


def address_of(number: int) -> str:
    """Of reader so-and-so; the first four of each sixteen share a small domain."""
    house, place = divmod(number, 16)
    return f"p{number:05}@" + (f"small{house}.test" if place < _HOUSEMATES else "mail.test")


def housemates(number: int) -> tuple[str, ...]:
    """All of the small domain that is nearest below a reader."""
    first = number // 16 * 16
    return tuple(address_of(each) for each in range(first, first + _HOUSEMATES))


def make_edition(
    database: Database, folder: Path, *, people: int, per_second: float | None = None
) -> tuple[Desk, int]:
    """An edition on its way out to so many, each with a name in it, by one mail service; its id."""
    now = clock.utc_now()
    desk = make_desk(database, folder)
    edition_id = desk.frozen(now)
    mail = build_digest(
        from_name="The Courier",
        from_address="news@courier.example",
        subject="A bridge is mended",
        html="<p>%%name%%,</p><p>A bridge is mended.</p><p><a href='%%unsubscribe_url%%'>Sign off</a></p>",
        text="%%name%%,\nA bridge is mended.\n\nSign off: %%unsubscribe_url%%\n",
    )
    with database.write() as session:
        _add_people(session, desk, range(people))
        session.execute(sa.update(Variant).values(mail=mail.to_bytes()))
        session.execute(sa.update(Transport).values(per_second=per_second))
    with database.write() as session:
        assert plan(session, edition_id, now=now) == people
    with database.write() as session:
        assert start_due(session, now=now) == 1
    return desk, edition_id


def _add_people(session: sa.orm.Session, desk: Desk, numbers: range) -> None:
    key = desk.made.address_key
    people = [
        {
            "address": address,
            "address_key": address,
            "address_hash": keyed_hash(key, address),
            "domain": address.rpartition("@")[2],
            "name": f"Anna Mill{number:05}",
            "created_at": NOW,
        }
        for number in numbers
        for address in [address_of(number)]
    ]
    ids = session.scalars(
        sa.insert(Subscriber).returning(Subscriber.id, sort_by_parameter_order=True), people
    )
    active = {"status": SubscriptionStatus.ACTIVE, "created_at": NOW, "changed_at": NOW}
    same = {"list_id": desk.mailing_list.id, **active}
    session.execute(sa.insert(Subscription), [{"subscriber_id": each, **same} for each in ids])


@contextlib.contextmanager
def judge_process(folder: Path, script: Script) -> Iterator[int]:
    """A mail server in a process of its own, its record in the folder; the port."""
    port_file = folder / "judge.port"
    script = dataclasses.replace(script, keep=False, fsync=True, in_groups=True)
    judge = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.servers.smtp", "--port-file", str(port_file)),
            *("--record", str(folder / RECORD), "--script", json.dumps(script.to_plain())),
        ],
        cwd=ROOT,
    )
    try:
        wait_until(port_file.exists, what="the judge's port")
        yield int(port_file.read_text())
    finally:
        judge.kill()
        judge.wait()


def make_sender(desk: Desk, port: int, *, connections: int = 8, is_paced: bool = False) -> Sender:
    """What one worker sends with."""
    now = clock.utc_now()
    journal, journal_id = open_journal(desk.database, desk.folder / "journals", worker="test", now=now)
    endpoint = Endpoint(
        host="127.0.0.1", port=port, security=Security.NONE, timeout=30, max_connections=connections
    )
    writer = Writer(desk.database, desk.made, PUBLIC_URL)
    return Sender(journal, journal_id, SmtpTransport(endpoint), desk.transport_id, writer, is_paced=is_paced)


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
            live._worker.join(60)
            let_go(sender)
