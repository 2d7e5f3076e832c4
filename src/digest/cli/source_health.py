"""`digest source health`: how each source does, its last answers, and what is odd about it, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from digest.i18n import Translator
    from digest.models import Fetch, Source

_SHOWN_ANSWERS = 10


def health(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="Its id or address; else all of them, in short.")
    ] = None,
    language: Annotated[str, typer.Option(help="The language of faults and alarms: en or hy.")] = "en",
    as_json: bool = JsonOption,
) -> None:
    """Show how sources do: the last answer and the last new post, faults, and what is odd, in words."""
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.sources.catalogue import get_source  # noqa: PLC0415
    from digest.sources.queries import all_sources  # noqa: PLC0415
    from digest.sources.record import last_fetches  # noqa: PLC0415

    words, now = Translator(language), common.now()
    with common.read() as session:
        wanted = [get_source(session, source)] if source else [one.source for one in all_sources(session)]
        answers = {one.id: last_fetches(session, one.id) for one in wanted}
    if as_json:
        common.print_json([_as_dict(one, answers[one.id], words) for one in wanted])
    elif source is None:
        _print_all(wanted, answers, words, now=now)
    else:
        _print_one(wanted[0], answers[wanted[0].id], words, now=now)


def _print_all(
    sources: Sequence[Source],
    answers: dict[int, Sequence[Fetch]],
    words: Translator,
    *,
    now: dt.datetime,
) -> None:
    rows = [
        (
            one.id,
            one.title or one.url,
            _ago(one.last_fetch_at, words, now=now),
            _ago(one.last_new_at, words, now=now),
            _counted(answers[one.id]),
            "; ".join(_said(one, words)) or "good",
        )
        for one in sources
    ]
    columns = ("id", "source", "last answer", "last new post", "answers", "health")
    common.print_table(columns, rows, empty="There is no source yet; add one with `digest source add`.")


def _print_one(source: Source, answers: Sequence[Fetch], words: Translator, *, now: dt.datetime) -> None:
    from digest.feeds.oddities import kept_sentences  # noqa: PLC0415

    common.print_fields(
        {
            "source": source.title or source.url,
            "last answer": _ago(source.last_fetch_at, words, now=now),
            "last good one": _ago(source.last_good_at, words, now=now),
            "last new post": _ago(source.last_new_at, words, now=now),
            "answers": _counted(answers),
            "next": common.shown(source.read_next_at),
        }
    )
    said = _said(source, words)
    for sentence in said:
        common.say(f"! {sentence}")
    for sentence in kept_sentences(source.oddities, words):
        common.say(f"  odd: {sentence}")
    if not said:
        common.say("Nothing is odd about it.")
    rows = [
        (
            common.shown(one.at),
            _answer(one),
            one.posts or None,
            one.new or None,
            one.changed or None,
            f"{one.size / 1000:.1f} kB" if one.size else None,
            f"{one.milliseconds} ms",
        )
        for one in answers[:_SHOWN_ANSWERS]
    ]
    columns = ("at", "answer", "posts", "new", "changed", "size", "took")
    common.print_table(columns, rows, empty="It has not been asked yet.")


def _said(source: Source, words: Translator) -> list[str]:
    """The fault, then the alarms, each as a sentence."""
    from digest.sources.alarms import alarm_sentence  # noqa: PLC0415
    from digest.sources.health import fault_sentence  # noqa: PLC0415

    fault = [fault_sentence(source.fault_code, source.fault_detail, words)] if source.fault_code else []
    return fault + [alarm_sentence(one["code"], one["facts"], words) for one in source.alarms]


def _answer(one: Fetch) -> str:
    """`200`, `304`, `503 (http_status)`, or the fault alone where there was no answer."""
    if one.fault_code is None:
        return str(one.status)
    return f"{one.status} ({one.fault_code})" if one.status else one.fault_code


def _counted(answers: Sequence[Fetch]) -> str | None:
    """Of the last answers how many there were of each kind: `12 x 200, 3 x timeout`."""
    counts = Counter(_answer(one) for one in answers)
    return ", ".join(f"{count} x {kind}" for kind, count in counts.most_common()) or None


def _ago(moment: dt.datetime | None, words: Translator, *, now: dt.datetime) -> str | None:
    return words.ago(moment, now) if moment else None


def _as_dict(source: Source, answers: Sequence[Fetch], words: Translator) -> dict[str, Any]:
    from digest.feeds.oddities import kept_sentences  # noqa: PLC0415

    return {
        "id": source.id,
        "url": source.url,
        "title": source.title,
        "last_fetch_at": source.last_fetch_at,
        "last_good_at": source.last_good_at,
        "last_new_at": source.last_new_at,
        "next_fetch_at": source.read_next_at,
        "fault": source.fault_code,
        "alarms": source.alarms,
        "sentences": _said(source, words),
        "oddities": kept_sentences(source.oddities, words),
        "answers": [
            {
                "at": one.at,
                "status": one.status,
                "fault": one.fault_code,
                "posts": one.posts,
                "new": one.new,
                "changed": one.changed,
                "size": one.size,
                "milliseconds": one.milliseconds,
            }
            for one in answers
        ],
    }
