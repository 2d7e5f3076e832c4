"""What several commands say alike."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.cli.messages import collected, edition_state, masked_url, source_health
from digest.editions.show import EditionLine
from digest.i18n import translator
from digest.models import EditionKind, EditionState, Reason, Source
from digest.sources.collect import Collected
from tests.factories.moments import NOW

_EN = translator("en")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:secret@host:6379/0", "redis://:***@host:6379/0"),
        ("postgresql://digest:se@cret@[::1]:5432/digest", "postgresql://digest:***@[::1]:5432/digest"),
        ("postgresql://host/digest?user=a&password=secret", "postgresql://host/digest?user=a&password=***"),
        ("sqlite:////var/lib/digest/digest.db", "sqlite:////var/lib/digest/digest.db"),
        ("redis://:with/a?slash#@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://host/0?ssl_keyfile_password=secret&x=1", "rediss://host/0?ssl_keyfile_password=***&x=1"),
        ("redis+socket:///run/broker.sock?virtual_host=0", "redis+socket:///run/broker.sock?virtual_host=0"),
    ],
)
def test_masked_url_keeps_all_but_the_password(url: str, shown: str) -> None:
    """A person must still recognise the server."""
    assert masked_url(url) == shown


@given(st.text(st.characters(codec="utf-8")))
def test_masked_url_never_holds_a_password(password: str) -> None:
    """Whatever stands in a password, none of it comes out."""
    assert masked_url(f"redis://user:{password}@broker.test/0") == "redis://user:***@broker.test/0"


def _source(**values: object) -> Source:
    plain = {"fault_code": None, "fault_detail": "", "faults_in_a_row": 0, "oddities": []}
    return Source(url="https://courier.example/", **{**plain, **values})


def test_source_that_was_never_collected_says_so() -> None:
    """It is neither good nor bad yet."""
    assert source_health(_source(), _EN, now=NOW) == "Not collected yet."


def test_good_source_says_when_it_was_read_and_what_is_odd() -> None:
    """Oddities do not make it bad."""
    read = NOW - dt.timedelta(minutes=12)
    source = _source(last_fetch_at=read, last_good_at=read, oddities=["Two posts have no date."])
    assert source_health(source, _EN, now=NOW) == "Good, read 12 minutes ago. Odd: Two posts have no date."


@pytest.mark.parametrize(("times", "words"), [(1, "Failed once"), (4, "Failed 4 times in a row")])
def test_failing_source_says_what_is_wrong_and_how_often(times: int, words: str) -> None:
    """The sentence, the detail, how often, and since when."""
    source = _source(
        last_fetch_at=NOW,
        last_good_at=NOW - dt.timedelta(hours=3),
        fault_code="timeout",
        fault_detail="30 s",
        faults_in_a_row=times,
    )
    said = source_health(source, _EN, now=NOW)
    assert said == (
        "The site took longer than we wait. It is tried again by itself. (30 s). "
        f"{words}, last read 3 hours ago."
    )


def test_collection_is_told_by_its_counts_or_its_fault() -> None:
    """New, unchanged and failed read differently."""
    assert collected(Collected(new=2, changed=1, known=9), _source(), _EN) == "2 new, 1 changed, 9 known."
    assert collected(Collected(), _source(), _EN) == "Nothing has changed since the last time."
    assert "does not answer" in collected(Collected(fault="unreachable"), _source(), _EN)


def _line(state: EditionState, reason: Reason | None, detail: str = "") -> EditionLine:
    return EditionLine(
        id=1,
        public_id="x",
        digest="courier",
        cadence="morning",
        zone="UTC",
        kind=EditionKind.SCHEDULED,
        state=state,
        reason=reason,
        reason_detail=detail,
        due_at=NOW,
        due_local="",
        send_at=NOW,
        subject="",
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (_line(EditionState.UPCOMING, None), "coming"),
        (
            _line(EditionState.SKIPPED, Reason.NOTHING_NEW),
            "Skipped: there was nothing new since the last edition.",
        ),
        (_line(EditionState.CANCELLED, Reason.BY_PERSON), "cancelled: Changed by a person."),
        (
            _line(EditionState.HELD, Reason.TOO_LARGE, "110000 > 100000"),
            "Held: the message is larger than mail programs show without cutting it. (110000 > 100000)",
        ),
    ],
)
def test_edition_state_is_said_once(line: EditionLine, said: str) -> None:
    """A reason's sentence mostly holds the state; where it does not, the state stands before it."""
    assert edition_state(line, _EN) == said


@pytest.mark.parametrize("state", EditionState)
@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("language", ["en", "hy"])
def test_every_state_and_reason_has_words(state: EditionState, reason: Reason, language: str) -> None:
    """No code of ours reaches a person."""
    said = edition_state(_line(state, reason), translator(language))
    assert said
    assert "_" not in said
