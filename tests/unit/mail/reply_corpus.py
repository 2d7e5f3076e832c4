"""Replies as mail services give them, and what each means at every stage.

The wordings in `replies.txt` are those of providers' and programs' public documentation, with invented names
in place of theirs. Behind each reply stand six verdicts: before MAIL (CONNECT, EHLO, STARTTLS, RSET, QUIT),
at AUTH, at MAIL, RCPT, DATA and the dot. A verdict is outcome, scope and marks: `rest` the domain rests,
`ours` it is the sender's fault, `go` the transaction goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from digest.mail.replies import ReplyReader, Stage, Verdict, parse_reply
from digest.mail.transport import Reply

_VERDICTS = {
    # The host; the same for what it thinks of us; with a rest for the receiving domain; with both.
    "H": "unsent host",
    "HO": "unsent host ours",
    "HR": "unsent host rest",
    "HRO": "unsent host ours rest",
    # The person: refused; refused, but not for the person's sake; later; likewise.
    "P": "refused person",
    "PO": "refused person ours",
    "PL": "deferred person",
    "PLO": "deferred person ours",
    # The message: refused, which is ours always; later.
    "M": "refused message ours",
    "ML": "deferred message",
    # The receiving domain: refuses us; slows us down; cannot be reached.
    "D": "refused domain ours rest",
    "DL": "deferred domain ours rest",
    "DX": "deferred domain",
    # The receiving system: refuses; later.
    "S": "refused host",
    "SL": "deferred host",
    # Right answers, and one that leaves it open whether the message was taken.
    "A": "accepted message",
    "GO": "unsent host go",
    "K": "unknown host",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One reply and its verdicts."""

    title: str
    wire: str
    before: str
    auth: str
    mail: str
    rcpt: str
    data: str
    dot: str

    @property
    def reply(self) -> Reply:
        """The reply as a client reads it."""
        reader = ReplyReader()
        reader.feed(self.wire.replace("\n", "\r\n").encode() + b"\r\n")
        found = reader.next_lines()
        assert found is not None
        return parse_reply(*found)

    def expected(self, stage: Stage) -> str:
        """The verdict at a stage."""
        own: str = getattr(self, stage.value, self.before)
        return own


def written(verdict: Verdict) -> str:
    """A verdict in the corpus's way of writing."""
    marks = {"ours": verdict.is_sender_fault, "rest": verdict.rests, "go": verdict.goes_on}
    words = [verdict.outcome.value, verdict.scope.value, *(mark for mark, is_set in marks.items() if is_set)]
    return " ".join(words)


def _read(text: str) -> list[Sample]:
    """The samples of the file: a title, the lines of the reply, the six verdicts behind `=`."""
    samples = []
    for block in re.split(r"\n{2,}", text.strip()):
        title, *lines = block.splitlines()
        if lines:  # else it is a heading
            wire = "\n".join(line.strip() for line in lines[:-1])
            samples.append(Sample(title, wire, *(_VERDICTS[name] for name in lines[-1].split()[1:])))
    return samples


CORPUS = _read(Path(__file__).with_name("replies.txt").read_text(encoding="utf-8"))

# Right answers of the stages before MAIL, whose columns above are for refusals.
RIGHT = {
    Stage.CONNECT: "220 mail.example.org ESMTP",
    Stage.STARTTLS: "220 2.0.0 Ready to start TLS",
    Stage.AUTH: "235 2.7.0 Authentication successful",
    Stage.EHLO: "250-mail.example.org\n250 PIPELINING",
    Stage.QUIT: "221 2.0.0 Bye",
}
