"""The page on selection has every reason and every rule that there is."""

from __future__ import annotations

import re
from pathlib import Path

from digest.editions.rules_form import rule_names
from digest.editions.why_chosen import SENTENCES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "selection.md").read_text(encoding="utf-8")


def test_every_reason_is_on_the_page() -> None:
    """With its sentence, in the order of the code."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.partition("## Every reason")[2], re.MULTILINE)
    assert rows == [
        (why.value, re.sub(r"%\((\w+)\)s", r"*\1*", sentence)) for why, sentence in SENTENCES.items()
    ]


def test_every_rule_is_on_the_page() -> None:
    """By its own name, or where several are alike by that of their group."""
    told = PAGE.partition("## The rules")[2]
    for name in rule_names():
        group, _, last = name.rpartition(".")
        assert f"`{name}`" in told or f"`{group}.*`" in told or f"`.{last}`" in told, name
