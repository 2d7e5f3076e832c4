"""DMARC: reading a record, and the walk up the DNS tree that finds it (RFC 9989).

RFC 9989 replaced RFC 7489 in May 2026: the organisational domain is found by the walk instead of a list of
public suffixes; `pct`, `rf` and `ri` are gone; `np`, `psd` and `t` are new.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from digest.net.dns import Answer, Lookups, Status

_MOST_LABELS = 7  # of the second domain asked about, so that there are at most eight questions
_TAG = re.compile(r"\s*([A-Za-z]{1,20})\s*=\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Record:
    """A record's tags, names in small letters, in their order; what is no tag stands in `rubbish`."""

    text: str
    tags: tuple[tuple[str, str], ...]
    rubbish: tuple[str, ...] = ()

    def value(self, tag: str) -> str:
        """A tag's value in small letters, "" without the tag; of several the first counts."""
        return next((value.lower() for name, value in self.tags if name == tag), "")


@dataclass(frozen=True, slots=True)
class Step:
    """One domain of the walk. `texts` are its DMARC records: if there are several, they count as none."""

    domain: str
    answer: Answer
    texts: tuple[str, ...] = ()

    @property
    def record(self) -> Record | None:
        return parse(self.texts[0]) if len(self.texts) == 1 else None


def parse(text: str) -> Record:
    """Read a record of any quality."""
    tags, rubbish = [], []
    for part in text.split(";"):
        found = _TAG.fullmatch(part)
        if found:
            tags.append((found[1].lower(), found[2]))
        elif part.strip():
            rubbish.append(part.strip())
    return Record(text, tuple(tags), tuple(rubbish))


def is_dmarc(text: str) -> bool:
    """Whether a TXT record is a DMARC record: `v=DMARC1` comes first, in capitals (section 4.8)."""
    return re.match(r"v\s*=\s*DMARC1\s*(;|$)", text) is not None


def walk(domain: str, dns: Lookups) -> list[Step]:
    """The domain, then its parents, up to a record with `psd=y` or `psd=n` (section 4.10)."""
    labels = domain.split(".")
    steps = [_step(domain, dns)]
    labels = labels[1:] if len(labels) <= _MOST_LABELS else labels[-_MOST_LABELS:]
    while labels and not _ends(steps[-1]):
        steps.append(_step(".".join(labels), dns))
        labels = labels[1:]
    return steps


def organisational_domain(steps: list[Step]) -> str:
    """Within which domains are aligned (section 4.10.2); the first domain if no record is found."""
    start = steps[0].domain
    with_records = [(step.domain, step.record) for step in steps if step.record is not None]
    for domain, record in with_records:
        if record.value("psd") == "n":
            return domain
        if record.value("psd") == "y" and domain != start:
            below = len(domain.split(".")) + 1
            return ".".join(start.split(".")[-below:])
    return with_records[-1][0] if with_records else start


def policy_step(steps: list[Step]) -> Step | None:
    """Whose record receivers go by (section 4.10.1): its own, its organisation's, its public suffix's."""
    organisation = organisational_domain(steps)
    by_domain = {step.domain: step for step in steps if step.record is not None}
    first = by_domain.get(steps[0].domain) or by_domain.get(organisation)
    if first is not None:
        return first
    suffix = steps[-1]
    return suffix if suffix.record is not None and suffix.record.value("psd") == "y" else None


def _step(domain: str, dns: Lookups) -> Step:
    answer = dns.txt(f"_dmarc.{domain}")
    texts = tuple(text for text in answer.records if is_dmarc(text)) if answer.status is Status.FOUND else ()
    return Step(domain, answer, texts)


def _ends(step: Step) -> bool:
    return step.record is not None and step.record.value("psd") in ("y", "n")
