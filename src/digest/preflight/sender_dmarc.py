"""DMARC: whether there is a policy, and whether receivers of today can use it (RFC 9989, RFC 9990)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from digest.net.dmarc import Record, Step, policy_step
from digest.net.dns import Answer, Status
from digest.net.sender_facts import report_hosts
from digest.preflight.findings import DnsRecord, Finding, Level, Subject

_POLICIES = {
    "none": "asks receivers to do nothing about mail that fails",
    "quarantine": "asks receivers to treat mail that fails as suspicious",
    "reject": "asks receivers to refuse mail that fails",
}
_CHOICES = {
    "sp": tuple(_POLICIES),
    "np": tuple(_POLICIES),
    "adkim": ("r", "s"),
    "aspf": ("r", "s"),
    "t": ("y", "n"),
    "psd": ("y", "n", "u"),
}
_GONE = ("pct", "rf", "ri")


def judge(steps: list[Step], report_leaves: Sequence[tuple[str, Answer]]) -> Iterator[Finding]:
    """The findings about a domain's DMARC, from the walk that begins at the domain itself."""
    first = steps[0]
    for step in steps:
        if len(step.texts) > 1:
            words = (
                f"_dmarc.{step.domain} has {len(step.texts)} DMARC records, so receivers use none: leave one."
            )
            yield _finding(Level.FAULT, words)
    failed = next((step for step in steps if step.answer.status is Status.FAILED), None)
    policy = policy_step(steps)
    if policy is not None and policy.record is not None:
        yield from _record(first.domain, policy.domain, policy.record)
        yield from _leaves(policy.domain, report_leaves)
    elif failed is not None:
        words = f"_dmarc.{failed.domain} could not be looked up: {failed.answer.why}."
        yield _finding(Level.UNKNOWN, words)
    elif not any(step.texts for step in steps):
        yield _missing(first)


def policy_of(steps: list[Step]) -> Record | None:
    """The record that receivers go by."""
    step = policy_step(steps)
    return step.record if step else None


def _missing(first: Step) -> Finding:
    words = f"There is no DMARC record for {first.domain}; large receivers want one from who sends in bulk."
    if first.answer.records:
        words = f"The text at _dmarc.{first.domain} is no DMARC record, for it does not begin with v=DMARC1."
    name, is_there = f"_dmarc.{first.domain}", bool(first.answer.records)
    return _finding(Level.FAULT, words, DnsRecord(name, "TXT", "v=DMARC1; p=none", replaces=is_there))


def _record(domain: str, owner: str, record: Record) -> Iterator[Finding]:
    yield from _policy(domain, owner, record)
    for tag, allowed in _CHOICES.items():
        value = record.value(tag)
        if value and value not in allowed:
            words = f"{tag}={value} in _dmarc.{owner} is ignored: it may be {' or '.join(allowed)}."
            yield _finding(Level.ADVICE, words)
    gone = [tag for tag in _GONE if record.value(tag)]
    if gone:
        listed = " and ".join(gone)
        words = f"_dmarc.{owner} holds {listed}, which receivers read no longer (RFC 9989): take that out."
        yield _finding(Level.ADVICE, words)
    names = [name for name, _ in record.tags]
    twice = sorted({name for name in names if names.count(name) > 1})
    if record.rubbish or twice:
        listed = ", ".join([*record.rubbish, *twice])
        words = f"_dmarc.{owner} holds what is no tag or stands there twice: {listed}."
        yield _finding(Level.ADVICE, words)
    if record.value("t") == "y":
        words = f"t=y in _dmarc.{owner} says that it is a test: receivers do less than it asks for."
        yield _finding(Level.ADVICE, words)
    if record.value("psd") == "y" and owner == domain:
        words = f"psd=y is for registries: in _dmarc.{owner} it cuts the domain off from its subdomains."
        yield _finding(Level.FAULT, words)
    yield from _reports(owner, record)


def _policy(domain: str, owner: str, record: Record) -> Iterator[Finding]:
    policy = record.value("p")
    inherited = record.value("sp") if owner != domain else ""
    if not policy:
        words = f"_dmarc.{owner} has no p: that counts as p=none, but older receivers want it. Add p=none."
        yield _finding(Level.ADVICE, words)
    elif policy not in _POLICIES:
        words = f"p={policy} in _dmarc.{owner} is no policy: it may be {' or '.join(_POLICIES)}."
        yield _finding(Level.FAULT, words)
        return
    effective = inherited if inherited in _POLICIES else policy or "none"
    whose = "" if owner == domain else f", by the record of {owner}"
    yield _finding(Level.GOOD, f"{domain} {_POLICIES[effective]} ({effective}{whose}).")


def _reports(owner: str, record: Record) -> Iterator[Finding]:
    if not record.value("rua"):
        words = (
            f"_dmarc.{owner} names nobody who gets reports: add rua=mailto:... to see who sends in its name."
        )
        yield _finding(Level.ADVICE, words)
    elif not report_hosts(record):
        words = f"rua in _dmarc.{owner} holds no address that reports can be sent to: write rua=mailto:..."
        yield _finding(Level.ADVICE, words)


def _leaves(owner: str, leaves: Sequence[tuple[str, Answer]]) -> Iterator[Finding]:
    """Reports to another organisation need its leave (RFC 9990 section 4)."""
    for host, answer in leaves:
        if answer.status is Status.FAILED:
            words = f"Whether {host} takes our reports could not be looked up: {answer.why}."
            yield _finding(Level.UNKNOWN, words)
        elif not any(text.startswith("v=DMARC1") for text in answer.records):
            words = (
                f"{host} does not say that it takes reports about {owner}; whoever runs it adds this record."
            )
            record = DnsRecord(f"{owner}._report._dmarc.{host}", "TXT", "v=DMARC1")
            yield _finding(Level.ADVICE, words, record)


def _finding(level: Level, words: str, record: DnsRecord | None = None) -> Finding:
    return Finding(level, Subject.DMARC, words, record)
