"""An edition in the hands of a newsroom that cannot agree: acts at the desk, the clock, and workers between.

What the newsroom has seen, approved and taken back is kept here beside the product, from what was on the
screens and what the answers said. What was handed over is judged by that alone, by the bytes of the mails.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.handover import go_on, take_back_plans
from digest.deliveries.leases import Lease, claim_next, hand_back
from digest.deliveries.ledger import Result, close_if_done, defer, record
from digest.deliveries.people import Person, pending_of, people_of
from digest.deliveries.plan import plan
from digest.editions.deadlines import apply_deadlines
from digest.editions.freeze import freeze
from digest.editions.proof_links import proof_url
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionKind,
    EditionState,
    Revision,
    Unapproved,
    Variant,
)
from digest.net.http import Fetcher
from digest.tokens import Signer
from tests.integration.newsroom import Newsroom
from tests.integration.web.desk.desk_afterthoughts import freeze_settings, send_corrections
from tests.integration.web.desk.hands import Hands

GROUP: Final = 2
S = EditionState
SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
UNCERTAIN = DeliveryStatus.UNCERTAIN
# What can be in the field of a form: whose place among the tabs says who is allowed what.
_WORDS: Final = ("subject", "preheader")


@dataclass(slots=True)
class Tab:
    """A browser's tab with the edition page, as it was when it was opened or last answered."""

    hands: Hands
    account_id: int
    may_approve: bool
    seen: str = ""
    fingerprint: str = ""
    mails: frozenset[bytes] = frozenset()  # of the content whose fingerprint it shows
    changes: tuple[str, ...] = ()  # that it offers to take back
    done_before: int = 0  # how many changes had been made when it was opened
    sheet: dict[str, str] = field(default_factory=dict)  # the form for a correction, as it was opened


@dataclass(slots=True)
class Worker:
    """One that sends, step by step: it claims a batch, reads a group, hands it over, records, lets go."""

    journal_id: int
    lease: Lease | None = None
    group: list[Person] = field(default_factory=list)
    said: list[Result] = field(default_factory=list)


