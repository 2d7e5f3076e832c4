"""`digest edition coming|explain`: look at an edition that grows, and at why it has the stories it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption

if TYPE_CHECKING:
    from digest.editions.coming import Coming
    from digest.editions.topic_lines import TopicLine
    from digest.i18n import Translator

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Language = Annotated[str, typer.Option(help="The language of the reasons: en or hy.")]


@app.command("coming", epilog="Example: digest edition coming 12")
def coming(
    edition: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="The edition's id; without it all that are coming.")
    ] = None,
    language: Language = "en",
    as_json: bool = JsonOption,
) -> None:
    """Show how a coming edition stands now: its stories and why, subject, people, and what will be of it."""
    from digest.editions.coming import LIVE, fate_sentence  # noqa: PLC0415
    from digest.editions.coming import coming as look  # noqa: PLC0415
    from digest.editions.show import list_editions  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415

    words, templates, now = Translator(language), common.settings().templates, common.now()
    with common.read() as session:
        wanted = [edition] if edition is not None else [one.id for one in list_editions(session, states=LIVE)]
        found = [look(session, one, templates=templates, now=now) for one in reversed(wanted)]
    if as_json:
        told = [_as_dict(one, words) for one in found]
        common.print_json(told if edition is None else told[0])
    elif edition is None:
        rows = [
            (
                one.line.id,
                one.line.digest,
                one.line.cadence,
                one.line.due_local,
                _span(one.locks_in),
                one.subject or None,
                fate_sentence(one, words),
            )
            for one in found
        ]
        columns = ("id", "digest", "cadence", "goes out at", "locked in", "subject", "if nobody touches it")
        common.print_table(columns, rows, empty="No edition is coming; `digest cadence add` makes some.")
    else:
        _print(found[0], words)


@app.command("explain", epilog="Example: digest edition explain 12 --all")
def explain(
    edition: Annotated[int, typer.Argument(metavar="ID", help="The edition's id.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Every candidate that is on record, not only the first 40.")
    ] = False,
    language: Language = "en",
    as_json: bool = JsonOption,
) -> None:
    """Say of each story that was looked at why it is in the edition, or why it is not."""
    from digest.editions.coming import explanation_of  # noqa: PLC0415
    from digest.editions.show import edition_line  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415

    words = Translator(language)
    with common.read() as session:
        zone = edition_line(session, edition).zone
        is_live, rows = explanation_of(session, edition, now=common.now())
    if as_json:
        told = [_with_sentence(row, words, zone) for row in rows]
        common.print_json({"edition": edition, "is_live": is_live, "candidates": told})
        return
    common.say("As it looks now (it can still change):" if is_live else "As it was when it was locked:")
    most = len(rows) if everything else 40
    _print_rows(rows[:most], words, zone)
    if len(rows) > most:
        common.say(f"{len(rows) - most} more; `digest edition explain {edition} --all` shows them.")


def _print(one: Coming, words: Translator) -> None:
    from digest.cli.messages import edition_state  # noqa: PLC0415
    from digest.editions.coming import fate_sentence  # noqa: PLC0415
    from digest.editions.verdicts import IS_IN  # noqa: PLC0415

    line = one.line
    common.print_fields(
        {
            "edition": f"{line.id} ({line.kind}) of {line.digest}, {line.cadence}",
            "state": edition_state(line, words),
            "goes out at": f"{line.due_local} {line.zone}, in {_span(one.goes_out_in)}",
            "locked": f"in {_span(one.locks_in)}" if one.is_live else "yes",
            "subject": one.subject or None,
            "preheader": one.preheader or None,
            "people": one.people,
            "changes": one.changes,
            **({"topics": "; ".join(_topic(line) for line in one.topics)} if one.topics else {}),
        }
    )
    common.say(fate_sentence(one, words))
    _print_rows([row for row in one.rows if row.get("why") in IS_IN], words, line.zone)
    left = sum(row.get("why") not in IS_IN for row in one.rows)
    if left:
        common.say(f"Why others are not in it: `digest edition explain {line.id}`.")


def _topic(line: TopicLine) -> str:
    """What a reader of one topic would get, and how many of these stories are of it."""
    said = "too few for a mail" if line.is_thin else f"{line.stories} stories"
    return f"{line.topic} {said}, {line.own} of it"


def _print_rows(rows: list[dict[str, Any]], words: Translator, zone: str) -> None:
    table = [
        (
            row["post"] if "post" in row else f"item {row['own_item']}",
            row["facts"].get("place") or ("featured" if row["why"].startswith("featured") else None),
            row["title"],
            _with_sentence(row, words, zone)["sentence"],
        )
        for row in rows
        if "why" in row
    ]
    common.print_table(("id", "place", "title", "why"), table, empty="No story was looked at.")
    for row in rows:
        for code, count in row.get("rest", {}).items():
            common.say(f"and {count} more: {code.replace('_', ' ')}")


def _with_sentence(row: dict[str, Any], words: Translator, zone: str) -> dict[str, Any]:
    from digest.editions.verdicts import Why  # noqa: PLC0415
    from digest.editions.why_chosen import why_sentence  # noqa: PLC0415

    if "why" not in row:
        return row
    return row | {"sentence": why_sentence(Why(row["why"]), row["facts"], words, zone)}


def _as_dict(one: Coming, words: Translator) -> dict[str, Any]:
    from digest.editions.coming import fate_sentence  # noqa: PLC0415

    zone = one.line.zone
    return {
        "edition": one.line,
        "is_live": one.is_live,
        "subject": one.subject,
        "preheader": one.preheader,
        "people": one.people,
        "locks_at": one.locks_at,
        "locks_in": one.locks_in,
        "goes_out_in": one.goes_out_in,
        "fate": one.fate,
        "fate_reason": one.fate_reason,
        "fate_until": one.fate_until,
        "sentence": fate_sentence(one, words),
        "changes": one.changes,
        "topics": one.topics,
        "stories": [_with_sentence(row, words, zone) for row in one.rows],
    }


def _span(seconds: int) -> str:
    """`2 d 3 h`, `3 h 5 min`, `4 min`; or how long ago."""
    minutes = abs(seconds) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    text = f"{days} d {hours} h" if days else f"{hours} h {rest} min" if hours else f"{rest} min"
    return text if seconds >= 0 else f"{text} ago"
