"""The findings as a sheet in plain text, to hand to whoever runs a domain's DNS."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Sequence

from digest.mail.signing_key import zone_line
from digest.preflight.findings import DnsRecord, Finding, Level

_WIDTH = 78
_SECTIONS = (
    (Level.FAULT, "To do"),
    (Level.ADVICE, "Better so"),
    (Level.UNKNOWN, "Not known"),
    (Level.GOOD, "Well already"),
)


def sheet(domain: str, findings: Sequence[Finding], *, bounce_domain: str, now: dt.datetime) -> str:
    """The sheet, ended by a newline. Prose is wrapped; records stand on one line each, to be copied."""
    title = f"DNS records for mail from {domain}"
    lines = [title, "=" * len(title), "", f"Looked up on {now.astimezone(dt.UTC):%d %B %Y, %H:%M} UTC."]
    if bounce_domain != domain:
        lines.append(f"Bounces come back to {bounce_domain}.")
    if not any(one.level is Level.FAULT for one in findings):
        lines += ["", "Nothing has to be done."]
    for level, heading in _SECTIONS:
        chosen = [one for one in findings if one.level is level]
        if chosen:
            lines += ["", heading, "-" * len(heading)]
            for number, one in enumerate(chosen, start=1):
                lines += _entry(number, one)
    return "\n".join(lines) + "\n"


def _entry(number: int, one: Finding) -> list[str]:
    start = f"{number:2}. "
    lines = [
        "",
        *textwrap.wrap(
            f"{one.subject.value}: {_safe(one.words)}",
            _WIDTH,
            initial_indent=start,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        ),
    ]
    return lines + (_record(one.record) if one.record else [])


def _record(record: DnsRecord) -> list[str]:
    indent = "    "
    return [
        "",
        f"{indent}{'Put in place of the one that is there' if record.replaces else 'Add'}:",
        "",
        f"{indent}Name:   {_safe(record.name)}",
        f"{indent}Type:   {record.kind}",
        f"{indent}Value:  {_safe(record.text)}",
        "",
        f"{indent}or as a line of a zone file:",
        "",
        f"{indent}{_safe(zone_line(record.name, record.kind, record.text))}",
    ]


def _safe(text: str) -> str:
    """What stands in the DNS may hold anything: control characters would write on the reader's terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
