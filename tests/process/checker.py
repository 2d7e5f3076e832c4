"""The checker: what the mail server took, what the ledger says and what the journals say, compared.

    report = check(members, taken, ends=ends, records=records)
    assert report.is_clean(doubles_allowed=report.connections_ended), report.text()

Pure: everything it needs is given to it (`tests.process.evidence` gathers it). It trusts the server's record
and nothing that the product says of itself. It is tested with planted errors.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from digest.mail.journal import IntentRecord, OutcomeRecord, Record, fold
from digest.mail.transport import Outcome
from tests.process.letters import Letter, read_letter

# A message may start so many seconds after a sign-off or a pause was answered.
GRACE = 5.0
_SETTLED_WITHOUT_MAIL = frozenset({"failed", "skipped", "uncertain"})


@dataclass(frozen=True, slots=True)
class Member:
    """One person of the frozen audience: what their mail must carry, and what the ledger says of them.

    `revision` names the content they are to get: all of one revision get the same but for their own values.
    `sender` is the envelope sender, "" where it is not looked at.
    """

    subscriber_id: int
    address: str
    name: str
    message_id: str
    unsubscribe_url: str
    status: str
    revision: object = None
    sender: str = ""


@dataclass(slots=True)
class Report:
    """What was found; every list is empty if all is well. Entries are sentences' ends, for people."""

    members: int = 0
    accepted: int = 0
    uncertain: int = 0
    connections_ended: int = 0  # without a QUIT, or amid a mail
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    swapped: list[str] = field(default_factory=list)
    misaddressed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    wrongly_certain: list[str] = field(default_factory=list)
    wrongly_uncertain: list[str] = field(default_factory=list)

    def problems(self, *, doubles_allowed: int = 0) -> dict[str, list[str]]:
        """What is wrong, by kind. So many doubled mails are no fault (policy `resend`)."""
        found = {name: value for name in _KINDS if (value := getattr(self, name))}
        if len(self.doubled) <= doubles_allowed:
            found.pop("doubled", None)
        return found

    def is_clean(self, *, doubles_allowed: int = 0) -> bool:
        return not self.problems(doubles_allowed=doubles_allowed)

    def text(self) -> str:
        """The report in lines, at most ten of a kind."""
        summary = (
            f"{self.accepted} mails accepted for {self.members} people, {self.uncertain} uncertain, "
            f"{self.connections_ended} connections ended"
        )
        lines = [summary]
        for name, what in _KINDS.items():
            entries = getattr(self, name)
            if entries:
                lines.append(f"{name} ({what}): {len(entries)}")
                lines += [f"  {entry}" for entry in entries[:10]]
        return "\n".join(lines)


_KINDS = {
    "lost": "nobody took their mail, and the ledger does not say why",
    "doubled": "their mail was taken more than once",
    "foreign": "a mail for somebody who is not in the audience",
    "swapped": "a mail that carries another person's values",
    "misaddressed": "a mail that is not for exactly one person",
    "changed": "a mail that differs from the others of its revision",
    "late": "a mail begun after a sign-off or a pause was answered",
    "untold": "their mail was taken, and the ledger says otherwise",
    "wrongly_certain": "an intent without an outcome, and the ledger does not say uncertain",
    "wrongly_uncertain": "uncertain, without an intent that has no outcome",
}


def check(
    members: Sequence[Member],
    taken: Sequence[Mapping[str, Any]],
    *,
    ends: Sequence[Mapping[str, Any]] = (),
    records: Iterable[Record] | None = None,
    sign_offs: Mapping[str, float] | None = None,
    pauses: Sequence[tuple[float, float]] = (),
    moment: str = "at",
    bodies: bool = True,
) -> Report:
    """Compare. `taken` are the messages of the judge's record, with `raw`; `ends` its ended connections.
    Without `bodies`, what is in the messages is not looked at, and needs no `raw`.

    `records` are those of all journals of all workers, None where that comparison makes no sense (a machine
    that lost its journal). `sign_offs` says for addresses when their sign-off was answered, `pauses` from
    when to when the edition stood still; both in seconds since 1970. `moment` is the judge's time that is
    held against them: when the message was taken, or `mail_at` when it was begun.
    """
    report = Report(members=len(members), accepted=len(taken))
    report.connections_ended = sum(not end["quit"] or end["in_mail"] for end in ends)
    by_address = {member.address: member for member in members}
    times: Counter[str] = Counter()
    for line in taken:
        recipients = list(line["rcpt"])
        times.update(set(recipients))
        for address in recipients:
            if address not in by_address:
                report.foreign.append(address)
            elif _is_late(line[moment], address, sign_offs or {}, pauses):
                report.late.append(f"{address}, connection {line['connection']}")
    if bodies:
        _check_bodies(report, by_address, taken)
    for member in members:
        _check_member(report, member, times[member.address])
    if records is not None:
        _check_uncertain(report, members, records)
    report.uncertain = sum(member.status == "uncertain" for member in members)
    return report


