"""Whatever a newsroom does at the desk, in whatever order: nobody gets an edition twice, or unapproved.

Acts go through the pages as browsers send them, from tabs that may be old, and twice now and then; between
any two of them the clock and the workers come.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from digest import clock
from digest.db import Database
from digest.deliveries import control, plan
from digest.deliveries.journals import open_journal
from digest.models import (
    AccountDigest,
    AccountRole,
    Cadence,
    DeliveryStatus,
    EditionKind,
    EditionState,
    Post,
    Revision,
    Unapproved,
)
from digest.net.http import Fetcher
from tests.factories import make_account
from tests.integration.newsroom import make_newsroom
from tests.integration.web.desk import desk_afterthoughts as afterthoughts
from tests.integration.web.desk.desk_history import History, Tab, Worker
from tests.integration.web.desk.hands import signed_in

BATCH, READERS = 3, 5
SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
UNCERTAIN = DeliveryStatus.UNCERTAIN
Step = tuple[str, int, int, bool]  # what, who, which, and whether it is pressed twice
Act = Callable[[History, int, int, int], None]

_ACTS: dict[str, Act] = {
    "look": lambda day, who, _, __: day.look(day.tabs[who]),
    "write": lambda day, who, which, times: day.write(day.tabs[who], which, times),
    "move": lambda day, who, which, times: day.move_story(day.tabs[who], which, times),
    "rewrite": lambda day, who, which, times: day.rewrite(day.tabs[who], which, times),
    "undo": lambda day, who, which, times: day.undo(day.tabs[who], which, times),
    "hold": lambda day, who, _, times: day.course(day.tabs[who], "hold", times),
    "go-on": lambda day, who, _, times: day.course(day.tabs[who], "go-on", times),
    "lock-again": lambda day, who, _, times: day.course(day.tabs[who], "lock-again", times),
    "pause": lambda day, who, _, times: day.course(day.tabs[who], "pause", times),
    "resume": lambda day, who, _, times: day.course(day.tabs[who], "resume", times),
    "cancel": lambda day, who, _, times: day.course(day.tabs[who], "cancel", times),
    "approve": lambda day, who, _, times: day.approve(day.tabs[who], times),
    "proof": lambda day, who, which, times: day.proof(("approve", "hold", "stop")[who], which, times),
    "correct": lambda day, who, which, times: afterthoughts.correct(day, day.tabs[who], which, times),
    "doubts": lambda day, who, which, times: afterthoughts.settle(day, day.tabs[who], which, times),
    "skip": lambda day, who, which, times: afterthoughts.skip(day, day.tabs[who], which, times),
    "leave-out": lambda day, who, _, times: afterthoughts.leave_out(day, day.tabs[who], times),
    "correction": lambda day, who, which, times: afterthoughts.correction(day, day.tabs[who], which, times),
    "show": lambda day, who, _, __: day.show_next(day.tabs[who]),
    "switch": lambda day, who, _, times: day.go_on_with(day.tabs[who], times),
    "retry": lambda day, who, _, times: day.retry(day.tabs[who], times),
    "lock": lambda day, _, __, ___: day.lock(),
    "plan": lambda day, _, __, ___: day.plan(),
    "slot": lambda day, _, __, ___: day.slot(),
    "deadline": lambda day, _, __, ___: day.deadline(),
    "tick": lambda day, _, __, ___: day.tick(),
    "claim": lambda day, who, _, __: day.claim(day.workers[who % 2]),
    "read": lambda day, who, _, __: day.read(day.workers[who % 2]),
    "record": lambda day, who, which, _: day.record(
        day.workers[who % 2], (SENT, FAILED, PENDING, UNCERTAIN)[which]
    ),
    "let go": lambda day, who, _, __: day.let_go(day.workers[who % 2]),
    "say again": lambda day, who, _, __: day.say_again(day.workers[who % 2]),
}
# By chance alone few editions would ever be on their way: most histories begin with a usual morning.
_LOCKED: tuple[Step, ...] = (("lock", 0, 0, False), ("look", 2, 0, False))
_GOING: tuple[Step, ...] = (
    *_LOCKED,
    ("approve", 2, 0, False),
    ("plan", 0, 0, False),
    ("slot", 0, 0, False),
    ("claim", 0, 0, False),
    ("read", 0, 0, False),
    ("record", 0, 1, False),
)
# Somebody has looked, and what they saw is not what is locked now.
_LOCKED_ANEW: tuple[Step, ...] = (
    *_LOCKED,
    ("lock-again", 0, 0, False),
    ("look", 0, 0, False),
    ("write", 0, 0, False),
    ("lock", 0, 0, False),
    ("approve", 2, 0, False),
)
# A next version is made while it is paused, read, and gone on with by somebody who may approve, or not.
_CORRECTED: tuple[Step, ...] = (
    *_GOING,
    ("pause", 0, 0, False),
    ("let go", 0, 0, False),
    ("correct", 0, 0, False),
    ("look", 0, 0, False),
    ("look", 2, 0, False),
)
# One failed, one may have it, the others have it; what may have arrived is looked at.
_SENT: tuple[Step, ...] = (
    *_GOING,
    *(("read", 0, 0, False), ("record", 0, 3, False), ("claim", 0, 0, False)),
    *(("read", 0, 0, False), ("record", 0, 0, False), ("tick", 0, 0, False)),
)
_STOPPED: tuple[Step, ...] = (*_GOING, ("hold", 0, 0, False))
# At last everybody does what would let it go out, if it may.
_CLOSING: tuple[Step, ...] = (
    ("resume", 0, 0, False),
    ("plan", 0, 0, False),
    ("slot", 0, 0, False),
    *(step for who in range(2) for step in (("record", who, 0, False), ("claim", who, 0, False))),
    *((what, who, 0, False) for what in ("read", "record", "read", "record") for who in range(2)),
)
_OFTEN = (
    "look",
    "look",
    "approve",
    "approve",
    "lock",
    "slot",
    "claim",
    "read",
    "read",
    "record",
    "resume",
    "switch",
)
steps = st.lists(
    st.tuples(
        st.sampled_from([*_ACTS, *_OFTEN]),
        st.integers(0, 2),
        st.integers(0, 3),
        st.sampled_from([False, False, True]),
    ),
    min_size=10,
    max_size=30,
)
_numbers = itertools.count(1)


@pytest.fixture
def begin(
    database: Database, app: FastAPI, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Unapproved | None], History]:
    """Makes an edition with its people; where approval is wanted, with what becomes of it without one."""
    monkeypatch.setattr(plan, "BATCH_SIZE", BATCH)
    monkeypatch.setattr(control, "BATCH_SIZE", BATCH)
    with database.write() as session:
        people = [
            make_account(session, f"{name}@courier.example", role=role, name=name.title())
            for name, role in (
                ("ani", AccountRole.EDITOR),
                ("bela", AccountRole.EDITOR),
                ("nare", AccountRole.APPROVER),
            )
        ]
    hands = [signed_in(client, database, one) for one in people]
    journals = [
        open_journal(database, tmp_path / "journals", worker=f"w{number}", now=clock.utc_now())[1]
        for number in range(2)
    ]
    fetcher = Fetcher()

    def make(outcome: Unapproved | None) -> History:
        number = next(_numbers)
        room = make_newsroom(database, f"courier-of-{number}")
        for _ in range(READERS - 1):
            room.add_reader()
        posts = [
            room.publish(f"{title} {number}", hours=hours, **more)
            for title, hours, more in (
                ("The harbour", 1, {"categories": ["Commentary"], "body_html": "<p>A long day.</p>"}),
                ("The bridge", 2, {}),
                ("The choir", 3, {}),
            )
        ]
        # Addresses that the guard refuses at once: the checks of a new version wait for no site.
        room.change(Post, url=sa.literal("http://127.0.0.1/") + sa.cast(Post.id, sa.String))
        with database.write() as session:
            cadence = session.get_one(Cadence, room.cadence_id)
            cadence.is_running, cadence.slots_after = True, room.now
            cadence.wants_approval = outcome is not None
            cadence.approval_outcome = outcome
            for one in people[:2]:
                session.add(AccountDigest(account_id=one.id, digest_id=room.digest_id))
        day = History(
            database=database,
            room=room,
            edition_id=room.edition(kind=EditionKind.SCHEDULED if number % 2 else EditionKind.BREAKING),
            tabs=[
                Tab(each, one.id, one.role is AccountRole.APPROVER)
                for each, one in zip(hands, people, strict=True)
            ],
            workers=[Worker(journal) for journal in journals],
            signer=app.state.services.keys.signer,
            fetcher=fetcher,
            wants_approval=outcome is not None,
            outcome=outcome or Unapproved.SKIP,
            posts=posts,
        )
        day.look(day.tabs[0])
        for tab in day.tabs[1:]:  # who see the same
            tab.seen = day.tabs[0].seen
        return day

    return make


def play(day: History, history: list[Step], *, is_over: bool = True) -> None:
    """One history, to its end if it `is_over`; what happened stands with whatever went wrong."""
    try:
        for what, who, which, is_double in history:
            _ACTS[what](day, who, which, 1 + is_double)
        if is_over:
            day.finish()
    except AssertionError as error:
        error.add_note("\n".join(day.story))
        raise


_OPENINGS = st.sampled_from([(), _LOCKED, _GOING, _GOING, _STOPPED, _LOCKED_ANEW, _CORRECTED, _SENT])
_OUTCOMES = st.sampled_from([Unapproved.SKIP, Unapproved.SKIP, Unapproved.SEND, None])


def _play_all(begin: Callable[[Unapproved | None], History], examples: int) -> None:
    @settings(
        max_examples=examples,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),  # a history is short enough to read as it is
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(outcome=_OUTCOMES, opening=_OPENINGS, history=steps)
    def play_one(outcome: Unapproved | None, opening: tuple[Step, ...], history: list[Step]) -> None:
        play(begin(outcome), [*opening, *history, *_CLOSING])

    play_one()


def test_nobody_gets_an_edition_twice_or_unapproved(
    database: Database, begin: Callable[[Unapproved | None], History]
) -> None:
    """In no order of acts: approve, edit, undo, hold, pause, another version, cancel, retry, two tabs."""
    _play_all(begin, 12 if database.is_sqlite else 3)


def test_what_was_stopped_in_the_middle_goes_on_once_it_is_approved_anew(
    begin: Callable[[Unapproved | None], History],
) -> None:
    """Its page offers that to whoever may; before that it does not go on."""
    day = begin(Unapproved.SKIP)
    play(day, [*_STOPPED, ("resume", 0, 0, False)], is_over=False)
    assert day.state() is EditionState.PAUSED
    play(day, [("look", 2, 0, False), ("approve", 2, 0, False), ("resume", 0, 0, False)], is_over=False)
    assert day.state() is EditionState.SENDING
    play(day, list(_CLOSING))


@pytest.mark.slow  # the run has a few of them
def test_nobody_does_so_in_a_thousand_histories(begin: Callable[[Unapproved | None], History]) -> None:
    """The same on each database, long enough that rare orders come too."""
    _play_all(begin, 1000)


_FORGOTTEN = lambda *_, **__: 0  # noqa: E731  (a step that does nothing)
# What is left out of the product, and what a newsroom then does that shows it.
_FAULTS: dict[str, tuple[str, object, tuple[Step, ...]]] = {
    "the gate is open": ("digest.editions.states.approved", sa.true, (*_STOPPED, ("resume", 0, 0, False))),
    "a stop voids nothing": ("digest.deliveries.stop.void", _FORGOTTEN, (*_STOPPED, ("resume", 0, 0, False))),
    "what was seen is not asked": (
        "digest.web.desk.pages.edition_changes.check_seen",
        _FORGOTTEN,
        (("write", 0, 0, False), ("write", 1, 0, False)),
    ),
    "whatever is there is approved": (
        "digest.editions.approve.seen_revision",
        lambda session, edition, _: session.get_one(Revision, edition.revision_id),
        _LOCKED_ANEW,
    ),
    "every correction is a new one": (
        "digest.editions.correct._made_before",
        lambda *_, **__: None,
        (*_SENT, ("correction", 0, 0, True)),
    ),
    "nothing is recorded": (f"{History.__module__}.record", _FORGOTTEN, _GOING),
}


@pytest.mark.slow  # of the histories, not of the product
@pytest.mark.parametrize("fault", [None, *_FAULTS])
def test_a_fault_shows_in_a_history(
    begin: Callable[[Unapproved | None], History], monkeypatch: pytest.MonkeyPatch, fault: str | None
) -> None:
    """Each leads to what must not be; without any, the same histories end well."""
    if fault is None:
        for _, _, history in _FAULTS.values():
            play(begin(Unapproved.SKIP), [*history, *_CLOSING])
        return
    where, instead, history = _FAULTS[fault]
    monkeypatch.setattr(where, instead)
    with pytest.raises(AssertionError):
        play(begin(Unapproved.SKIP), [*history, *_CLOSING])
