"""What came of every candidate, as rows: kept with an edition once its content is fixed, made live before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.orm import Session

from digest.editions.select import Choice
from digest.editions.verdicts import Verdict, Why
from digest.models import Edition

# Those that are in, and the newest of the others, one by one; the rest as numbers.
_MOST: Final = 300


def rows_of(
    choice: Choice,
    titles: Mapping[int, str],
    own_titles: Mapping[int, str] | None = None,
    sources: Mapping[int, str] | None = None,
) -> list[dict[str, Any]]:
    """A choice's verdicts as JSON: post or own item, title, code and facts; at the end the rest by code."""
    rows = [_row(verdict, titles, own_titles or {}, sources or {}) for verdict in choice.why[:_MOST]]
    rest = Counter(verdict.why.value for verdict in choice.why[_MOST:])
    return [*rows, {"rest": dict(sorted(rest.items()))}] if rest else rows


def _row(
    verdict: Verdict, titles: Mapping[int, str], own_titles: Mapping[int, str], sources: Mapping[int, str]
) -> dict[str, Any]:
    facts = dict(verdict.facts)
    if verdict.why in (Why.EXCLUDED_SOURCE, Why.SOURCE_LIMIT):
        facts["name"] = sources.get(int(facts["name"]), facts["name"])
    if verdict.post_id is None:
        title = own_titles.get(verdict.own_item_id or 0, "")
        return {"own_item": verdict.own_item_id, "title": title, "why": verdict.why.value, "facts": facts}
    title = titles.get(verdict.post_id, "")
    return {"post": verdict.post_id, "title": title, "why": verdict.why.value, "facts": facts}


def keep_explanation(session: Session, edition_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep with an edition what came of its candidates, also where it became nothing."""
    session.get_one(Edition, edition_id).explanation = [dict(row) for row in rows]
    session.flush()


def reruns(edition: Edition) -> frozenset[int]:
    """The posts that this edition sends again on purpose."""
    return frozenset(
        row["post"] for row in edition.explanation if "post" in row and row.get("facts", {}).get("rerun")
    )
