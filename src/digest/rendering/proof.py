"""What makes an edition's mail a proof for whoever may approve it: the question on top of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from digest.i18n import for_editors, translator
from digest.rendering.environment import environment
from digest.rendering.words import cleaned

_BODY = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProofFacts:
    """What an approver is told of a version, in words. `until` says what becomes of it if nobody acts.

    `changes` is what it has otherwise than the one that was asked about before.
    """

    digest_title: str
    subject: str
    goes_out: str
    until: str
    stories: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofLinks:
    """Where the three buttons lead: pages that ask. A mail scanner that opens them changes nothing."""

    approve_url: str
    hold_url: str
    stop_url: str


def marked_as_proof(subject: str, language: str) -> str:
    """The subject of a proof."""
    return translator(for_editors(language)).gettext("[To approve] %(subject)s", subject=subject)


def as_proof(
    html: str,
    text: str,
    facts: ProofFacts,
    links: ProofLinks,
    *,
    language: str,
    templates: Path | None = None,
) -> tuple[str, str]:
    """Both parts with the question on top, in editors' words; below stands what readers would get."""
    env = environment(for_editors(language), templates)
    names = {"proof": cleaned(facts), "links": cleaned(links)}
    asked = env.get_template("email/proof/top.html").render(names)
    found = _BODY.search(html)
    at = found.end() if found else 0
    top = env.get_template("email/proof/top.txt").render(names)
    return html[:at] + "\n" + asked.strip() + html[at:], top.strip("\n") + "\n\n" + text