def _is_late(
    at: float, address: str, sign_offs: Mapping[str, float], pauses: Sequence[tuple[float, float]]
) -> bool:
    if address in sign_offs and at > sign_offs[address] + GRACE:
        return True
    return any(start + GRACE < at < end for start, end in pauses)


def _check_member(report: Report, member: Member, times: int) -> None:
    if times == 0 and member.status not in _SETTLED_WITHOUT_MAIL:
        report.lost.append(f"{member.address}: {member.status}")
    if times > 1:
        report.doubled.append(f"{member.address}: {times} times")
    if times and member.status not in ("sent", "uncertain"):
        report.untold.append(f"{member.address}: {member.status}")


def _check_uncertain(report: Report, members: Sequence[Member], records: Iterable[Record]) -> None:
    """Uncertain are exactly those whose last attempt has an intent and no outcome, or an unknown one."""
    last: dict[int, Record] = {}
    for (_, subscriber_id, attempt), record in fold(records).items():
        if subscriber_id not in last or attempt >= last[subscriber_id].attempt:
            last[subscriber_id] = record
    open_ones = {subscriber_id for subscriber_id, record in last.items() if _is_open(record)}
    for member in members:
        is_open = member.subscriber_id in open_ones
        if is_open and member.status != "uncertain":
            report.wrongly_certain.append(f"{member.address}: {member.status}")
        elif member.status == "uncertain" and not is_open:
            report.wrongly_uncertain.append(member.address)


def _is_open(record: Record) -> bool:
    if isinstance(record, IntentRecord):
        return True
    assert isinstance(record, OutcomeRecord)
    return record.outcome is Outcome.UNKNOWN


def _check_bodies(
    report: Report, by_address: Mapping[str, Member], taken: Sequence[Mapping[str, Any]]
) -> None:
    owners = _Owners(by_address.values())
    prints: dict[object, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for line in taken:
        recipients = list(line["rcpt"])
        letter = read_letter(line["raw"].encode("latin-1"))
        if len(recipients) != 1 or len(letter.recipients) != 1 or len(letter.values("to")) != 1:
            report.misaddressed.append(f"{', '.join(recipients)}; in To: {len(letter.recipients)}")
            continue
        member = by_address.get(recipients[0])
        if member is None:
            continue
        faults = owners.faults(letter, member, line["mail_from"])
        if faults:
            report.swapped.append(f"{member.address}: {', '.join(faults)}")
            continue
        own = [member.unsubscribe_url, member.address, member.name]
        prints[member.revision][letter.fingerprint(own)].append(member.address)
    for by_print in prints.values():
        usual = max(by_print, key=lambda fingerprint: len(by_print[fingerprint]))
        for fingerprint, addresses in by_print.items():
            if fingerprint != usual:
                report.changed += addresses


class _Owners:
    """Whose each value is: an address, and a word of a name that has a digit in it and is one person's."""

    def __init__(self, members: Iterable[Member]) -> None:
        self._addresses: dict[str, int] = {}
        words: dict[str, set[int]] = defaultdict(set)
        for member in members:
            self._addresses[member.address.lower()] = member.subscriber_id
            for word in member.name.split():
                if any(letter.isdigit() for letter in word):
                    words[word].add(member.subscriber_id)
        self._words = {word: next(iter(whose)) for word, whose in words.items() if len(whose) == 1}

    def faults(self, letter: Letter, member: Member, mail_from: str) -> list[str]:
        """What in a mail is not its recipient's own."""
        found = []
        name, address = letter.recipients[0]
        if address != member.address:
            found.append("another's address in To")
        if name and member.name and name != member.name:
            found.append("another's name in To")
        if letter.values("message-id") != [member.message_id]:
            found.append("another's Message-ID")
        if member.sender and mail_from != member.sender:
            found.append("another's envelope sender")
        base, _, token = member.unsubscribe_url.rpartition("/")
        if any(tokens != {token} for tokens in letter.tokens(base + "/")):
            found.append("not exactly their own sign-off link in each part")
        if self._has_others(self._addresses, letter.addresses(), member):
            found.append("another's address in the text")
        if self._has_others(self._words, letter.words(), member):
            found.append("another's name in the text")
        return found

    @staticmethod
    def _has_others(owners: Mapping[str, int], seen: set[str], member: Member) -> bool:
        return any(owners.get(value, member.subscriber_id) != member.subscriber_id for value in seen)
