"""What came of each candidate, by exactly one code; the sentences are in `editions.why_chosen`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple


class Why(StrEnum):
    """Why a story is in an edition, or is not."""

    # In it.
    FEATURED = "featured"
    FEATURED_INSTEAD = "featured_instead"  # there was none that the rule for it finds
    FEATURED_BY_EDITOR = "featured_by_editor"
    LISTED = "listed"
    PINNED = "pinned"
    INCLUDED = "included"
    WIDENED = "widened"  # older than usual, for news is thin
    RERUN = "rerun"  # worth reading again, for news is thin
    OWN = "own"
    # Not in it.
    WITHDRAWN = "withdrawn"
    DROPPED = "dropped"
    EMBARGOED = "embargoed"
    SENT = "sent"
    KNOWN_BEFORE = "known_before"
    TOO_FRESH = "too_fresh"
    TOO_OLD = "too_old"
    NOT_INCLUDED = "not_included"
    EXCLUDED_SECTION = "excluded_section"
    EXCLUDED_TAG = "excluded_tag"
    EXCLUDED_AUTHOR = "excluded_author"
    EXCLUDED_SOURCE = "excluded_source"
    SAME_STORY = "same_story"
    SECTION_LIMIT = "section_limit"
    AUTHOR_LIMIT = "author_limit"
    SOURCE_LIMIT = "source_limit"
    NO_ROOM = "no_room"
    NOT_YET = "not_yet"  # an own item before its first day
    OVER = "over"  # an own item after its last day


IS_IN: Final = frozenset(
    {
        *(Why.FEATURED, Why.FEATURED_INSTEAD, Why.FEATURED_BY_EDITOR, Why.LISTED, Why.PINNED),
        *(Why.INCLUDED, Why.WIDENED, Why.RERUN, Why.OWN),
    }
)


class Verdict(NamedTuple):
    """One candidate's code, with the facts that its sentence names. Either id is given, the other None."""

    post_id: int | None
    why: Why
    facts: Mapping[str, Any] = {}  # never written to
    own_item_id: int | None = None

    @property
    def is_in(self) -> bool:
        return self.why in IS_IN


class Result(StrEnum):
    """What the choice makes of the edition as a whole."""

    OK = "ok"
    EMPTY = "empty"  # nothing new at all
    THIN = "thin"  # less than is asked for: it is skipped
    THIN_HELD = "thin_held"  # the same, where a person is to decide
    NO_FEATURED = "no_featured"  # nothing to feature, and a person is to decide
