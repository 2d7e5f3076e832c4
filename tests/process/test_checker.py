"""The checker itself: each planted error is found, and nothing else is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from digest.mail.headers import date_text
from digest.mail.journal import IntentRecord, OutcomeRecord, Record
from digest.mail.message import build_digest
from digest.mail.placeholders import PreparedMail, fill
from digest.mail.transport import Outcome
from tests.process.checker import Member, Report, check

PEOPLE = 24
_AT = dt.datetime(2026, 11, 23, 7, tzinfo=dt.UTC)
_BASE = "https://digest.courier.example/u/"


@dataclass
class Scene:
    """An edition that went out as it should, to be spoilt."""

    members: list[Member]
    taken: list[dict[str, Any]]
    ends: list[dict[str, Any]]
    records: list[Record]
    sign_offs: dict[str, float] = field(default_factory=dict)
    pauses: list[tuple[float, float]] = field(default_factory=list)

    def checked(self) -> Report:
        return check(
            self.members,
            self.taken,
            ends=self.ends,
            records=self.records,
            sign_offs=self.sign_offs,
            pauses=self.pauses,
        )

    def give(self, number: int, **changes: Any) -> None:
        self.members[number] = replace(self.members[number], **changes)

    def respell(self, number: int, old: str, new: str, *, times: int = -1) -> None:
        line = self.taken[number]
        assert old in line["raw"]
        line["raw"] = line["raw"].replace(old, new, times)


def _mail(revision: int, sort: str) -> PreparedMail:
    """Latin goes out as quoted-printable, Armenian as base64."""
    words = "A bridge is mended" if sort == "latin" else "Կամուրջը վերանորոգված է և բաց երթևեկության համար"
    return build_digest(
        from_name="The Courier",
        from_address="news@courier.example",
        subject=words,
        html=f"<p>%%name%%,</p><p>{words}, {revision}.</p><a href='%%unsubscribe_url%%'>Off</a>",
        text=f"%%name%%,\n{words}, {revision}.\nOff: %%unsubscribe_url%%\n",
    )


def _letter(mail: PreparedMail, member: Member) -> str:
    values = {
        "to": member.address,
        "to_name": member.name,
        "name": member.name,
        "message_id": member.message_id,
        "date": date_text(_AT + dt.timedelta(seconds=member.subscriber_id)),
        "list_id": "readers.courier.example",
        "unsubscribe_url": member.unsubscribe_url,
    }
    return fill(mail, values).decode("latin-1")


def _member(number: int) -> Member:
    return Member(
        subscriber_id=number,
        address=f"reader{number:03}@mail.test",
        name=f"Anna <O'Hara{number:03}> & Co",
        message_id=f"<e7.{number:03}abc@courier.example>",
        unsubscribe_url=f"{_BASE}Token{number:03}-x_y",
        status="sent",
        revision=1 if number < PEOPLE // 2 else 2,
        sender="news@courier.example",
    )


def _intent(number: int, attempt: int = 0) -> IntentRecord:
    return IntentRecord(batch_id=1, edition_id=7, subscriber_id=number, attempt=attempt, at=_AT)


def _outcome(number: int, outcome: Outcome, attempt: int = 0) -> OutcomeRecord:
    return OutcomeRecord(
        batch_id=1,
        edition_id=7,
        subscriber_id=number,
        attempt=attempt,
        at=_AT,
        outcome=outcome,
        transport_id=1,
        reply=None,
    )


@pytest.fixture(params=["latin", "armenian"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """Everybody got their own mail once, over two connections that said QUIT."""
    members = [_member(number) for number in range(PEOPLE)]
    mails = {revision: _mail(revision, request.param) for revision in (1, 2)}
    taken = []
    for member in members:
        assert isinstance(member.revision, int)
        at = 1000.0 + member.subscriber_id
        taken.append(
            {
                "at": at,
                "mail_at": at - 0.01,
                "mail_from": member.sender,
                "rcpt": [member.address],
                "message_id": member.message_id,
                "connection": 1 + member.subscriber_id % 2,
                "answered": True,
                "raw": _letter(mails[member.revision], member),
            }
        )
    records: list[Record] = []
    for member in members:
        records += [_intent(member.subscriber_id), _outcome(member.subscriber_id, Outcome.ACCEPTED)]
    ends = [{"ended": number, "at": 1100.0, "quit": True, "in_mail": False} for number in (1, 2)]
    return Scene(members, taken, ends, records)


def test_a_right_run_is_clean(scene: Scene) -> None:
    """Nothing is found where nothing is wrong."""
    report = scene.checked()
    assert report.is_clean(), report.text()
    assert report.text() == f"{PEOPLE} mails accepted for {PEOPLE} people, 0 uncertain, 0 connections ended"


def _lose_one(scene: Scene) -> None:
    del scene.taken[3]


def _leave_one_pending(scene: Scene) -> None:
    scene.give(3, status="pending")
    del scene.taken[3]


def _double_one(scene: Scene) -> None:
    scene.taken.append(scene.taken[3] | {"connection": 2})


def _send_a_stranger(scene: Scene) -> None:
    stranger = _member(900)
    raw = _letter(_mail(1, "latin"), stranger)
    scene.taken.append(scene.taken[0] | {"rcpt": [stranger.address], "raw": raw})


def _swap_the_link_of_one(scene: Scene) -> None:
    number, other = 3, 4
    member, stranger = scene.members[number], scene.members[other]
    mixed = replace(member, unsubscribe_url=stranger.unsubscribe_url)
    scene.taken[number]["raw"] = _letter(_the_mail(scene), mixed)


def _swap_the_name_of_one(scene: Scene) -> None:
    mixed = replace(scene.members[3], name=scene.members[4].name)
    scene.taken[3]["raw"] = _letter(_the_mail(scene), mixed)


def _swap_the_message_id_of_one(scene: Scene) -> None:
    scene.respell(3, scene.members[3].message_id, scene.members[4].message_id)


def _swap_two_whole_mails(scene: Scene) -> None:
    one, two = scene.taken[3], scene.taken[4]
    one["raw"], two["raw"] = two["raw"], one["raw"]


def _swap_the_envelope_sender(scene: Scene) -> None:
    scene.taken[3]["mail_from"] = "other@courier.example"


def _leave_out_the_link(scene: Scene) -> None:
    mixed = replace(scene.members[3], unsubscribe_url="https://digest.courier.example/about")
    scene.taken[3]["raw"] = _letter(_the_mail(scene), mixed)


def _name_two_in_one_envelope(scene: Scene) -> None:
    scene.taken[3]["rcpt"].append(scene.taken[4]["rcpt"][0])
    del scene.taken[4]


def _name_two_in_to(scene: Scene) -> None:
    own = f"<{scene.members[3].address}>"
    scene.respell(3, own, f"{own}, <b@elsewhere.test>", times=1)


def _put_in_a_copy(scene: Scene) -> None:
    scene.respell(3, "MIME-Version:", "Cc: b@elsewhere.test\r\nMIME-Version:", times=1)


def _change_one_byte(scene: Scene) -> None:
    raw = scene.taken[3]["raw"]
    at = raw.index("\r\n\r\n", raw.index("text/html")) + 12
    letter = "Q" if raw[at] != "Q" else "R"
    scene.taken[3]["raw"] = raw[:at] + letter + raw[at + 1 :]


def _change_the_subject(scene: Scene) -> None:
    scene.respell(3, "Subject: ", "Subject: x", times=1)


def _send_the_other_revision(scene: Scene) -> None:
    other = scene.members[3]
    scene.taken[3]["raw"] = _letter(_mail(2, _sort(scene)), other)


def _send_after_a_sign_off(scene: Scene) -> None:
    scene.sign_offs = {scene.members[9].address: 1009 - 5.5, scene.members[8].address: 1008 - 4.5}


def _send_in_a_pause(scene: Scene) -> None:
    scene.pauses = [(1003.5, 1009.5)]  # from 1008.5 on nothing may start; the one at 1009 did


def _leave_an_intent_open(scene: Scene) -> None:
    scene.records.remove(_outcome(3, Outcome.ACCEPTED))


def _hear_nothing(scene: Scene) -> None:
    scene.records.append(_outcome(3, Outcome.UNKNOWN, attempt=100))


def _doubt_without_a_reason(scene: Scene) -> None:
    scene.give(3, status="uncertain")


def _forget_what_was_taken(scene: Scene) -> None:
    scene.give(3, status="skipped")


def _sort(scene: Scene) -> str:
    return "armenian" if "base64" in scene.taken[0]["raw"] else "latin"


def _the_mail(scene: Scene) -> PreparedMail:
    return _mail(1, _sort(scene))


@pytest.mark.parametrize(
    ("spoil", "kind", "count"),
    [
        (_lose_one, "lost", 1),
        (_leave_one_pending, "lost", 1),
        (_double_one, "doubled", 1),
        (_send_a_stranger, "foreign", 1),
        (_swap_the_link_of_one, "swapped", 1),
        (_swap_the_name_of_one, "swapped", 1),
        (_swap_the_message_id_of_one, "swapped", 1),
        (_swap_two_whole_mails, "swapped", 2),
        (_swap_the_envelope_sender, "swapped", 1),
        (_leave_out_the_link, "swapped", 1),
        (_name_two_in_one_envelope, "misaddressed", 1),
        (_name_two_in_to, "misaddressed", 1),
        (_put_in_a_copy, "misaddressed", 1),
        (_change_one_byte, "changed", 1),
        (_change_the_subject, "changed", 1),
        (_send_the_other_revision, "changed", 1),
        (_send_after_a_sign_off, "late", 1),
        (_send_in_a_pause, "late", 1),
        (_leave_an_intent_open, "wrongly_certain", 1),
        (_hear_nothing, "wrongly_certain", 1),
        (_doubt_without_a_reason, "wrongly_uncertain", 1),
        (_forget_what_was_taken, "untold", 1),
    ],
)
def test_a_planted_error_is_found_and_only_that(
    scene: Scene, spoil: Callable[[Scene], None], kind: str, count: int
) -> None:
    """One thing is made wrong: the report has exactly that, with the person's address."""
    spoil(scene)
    report = scene.checked()
    problems = report.problems()
    assert {name: len(entries) for name, entries in problems.items()} == {kind: count}, report.text()
    assert kind in report.text()
    if kind not in ("foreign", "late"):
        assert scene.members[3].address in problems[kind][0]


def test_what_the_ledger_explains_is_not_lost(scene: Scene) -> None:
    """Failed, skipped and uncertain people have no mail, and are not lost."""
    for number, status in enumerate(("failed", "skipped", "uncertain")):
        scene.give(number, status=status)
    del scene.taken[:3]
    scene.records = [record for record in scene.records if record.subscriber_id > 2]
    scene.records.append(_intent(2))
    report = scene.checked()
    assert report.is_clean(), report.text()
    assert report.uncertain == 1


def test_who_was_sent_again_is_settled_by_the_second_answer(scene: Scene) -> None:
    """An open intent of the first attempt counts no more once the second one was answered."""
    scene.records.remove(_outcome(3, Outcome.ACCEPTED))
    scene.records += [_intent(3, 100), _outcome(3, Outcome.ACCEPTED, 100)]
    scene.taken.append(scene.taken[3])
    scene.ends.append({"ended": 3, "at": 1.0, "quit": False, "in_mail": False})
    report = scene.checked()
    assert not report.is_clean()
    assert report.is_clean(doubles_allowed=report.connections_ended), report.text()
