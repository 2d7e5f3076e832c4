"""The different mails of an edition as a table: topics, text size, how many stories and people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from digest.cli import common

if TYPE_CHECKING:
    from digest.editions.topic_lines import VariantLine


def print_variants(lines: Sequence[VariantLine], head: str) -> None:
    """The table below a line; nothing where everybody gets the same mail."""
    if not lines:
        return
    common.say(head)
    rows = [(line.topics or "everything", line.text_size, line.stories, line.people) for line in lines]
    common.print_table(("topics", "text size", "stories", "people"), rows, empty="")
