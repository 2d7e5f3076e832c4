"""Cells that a spreadsheet must not take for formulas (CWE-1236), there and back; pure."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def quoted(text: str) -> str:
    """The cell as it goes out: an apostrophe before what a spreadsheet would read as a formula."""
    return "'" + text if text[:1] in "'=+-@\t\r" and _FORMULA.match(text) else text


def plain(text: str) -> str:
    """The cell as it was before `quoted`."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text, 1) else text
