"""Editors' own words in Markdown, as a mail may carry them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from digest.feeds.sanitise import sanitise, text_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def to_html(text: str) -> str:
    """Markdown as sanitised HTML; HTML that is written into it is shown as words."""
    return sanitise(_reader().render(text)) if text.strip() else ""


def to_plain(text: str) -> str:
    """The same as one line of plain text."""
    return text_of(to_html(text))


@functools.cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415  (imported when first wanted: most editions have none)

    return MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(["image", "code", "fence"])
