"""SpamAssassin, by its own rules alone: no network, no memory of earlier mails."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers.run import Service
from tests.servers.waiting import HANG

_STATUS = re.compile(r"score=(-?[\d.]+).*?tests=(.*?) autolearn", re.DOTALL)
_BEGIN = b"From nobody Mon Nov 23 18:56:42 2026\n"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The points of a mail, and the rules that it met."""

    score: float
    rules: frozenset[str]


def find() -> Service:
    """The program and its version, or why there is none."""
    path = shutil.which("spamassassin")
    if path is None:
        return Service("spamassassin", "", "the program spamassassin is not there")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=HANG, check=False)
    return Service("spamassassin", path, (said.stdout.splitlines() or ["version unknown"])[0])


def judge(program: Path, mails: Mapping[str, bytes], home: Path) -> dict[str, Verdict]:
    """What it says of each mail. All are read by one process, which takes longest to begin."""
    named = {name: b"X-Case: " + name.encode() + b"\n" + _unix(raw) for name, raw in mails.items()}
    done = subprocess.run(
        [program, "--local", "--test-mode", "--mbox"],
        input=b"\n\n".join(_BEGIN + raw for raw in named.values()),
        capture_output=True,
        timeout=300,
        check=True,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )
    return dict(_verdict(part) for part in done.stdout.split(_BEGIN) if part.strip())


def _unix(raw: bytes) -> bytes:
    return re.sub(rb"(?m)^(>*From )", rb">\1", raw.replace(b"\r\n", b"\n"))


def _verdict(shown: bytes) -> tuple[str, Verdict]:
    """It gives each mail back with its verdict on top, in whatever order."""
    parsed = email.message_from_bytes(shown)
    found = _STATUS.search(str(parsed["X-Spam-Status"]))
    assert found, parsed.items()
    rules = frozenset(rule.strip() for rule in found[2].split(",")) - {"none"}
    return str(parsed["X-Case"]), Verdict(float(found[1]), rules)
