"""The table of reply classes: real replies at every stage, and that no reply is without a verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.replies import Scope, Stage, judge
from digest.mail.reply_rules import RULES
from digest.mail.transport import Outcome, Reply
from tests.unit.mail.reply_corpus import CORPUS, RIGHT, Sample, written

_SETUP = (Stage.CONNECT, Stage.EHLO, Stage.STARTTLS, Stage.RSET, Stage.QUIT)
_TOLD = (Stage.RCPT, Stage.DATA, Stage.DOT)
_WORDS = st.sampled_from(
    ["", "no", "spam", "Greylisted", "mailbox full", "relay denied", "too many recipients"]
)


@pytest.mark.parametrize("sample", CORPUS, ids=lambda sample: sample.title)
def test_each_real_reply_means_what_it_should(sample: Sample) -> None:
    """Real wordings at each stage: whom they speak of, what is done, and who is to blame."""
    found = {stage: written(judge(stage, sample.reply)) for stage in Stage}
    expected = {stage: sample.expected(stage) for stage in Stage}
    if sample.reply.code // 100 in (2, 3):  # the greeting and STARTTLS have one right answer each
        expected |= {Stage.CONNECT: "unsent host", Stage.STARTTLS: "unsent host"}
    assert found == expected


def test_the_corpus_is_large_and_each_rule_is_needed() -> None:
    """At least 60 replies, no two of one title, and every rule but the last is met by some of them."""
    assert len({sample.title for sample in CORPUS}) == len(CORPUS) >= 60
    replies = [sample.reply for sample in CORPUS] + [Reply(220, "", ""), Reply(235, "", "")]
    met = set()
    for reply in replies:
        for stage in Stage:
            met.add(
                next(
                    number
                    for number, rule in enumerate(RULES)
                    if rule.fits_code(stage, reply.code) and rule.fits_words(reply.enhanced, reply.text)
                )
            )
    unmet = [RULES[number] for number in range(len(RULES) - 1) if number not in met]
    assert unmet == []


@pytest.mark.parametrize("stage", RIGHT)
def test_the_right_answers_go_on(stage: Stage) -> None:
    """What a healthy server says lets the session go on."""
    code = int(RIGHT[stage][:3])
    assert judge(stage, Reply(code, "", "")).goes_on


def test_every_code_at_every_stage_with_every_enhanced_code_has_a_verdict() -> None:
    """The table is whole: 400 codes, ten stages, each enhanced subject; none falls to the last resort."""
    details = ("", *(f"{subject}.{detail}" for subject in range(10) for detail in (0, 1, 5, 8, 26)))
    for stage in Stage:
        for code in range(200, 600):
            for detail in details:
                enhanced = f"{code // 100}.{detail}" if detail else ""
                verdict = judge(stage, Reply(code, enhanced, ""))
                assert verdict is not RULES[-1].verdict
                _holds(stage, code, verdict)


@given(
    st.sampled_from(Stage),
    st.integers(0, 999),
    st.one_of(st.just(""), st.from_regex(r"[245]\.\d{1,3}\.\d{1,3}", fullmatch=True), st.text(max_size=8)),
    st.one_of(_WORDS, st.text(max_size=80)),
)
def test_any_reply_has_a_verdict(stage: Stage, code: int, enhanced: str, text: str) -> None:
    """Codes, enhanced codes and texts that nobody has seen: never an exception, never a broken promise."""
    _holds(stage, code, judge(stage, Reply(code, enhanced, text)))


def _holds(stage: Stage, code: int, verdict: object) -> None:
    """What must be true of each verdict, whatever the table says."""
    assert isinstance(verdict, type(RULES[0].verdict))
    outcome, kind = verdict.outcome, code // 100
    assert (outcome is Outcome.ACCEPTED) == (stage is Stage.DOT and kind == 2)
    assert (outcome is Outcome.UNKNOWN) == (stage is Stage.DOT and kind not in (2, 4, 5))
    if outcome is Outcome.REFUSED:
        assert kind == 5
        assert stage in (*_TOLD, Stage.MAIL)
    if outcome is Outcome.DEFERRED:
        assert stage in _TOLD
        assert kind == 4 or code == 552
    if code == 421:
        assert outcome is Outcome.UNSENT
        assert verdict.scope is Scope.HOST
        assert verdict.rests == (stage in _TOLD)
    if verdict.rests:
        assert stage in _TOLD
        assert verdict.scope in (Scope.HOST, Scope.DOMAIN)
    if verdict.goes_on:
        assert kind in (2, 3)
        assert outcome is Outcome.UNSENT
    if stage in _SETUP or stage is Stage.AUTH:
        assert outcome is Outcome.UNSENT
        assert verdict.scope is Scope.HOST
    assert not verdict.counts_as_bounce or (verdict.scope is Scope.PERSON and not verdict.rests)


@pytest.mark.parametrize(
    "enhanced", ["5.7.0", "5.7.1", "5.7.23", "5.7.25", "5.7.26", "5.7.27", "5.7.515", "5.7.750"]
)
@pytest.mark.parametrize("stage", _TOLD)
def test_a_policy_refusal_is_no_bounce(stage: Stage, enhanced: str) -> None:
    """A provider that refuses us has its domain rest, and nobody's address is held to be dead."""
    verdict = judge(stage, Reply(550, enhanced, "whatever it says"))
    assert verdict.rests
    assert verdict.is_sender_fault
    assert not verdict.counts_as_bounce


@pytest.mark.parametrize("enhanced", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
def test_a_dead_mailbox_is_a_bounce(enhanced: str) -> None:
    """What says that the address does not exist counts against it."""
    assert judge(Stage.RCPT, Reply(550, enhanced, "")).counts_as_bounce
