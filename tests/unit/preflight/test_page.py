"""docs/preflight.md says what the code does: every finding, client and allowance, each at its level."""

from __future__ import annotations

import re
from pathlib import Path

from digest.preflight.clients import ALLOWED, CLIENTS, client_name, data
from digest.preflight.mail_findings import Code
from digest.preflight.stories import MOST_FEATURED_DAYS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "preflight.md").read_text(encoding="utf-8")
HEADINGS = {
    "block": "Findings that stop an edition",
    "mended": "What is mended and told",
    "warn": "What could be better",
}
# Their level is that of a table in their rule, which is `warn`.
BY_TABLE = {Code.LINK_DEAD: {"warn"}, Code.LINK_UNREACHABLE: {"warn"}}


def levels() -> dict[Code, set[str]]:
    """At which levels the code gives each finding, as its source says."""
    files = [*(ROOT / "src/digest/preflight").glob("*.py"), *(ROOT / "src/digest/editions").glob("*.py")]
    found: dict[Code, set[str]] = {code: set(known) for code, known in BY_TABLE.items()}
    for file in files:
        source = file.read_text(encoding="utf-8")
        for level, name in re.findall(r"\b(block|warn|mended)\(\s*Code\.(\w+)", source):
            found.setdefault(Code[name], set()).add(level)
    return found


def rows_below(heading: str) -> list[str]:
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE)


def test_the_page_has_every_finding_at_its_level() -> None:
    """Each code once, in the table of the one level that it has."""
    told = {level: rows_below(heading) for level, heading in HEADINGS.items()}
    assert sorted(code for codes in told.values() for code in codes) == sorted(Code)
    assert {Code(code): {level} for level, codes in told.items() for code in codes} == levels()


def test_the_page_has_the_clients_and_what_may_be_missing() -> None:
    """Nobody is promised a mail program that is not looked at."""
    assert re.findall(r"^- (.+) \(`([a-z.-]+)`\)$", PAGE, re.MULTILINE) == [
        (client_name(client), client) for client in CLIENTS
    ]
    for one in ALLOWED:
        assert f"| `{one.features}` | `{one.clients}` | {one.why} |" in PAGE
    assert rows_below("Mail programs") == [one.features for one in ALLOWED]
    assert f"old after {MOST_FEATURED_DAYS} days" in PAGE
    assert data().missing.keys() == data().titles.keys()
