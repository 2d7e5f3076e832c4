"""Our own style sheets: each class is one that a page can have, and no page reads the same rule twice."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
WEB: Final = ROOT / "src" / "digest" / "web"
SHEETS: Final = (*sorted((WEB / "static" / "desk").glob("*.css")), WEB / "static" / "public.css")
# Given by what is vendored, not by us: the story that is being drawn.
GIVEN: Final = {"sortable-ghost"}
# Where a name begins that is put together, as in `tone-{{ tone }}`.
_PUT_TOGETHER: Final = re.compile(r"([\w-]+-){{")
_QUOTED: Final = re.compile(r'"[^"\n]*"' r"|'[^'\n]*'" r"|`[^`]*`")
_IN_TAGS: Final = re.compile(r"{{.*?}}|{%.*?%}|<[^>]*>", re.DOTALL)


def _words() -> set[str]:
    """What stands in the tags of templates, and between quotes in scripts and code: classes stand there."""
    scripts = [path for path in (WEB / "static").rglob("*.js") if "vendor" not in path.parts]
    found: set[str] = set()
    for path in (*(ROOT / "templates" / "web").rglob("*.html"), *WEB.rglob("*.py"), *scripts):
        text = path.read_text(encoding="utf-8")
        for part in (_IN_TAGS if path.suffix == ".html" else _QUOTED).findall(text):
            found |= set(re.findall(r"[\w-]+", part))
        found |= set(_PUT_TOGETHER.findall(text))
    return found


def _rules(css: str, around: str = "") -> Iterator[tuple[str, str]]:
    """Selector and declarations of each rule; what stands within @media says so in its selector."""
    css, depth, start, head = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL), 0, 0, ""
    for found in re.finditer(r"[{}]", css):
        if found[0] == "{":
            if depth == 0:
                head, start = css[start : found.start()].strip(), found.end()
            depth += 1
            continue
        depth -= 1
        if depth == 0:
            inside, start = css[start : found.start()].strip(), found.end()
            if head.startswith(("@media", "@supports")):
                yield from _rules(inside, f"{around}{head} ")
            else:
                yield from ((around + one.strip(), inside) for one in head.split(","))


def test_each_class_of_our_style_sheets_is_one_that_a_page_can_have() -> None:
    """What no template, script or code names is a rule for nothing."""
    words = _words()
    begun = tuple(word for word in words if word.endswith("-"))
    named = {
        name
        for sheet in SHEETS
        for selector, _ in _rules(sheet.read_text(encoding="utf-8"))
        for name in re.findall(r"\.([A-Za-z][\w-]*)", selector)
    }
    assert len(named) > 200
    assert sorted(name for name in named - words - GIVEN if not name.startswith(begun)) == []


def test_no_rule_stands_in_two_style_sheets() -> None:
    """A rule that two pages want stands in the sheet that both read."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for sheet in SHEETS[:-1]:
        for rule in _rules(sheet.read_text(encoding="utf-8")):
            found[rule].append(sheet.name)
    assert {rule: names for rule, names in found.items() if len(names) > 1} == {}
