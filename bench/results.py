"""What a run found: a table for people, a file for machines."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.figures import Figure, shown

FOLDER = Path("var/bench")


def row(figure: Figure, *, now: dt.datetime) -> dict[str, Any]:
    """A figure as it stands in the file."""
    target = figure.target
    return {
        "area": figure.area,
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "reference": figure.reference,
        "ratio": figure.ratio,
        "target": f"{target.kind} {target.value:g}" if target else None,
        "holds": figure.holds,
        "note": figure.note,
        "machine": machine(),
        "date": now.isoformat(timespec="seconds"),
    }


def save(path: Path, figures: Sequence[Figure], *, now: dt.datetime, is_part: bool = False) -> None:
    """Write the rows of these figures; those of other areas that the file holds already stay.

    If these are a part of an area, its other rows stay as well. A file that cannot be read as rows is
    written anew.
    """
    areas = set() if is_part else {figure.area for figure in figures}
    names = {(figure.area, figure.name) for figure in figures}
    kept = [
        old
        for old in _read(path)
        if old.get("area") not in areas and (old.get("area"), old.get("name")) not in names
    ]
    rows = kept + [row(figure, now=now) for figure in figures]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def table(figures: Iterable[Figure]) -> Table:
    """The table that is shown at the terminal, without the notes."""
    made = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    made.add_column("figure")
    for name in ("value", "reference", "ratio", "target"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("", no_wrap=True)
    for figure in figures:
        target = figure.target
        made.add_row(
            figure.name,
            f"{shown(figure.value)} {figure.unit}",
            shown(figure.reference) if figure.reference is not None else "",
            f"{figure.ratio:.2f}" if figure.ratio is not None else "",
            f"{target.kind} {shown(target.value)}" if target else "",
            _verdict(figure),
        )
    return made


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print the table, and below it what each figure rests on."""
    console.print(table(figures))
    console.print()
    for figure in figures:
        if figure.note:
            console.print(Text.assemble(f"{figure.name}: ", (figure.note, "dim")))


def machine() -> str:
    """What the figures were measured on, without its name."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{system}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _verdict(figure: Figure) -> Text:
    if figure.holds is None:
        return Text("")
    return Text("holds", style="green") if figure.holds else Text("MISSED", style="bold red")


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
