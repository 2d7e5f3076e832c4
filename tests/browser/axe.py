"""axe-core, the judge of what can be read and used by all, on the page that is open."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

FOLDER = Path(__file__).resolve().parents[1] / "vendor" / "axe-core"
# A mail stands inside a mail program's page, which has the landmarks.
PAGE_ONLY = ("landmark-one-main", "region")
# All that it finds would cost five times the looking: only what is wrong is handed over.
_RUN = """([context, options]) => {
    if (!("axe" in window) && window.bringAxe) window.bringAxe();
    return "axe" in window && axe.run(context, options).then(found => ({
        passes: found.passes.length,
        faults: found.violations.map(fault => ({
            rule: fault.id, at: fault.nodes.map(node => node.html.slice(0, 200)),
        })),
    }));
}"""


@functools.cache
def script() -> str:
    """The judge itself."""
    return (FOLDER / "axe.min.js").read_text(encoding="utf-8")


def keep_at_hand(context: BrowserContext) -> None:
    """Have the judge wait in every page of a context: to hand it over takes longer than to judge with it."""
    context.add_init_script(f"window.bringAxe = () => {{ {script()} }};")


def faults(page: Page, *, without: Sequence[str] = (), only: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What axe-core finds in the page as it looks now: the rule, and the elements that break it.

    Every rule of axe-core's own choice counts (WCAG 2.0 to 2.2 A and AA, and good practice) but those of
    `without`, or those of `only` if there are any. Frames are not looked into.
    """
    options = {
        "rules": {rule: {"enabled": False} for rule in without},
        "resultTypes": ["violations"],
        "iframes": False,
        **({"runOnly": list(only)} if only else {}),
    }
    given = [{"exclude": [["iframe"]]}, options]
    found = page.evaluate(_RUN, given)
    if not found:
        page.evaluate(script())
        found = page.evaluate(_RUN, given)
    assert found["passes"], page.url
    return list(found["faults"])
