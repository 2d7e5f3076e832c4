"""html-validate, the judge of markup, in the page that is open: rules of HTML and of WCAG."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[1] / "vendor" / "html-validate"
# What mail programs need and pages should not have: inline styles, attributes of layout tables, and comments
# for Outlook. A title is the subject, however long.
_CONFIG = {
    "root": True,
    "extends": ["html-validate:standard"],
    "rules": {
        "no-inline-style": "off",
        "no-deprecated-attr": "off",
        "no-conditional-comment": "off",
        "long-title": "off",
        "wcag/h30": "error",
        "wcag/h37": "error",
    },
}


@functools.cache
def script() -> str:
    """The judge itself."""
    return (FOLDER / "html-validate.js").read_text(encoding="utf-8")


def faults(page: Page, html: str) -> list[dict[str, Any]]:
    """What it finds in a mail's HTML: the rule, the line, and what it says."""
    if not page.evaluate("'htmlValidate' in window"):
        page.add_script_tag(content=script())
    found = page.evaluate("([html, config]) => htmlValidate.judge(html, config)", [html, _CONFIG])
    return list(found)