@dataclass(slots=True)
class History:
    """One edition, the tabs that look at it, the workers that send it, and what the newsroom knows."""

    database: Database
    room: Newsroom
    edition_id: int
    tabs: list[Tab]
    workers: list[Worker]
    signer: Signer
    fetcher: Fetcher
    wants_approval: bool
    outcome: Unapproved
    posts: list[int]
    # What stands approved, as mails; and the versions that were ever on a screen, with theirs.
    standing: frozenset[bytes] = frozenset()
    versions: list[tuple[int, str, frozenset[bytes]]] = field(default_factory=list)
    # What was set last of each kind of words, and when; and how many changes there were.
    words: dict[str, str] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    undone: bool = False
    made: int = 0
    accepted: Counter[int] = field(default_factory=Counter)
    # Who may have it, as far as nobody has said anything; to whom it was sent once more by a person's word.
    unsure: set[int] = field(default_factory=set)
    resent: set[int] = field(default_factory=set)
    is_left_out: bool = False
    corrections: dict[tuple[int, str], int] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)  # what happened, to be read when it went wrong

    # --- what is so

    def state(self) -> EditionState:
        with self.database.read() as session:
            return session.get_one(Edition, self.edition_id).state

    def mails_of(self, revision_id: int | None) -> frozenset[bytes]:
        """Every mail of a version, whole."""
        with self.database.read() as session:
            return frozenset(
                session.scalars(sa.select(Variant.mail).where(Variant.revision_id == revision_id))
            )

    def current(self) -> Revision | None:
        with self.database.read() as session:
            return session.get(Revision, session.get_one(Edition, self.edition_id).revision_id or 0)

    def newest(self) -> Revision | None:
        with self.database.read() as session:
            newest = sa.select(Revision).where(Revision.edition_id == self.edition_id)
            return session.scalars(newest.order_by(Revision.number.desc()).limit(1)).first()

    # --- what people do

    def look(self, tab: Tab) -> None:
        """Open the page, or load it anew."""
        answer = tab.hands.get(f"/desk/editions/{self.edition_id}")
        assert answer.status_code == 200, answer.text
        seen = re.search(r'data-version="([^"]+)"', answer.text)
        shown = re.findall(r'name="fingerprint" value="([0-9a-f]{64})"', answer.text)
        assert seen is not None
        tab.seen, tab.done_before = seen[1], self.made
        tab.fingerprint = shown[0] if shown else ""
        tab.mails = self.mails_of(self._version_of(tab.fingerprint))
        tab.changes = tuple(re.findall(r'name="change" value="(\d+)"', answer.text))

    def write(self, tab: Tab, number: int, times: int) -> None:
        """Another subject, or another line beside it."""
        words = _WORDS[number % 2]
        text = f"{words} {self.made} of tab {self.tabs.index(tab)}"
        fields = {"words": words, "text": text, "seen": tab.seen}
        self._change(tab, "words", words, fields, times, text=text)

    def move_story(self, tab: Tab, number: int, times: int) -> None:
        """A story is placed, taken out or put in."""
        act = ("place", "drop", "include")[number % 3]
        post = self.posts[number % len(self.posts)]
        fields: dict[str, object] = {"story": f"post:{post}", "seen": tab.seen}
        if act == "place":
            fields["place"] = 1
        self._change(tab, act, f"place of {post}", fields, times)

    def rewrite(self, tab: Tab, number: int, times: int) -> None:
        post = self.posts[number % len(self.posts)]
        was = {"was_title": "x", "was_excerpt": "", "was_section": ""}
        fields = {"story": f"post:{post}", "title": f"Title {self.made}", "excerpt": "", "section": "", **was}
        self._change(tab, "rewrite", f"words of {post}", {**fields, "seen": tab.seen}, times)

    def _change(
        self, tab: Tab, act: str, about: str, fields: dict[str, object], times: int, *, text: str = ""
    ) -> None:
        """A change to a thing; nobody's change of the same since this tab was opened may be lost by it."""
        for _ in range(times):
            was_stale = self.touched.get(about, 0) > tab.done_before
            status = self.post(tab, act, fields)
            if status != 303:
                continue
            assert tab.seen, "nothing can be changed that was not looked at"
            assert not was_stale, f"a change to the {about} by a tab that had not seen the last one"
            self.made += 1
            self.touched[about] = self.made
            if text:
                self.words[about] = text

    def undo(self, tab: Tab, number: int, times: int) -> None:
        """Take back a change that the page shows; a second press takes nothing else back."""
        if not tab.changes:
            return
        change = tab.changes[number % len(tab.changes)]
        done = [self.post(tab, "undo", {"change": change, "seen": tab.seen}) for _ in range(times)]
        if 303 in done:
            self.made += 1
            self.undone = True  # from here on the subject is the product's to say

    def course(self, tab: Tab, act: str, times: int) -> None:
        """Hold, let go on, lock again, pause, resume, cancel."""
        for _ in range(times):
            was = self.state()
            if self.post(tab, act, {}) == 303:
                self._took_back(act, was)

    def approve(self, tab: Tab, times: int) -> None:
        """Approve what this tab shows, whatever is so by now."""
        for _ in range(times):
            status = self.post(tab, "approve", {"fingerprint": tab.fingerprint})
            assert status != 303 or tab.may_approve or not self.wants_approval
            if status == 303:
                self.standing |= tab.mails

    def proof(self, act: str, number: int, times: int) -> None:
        """Press a button in the proof of some version, perhaps of one that is over."""
        if not self.versions:
            return
        revision_id, fingerprint, mails = self.versions[-1 - number % min(2, len(self.versions))]
        approver = next(tab for tab in self.tabs if tab.may_approve)
        url = proof_url("", self.signer, revision_id=revision_id, account_id=approver.account_id)
        for _ in range(times):
            was, before = self.state(), self._is_approved(revision_id)
            approver.hands.get(url)  # a scanner, or the person
            answer = approver.hands.client.post(url, data={"act": act})
            assert answer.status_code < 500, answer.text
            self.story.append(f"proof of {fingerprint[:6]}: {act} -> {answer.status_code}")
            if act == "approve" and self._is_approved(revision_id):
                current = self.current()
                is_current = current is not None and current.id == revision_id
                self.standing |= mails if is_current or not before else frozenset()
            elif act == "hold" and self.state() is not was:
                self._took_back("hold", was)

    def show_next(self, tab: Tab) -> None:
        """Read the newest version, as a test mail shows it."""
        if self.versions:
            _, tab.fingerprint, tab.mails = self.versions[-1]

    def go_on_with(self, tab: Tab, times: int) -> None:
        """Go on with the version that this tab shows; whoever may approve does so by it."""
        for _ in range(times):
            status = self.post(tab, "go-on-with", {"fingerprint": tab.fingerprint})
            if status == 303 and (tab.may_approve or not self.wants_approval):
                self.standing |= tab.mails
            assert status != 303 or not self.wants_approval or tab.mails <= self.standing

    def retry(self, tab: Tab, times: int) -> None:
        """Send again to those who failed."""
        for _ in range(times):
            self.post(tab, "retry", {"answer": ""})

    # --- what the clock does

    def lock(self) -> None:
        """The freeze; what it has locked is what was written last."""
        was = self.state()
        with self.database.read() as session:
            kind = session.get_one(Edition, self.edition_id).kind
        self._set(kind=EditionKind.BREAKING)  # no site is asked
        now = freeze(self.database, self.edition_id, freeze_settings(self))
        self._set(kind=kind)
        self.story.append(f"freeze: {was} -> {now}")
        if now is not S.FROZEN:
            return
        self.standing = frozenset()  # a new content, whatever was approved before
        current = self.current()
        assert current is not None
        self.note_version(current)
        if not self.undone and "subject" in self.words:
            assert current.subject == self.words["subject"]

    def plan(self) -> None:
        with self.database.write() as session:
            plan(session, self.edition_id, now=clock.utc_now())

    def slot(self) -> None:
        self._set(send_at=clock.utc_now() - dt.timedelta(seconds=1))
        self.tick()

    def deadline(self) -> None:
        """The time that was stated for a decision is over."""
        state, current = self.state(), self.current()
        with self.database.read() as session:
            waits = session.get_one(Edition, self.edition_id).deadline_at is not None
        if not waits:
            return
        self._set(deadline_at=clock.utc_now() - dt.timedelta(seconds=1))
        is_stated = state is S.FROZEN and self.outcome is Unapproved.SEND and current is not None
        if is_stated and current is not None and self.wants_approval:
            self.standing |= self.mails_of(current.id)
        self.tick()

    def tick(self) -> None:
        now = clock.utc_now()
        self._set_batches_due(now)
        with self.database.write() as session:
            apply_deadlines(session, now=now)
            take_back_plans(session)
        with self.database.write() as session:
            go_on(session, now=now)

    # --- what workers do

    def claim(self, worker: Worker) -> None:
        if worker.lease is None:
            worker.lease = claim_next(self.database, worker.journal_id, transport_id=None, lease_seconds=600)

    def read(self, worker: Worker) -> None:
        """Read the next group: from here on it is on its way, so it is judged here."""
        lease = worker.lease
        if lease is None or worker.group:
            return
        with self.database.read() as session:
            ids = pending_of(session, self.edition_id, lease.batch_id)[:GROUP]
            worker.group = people_of(session, self.edition_id, lease.batch_id, ids)
            mails = {
                person.subscriber_id: session.scalars(
                    sa.select(Variant.mail).where(Variant.id == person.variant_id)
                ).one()
                for person in worker.group
            }
        assert not self.is_left_out or not mails, "it was left out"
        for mail in mails.values():
            assert not self.wants_approval or mail in self.standing, "nobody has approved what goes out"

    def record(self, worker: Worker, status: DeliveryStatus) -> None:
        """Hand the group over: the first person meets `status`, the others are accepted."""
        lease = worker.lease
        if lease is None or not worker.group:
            return
        now, results = clock.utc_now(), []
        for person in worker.group:
            met = status if person is worker.group[0] else SENT
            if met in (SENT, UNCERTAIN):
                self.accepted[person.subscriber_id] += 1
                most = 1 + (person.subscriber_id in self.resent)
                assert self.accepted[person.subscriber_id] <= most, "somebody has it twice"
            if met is UNCERTAIN:
                self.unsure.add(person.subscriber_id)
            results.append(Result(person.subscriber_id, person.attempt, met, now))
        worker.group = []
        final = [one for one in results if one.status is not PENDING]
        worker.said += final
        with self.database.write() as session:
            record(session, self.edition_id, final)
            defer(session, self.edition_id, [one for one in results if one.status is PENDING], now=now)
            if close_if_done(session, lease.batch_id, now=now):
                worker.lease = None

    def say_again(self, worker: Worker) -> None:
        """All that was said, once more, as a journal does that is folded in afterwards."""
        with self.database.write() as session:
            record(session, self.edition_id, worker.said)

    def let_go(self, worker: Worker) -> None:
        self.record(worker, SENT)
        if worker.lease is not None:
            hand_back(self.database, worker.lease)
            worker.lease = None

    def finish(self) -> None:
        """Workers let go and the clock goes on; what still waits for a person is stopped."""
        for worker in self.workers:
            self.let_go(worker)
        self.tick()
        with self.database.read() as session:
            edition = session.get_one(Edition, self.edition_id)
            rows = session.execute(
                sa.select(Delivery.subscriber_id, Delivery.status).where(
                    Delivery.edition_id == self.edition_id
                )
            )
            status = {row.subscriber_id: row.status for row in rows}
        if edition.state is S.SENT:
            assert PENDING not in status.values()
            have = {person for person, one in status.items() if one in (SENT, UNCERTAIN)}
            assert have <= self.accepted.keys()
            # Whoever was sent it once more may have failed that time.
            assert self.accepted.keys() - have <= self.resent
            assert {person for person, one in status.items() if one is UNCERTAIN} == self.unsure
        send_corrections(self)
        with self.database.write() as session:
            session.execute(sa.update(Edition).where(Edition.id == self.edition_id).values(state=S.CANCELLED))
            session.execute(
                sa.update(Batch).where(Batch.edition_id == self.edition_id).values(closed_at=clock.utc_now())
            )

    # --- helpers

    def post(self, tab: Tab, act: str, fields: dict[str, object]) -> int:
        answer = tab.hands.post(f"/desk/editions/{self.edition_id}/{act}", fields)
        self.story.append(f"tab {self.tabs.index(tab)}: {act} {fields or ''} -> {answer.status_code}")
        assert answer.status_code in {303, 403, 409, 422, 404}, (act, answer.status_code, answer.text)
        for typed in {"text", "title"} & fields.keys() if answer.status_code in {409, 422} else ():
            assert html.escape(str(fields[typed])) in answer.text, "what was typed is lost"
        return answer.status_code

    def _took_back(self, act: str, was: EditionState) -> None:
        """A no, by whoever says it, takes every approval back that is of what has not begun."""
        if (act == "hold" and was in (S.UPCOMING, S.FROZEN, S.SENDING)) or act in ("go-on", "lock-again"):
            self.standing = frozenset()

    def note_version(self, revision: Revision | None) -> None:
        if revision is not None:
            self.versions.append((revision.id, revision.fingerprint, self.mails_of(revision.id)))

    def _version_of(self, fingerprint: str) -> int | None:
        """The newest version with a content."""
        with self.database.read() as session:
            of_content = sa.select(sa.func.max(Revision.id)).where(
                Revision.edition_id == self.edition_id, Revision.fingerprint == fingerprint
            )
            return session.scalar(of_content)

    def _is_approved(self, revision_id: int) -> bool:
        with self.database.read() as session:
            return session.get_one(Revision, revision_id).approved_at is not None

    def _set(self, **values: object) -> None:
        with self.database.write() as session:
            session.execute(sa.update(Edition).where(Edition.id == self.edition_id).values(**values))

    def _set_batches_due(self, now: dt.datetime) -> None:
        before = now - dt.timedelta(seconds=1)
        with self.database.write() as session:
            session.execute(
                sa.update(Batch).where(Batch.edition_id == self.edition_id).values(not_before=before)
            )
