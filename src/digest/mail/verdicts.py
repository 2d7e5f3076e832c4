"""What an SMTP reply can mean, and the form of the rules that say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from digest.mail.transport import Outcome


class Stage(StrEnum):
    """The command that a reply answers."""

    CONNECT = "connect"
    EHLO = "ehlo"  # HELO too
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"
    RSET = "rset"
    QUIT = "quit"


class Scope(StrEnum):
    """Of whom a reply speaks."""

    PERSON = "person"  # this address
    MESSAGE = "message"  # what we sent
    HOST = "host"  # the mail service we speak to, and how it stands to us
    DOMAIN = "domain"  # the receiving domain, and what it thinks of us as a sender


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reply means. `reason` is a short clause for people.

    `goes_on`: the transaction goes on with the next command; the envelope is unsent still. `rests`: the
    receiving domain is given a cool-down. `is_sender_fault`: the reply speaks of us, our message or our
    standing, and says nothing about the person.
    """

    outcome: Outcome
    scope: Scope
    reason: str
    goes_on: bool = False
    rests: bool = False
    is_sender_fault: bool = False

    @property
    def counts_as_bounce(self) -> bool:
        """Whether the refusal may be held against the address."""
        return self.outcome is Outcome.REFUSED and self.scope is Scope.PERSON and not self.is_sender_fault


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on stage, code, enhanced code and text, and the verdict where it fits.

    `codes` are beginnings of codes, with spaces between: "5", "452 552"; "" fits all. `enhanced` and `text`
    are regular expressions: one for the whole enhanced code, one to be found anywhere in the text. `source`
    is the RFC's section or the documentation that the rule rests on.
    """

    stages: frozenset[Stage]
    codes: str
    verdict: Verdict
    source: str
    enhanced: str = ""
    text: str = ""

    def fits_code(self, stage: Stage, code: int) -> bool:
        """Whether stage and code fit."""
        return stage in self.stages and f"{code:03}".startswith(tuple(self.codes.split()) or ("",))

    def fits_words(self, enhanced: str, text: str) -> bool:
        """Whether the enhanced code and the text fit."""
        if self.enhanced and not re.fullmatch(self.enhanced, enhanced):
            return False
        return not self.text or re.search(self.text, text, re.IGNORECASE) is not None
