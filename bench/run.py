"""The areas that can be measured, and one run over them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench import effort, results
from bench.figures import Figure, shown
from digest import clock, logs

Measure = Callable[[], Iterator[Figure]]


@dataclass(frozen=True, slots=True)
class Area:
    """One part of Digest: what measures it and what proves it, each as `module:function`."""

    figures: str
    proofs: str | None = None


# A line for each area; its modules are imported when it is run.
AREAS: dict[str, Area] = {
    "spine": Area(figures="bench.spine:figures", proofs="bench.kills:proofs"),
    "delivery": Area(figures="bench.delivery:figures", proofs="bench.delivery_proofs:proofs"),
    "audience": Area(figures="bench.audience:figures"),
    "news": Area(figures="bench.news:figures", proofs="bench.news:proofs"),
    "email": Area(figures="bench.email:figures"),
    "desk": Area(figures="bench.desk:figures"),
}


def run(area: str | None, *, proof: bool, folder: Path = results.FOLDER) -> int:
    """Measure one area or all, show each figure as it comes, and keep them in FOLDER.

    The exit status: 0; 1 if a target was missed or something could not be measured; 2 for an area or a row
    that there is not.
    """
    if area is not None and area not in AREAS:
        sys.stderr.write(f"There is no area {area!r}; there are: {', '.join(AREAS)}.\n")
        return 2
    logs.set_up(level="WARNING")
    console = Console()
    file = folder / _file_name(proof=proof)
    missed = is_kept = False
    for name, found in AREAS.items():
        target = found.proofs if proof else found.figures
        if area not in {None, name}:
            continue
        if target is None:
            console.print(f"{name}: its tests are its proof.", highlight=False)
            continue
        try:
            figures = _measured(_loaded(target), console)
        except effort.RowError as error:
            sys.stderr.write(f"{name}: {error}.\n")
            return 2
        results.save(file, figures, now=clock.utc_now(), is_part=bool(effort.ONLY))
        is_kept = True
        console.print(f"\n[bold]{name}[/bold] on {results.machine()}", highlight=False)
        results.show(figures, console)
        missed = missed or any(figure.holds is False for figure in figures)
    if is_kept:  # an area may have tests alone for its proof
        console.print(f"\nKept in {file}.", highlight=False)
    return int(missed)


def _file_name(*, proof: bool) -> str:
    """Short rounds are kept apart: nobody publishes them by mistake."""
    return f"{'quick-' if effort.IS_QUICK else ''}{'proof' if proof else 'results'}.json"


def _measured(measure: Measure, console: Console) -> list[Figure]:
    """All figures of an area, with a word about each: some take a minute."""
    figures = []
    for figure in measure():
        value = f"{shown(figure.value)} {figure.unit}"
        console.print(f"{figure.area}: {figure.name}: {value}", style="dim", highlight=False)
        if figure.holds is False:
            console.print(f"  missed: {figure.note}", style="dim", highlight=False, markup=False)
        figures.append(figure)
    return figures


def _loaded(target: str) -> Measure:
    module, _, name = target.partition(":")
    found: Measure = getattr(importlib.import_module(module), name)
    return found
