"""An edition on its way as a picture or as lines: it looks again and again, and changes nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from digest import clock
from digest.cli import common
from digest.cli.messages import edition_state
from digest.models import DeliveryReason, DeliveryStatus, EditionState

if TYPE_CHECKING:
    from digest.db import Database
    from digest.deliveries.figures import Progress
    from digest.editions.show import EditionLine
    from digest.i18n import Translator

Show = Callable[["EditionLine", "Progress"], None]

_WAITS_FOR_A_PERSON = (EditionState.PAUSED, EditionState.HELD)
_PLAIN_WIDTH = 100  # columns where there is no terminal
_MOST_ROWS = 8
# Looking must not load the database: after a look we rest at least this many times as long as it took.
_REST = 4
# Providers and replies cost five times as much as the rest: they are looked at the more rarely.
_FULL_REST = 20

# What each status is called and how it looks. Those still waiting are the thin rest of the bar.
_STATUSES: tuple[tuple[DeliveryStatus, str, str], ...] = (
    (DeliveryStatus.SENT, "handed over", "green"),
    (DeliveryStatus.UNCERTAIN, "may have arrived", "yellow"),
    (DeliveryStatus.FAILED, "failed", "red"),
    (DeliveryStatus.SKIPPED, "not mailed", "bright_black"),
    (DeliveryStatus.PENDING, "waiting", "cyan"),
)
_SKIPPED_WORDS = {
    DeliveryReason.NOT_WANTED: "left since",
    DeliveryReason.CANCELLED: "cancelled",
    DeliveryReason.RAMP_UP: "beyond the day's number",
    DeliveryReason.TOO_LATE: "too late",
    DeliveryReason.UNMAILABLE: "cannot be mailed",
    DeliveryReason.TOO_FEW_STORIES: "too few stories of their topics",
}


def follow(
    database: Database, edition_id: int, every: float, show: Show, *, always: bool = False
) -> Progress:
    """Look every so many seconds, show what has changed (or `always`), until it is over or held up.

    Raises NotFoundError for an edition that there is not. Between two looks no transaction is open.
    """
    from digest.deliveries.progress import progress  # noqa: PLC0415
    from digest.editions.show import edition_line  # noqa: PLC0415

    shown: object = None
    full: Progress | None = None
    full_again_at = 0.0
    while True:
        start = clock.monotonic()
        is_full = full is None or start >= full_again_at
        with database.read() as session:
            line = edition_line(session, edition_id)
            found = progress(session, edition_id, now=common.now(), details=is_full)
            if not is_full and (found.is_over or found.state in _WAITS_FOR_A_PERSON):
                found = progress(session, edition_id, now=common.now())  # what stays on the screen
        if is_full:
            full, full_again_at = found, start + _FULL_REST * (clock.monotonic() - start)
        elif full is not None and not found.providers:
            found = dataclasses.replace(found, providers=full.providers, replies=full.replies)
        if always or _essence(found) != shown:
            show(line, found)
            shown = _essence(found)
        if found.is_over or found.state in _WAITS_FOR_A_PERSON:
            return found
        time.sleep(max(every, _REST * (clock.monotonic() - start)))


def _essence(found: Progress) -> object:
    """What makes a new line: not the rate, which always changes."""
    faults = [(fault.fault, fault.batches) for fault in found.faults]
    return found.state, found.reason, found.counts, faults, [rest.domain for rest in found.rests]


def print_line(line: EditionLine, found: Progress, words: Translator) -> None:
    """One line on where it is, flushed, for a file or a pipe."""
    counts = [f"{found.counts[status]:,} {name}" for status, name, _ in _STATUSES if found.counts[status]]
    parts = [edition_state(line, words), f"{', '.join(counts) or 'nobody yet'} of {found.people:,}"]
    if found.state is EditionState.SENDING:
        parts.append(_speed(found))
    parts += [f"! {one}" for one in _faults(found)]
    sys.stdout.write(f"{found.at:%H:%M:%S} UTC  {'; '.join(parts)}\n")
    sys.stdout.flush()


def print_screen(line: EditionLine, found: Progress, words: Translator) -> None:
    """The picture once, as wide as the terminal."""
    width = None if common.is_terminal() else _PLAIN_WIDTH
    console = Console(file=sys.stdout, width=width, highlight=False)
    console.print(screen(line, found, words, width=console.width))


class Picture:
    """The picture at a terminal, drawn anew in its place; it stays there at the end."""

    def __init__(self, words: Translator) -> None:
        self._words = words
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, line: EditionLine, found: Progress) -> None:
        """Draw it as it is now."""
        picture = screen(line, found, self._words, width=self._console.width, is_live=not found.is_over)
        self._live.update(picture, refresh=True)


def screen(
    line: EditionLine, found: Progress, words: Translator, *, width: int, is_live: bool = False
) -> RenderableType:
    """Everything that is known of an edition on its way, for a screen of so many columns."""
    width = max(40, min(width, 110))
    parts: list[RenderableType] = [_title(line, found, words, width), Text()]
    if found.people:
        done = 1 - found.counts[DeliveryStatus.PENDING] / found.people
        bar = _bar(found.counts, width - 8)
        parts += [Text.assemble(bar, (f" {_percent(done):>5} %", "bold")), Text(), _counts(found, width)]
    if found.state is EditionState.SENDING or found.batches.open:
        parts += [Text(), Text(_speed(found), "bold"), Text(_batches(found), "bright_black")]
    parts += [Text(f"! {fault}", "yellow") for fault in _faults(found)]
    if len(found.providers) > 1:
        parts += [Text(), _providers(found, width)]
    if any(reply.status is not DeliveryStatus.SENT for reply in found.replies):
        parts += [Text(), _replies(found)]
    if found.dropped_at:
        parts.append(Text("Its people are no longer on record one by one.", "bright_black"))
    if is_live and found.state not in _WAITS_FOR_A_PERSON:
        hint = f"Ctrl-C leaves, the send goes on. Join again: digest edition watch {line.id}"
        parts += [Text(), Text(hint, "bright_black")]
    return Group(*parts)


def _title(line: EditionLine, found: Progress, words: Translator, width: int) -> Text:
    state = edition_state(line, words)
    style = {
        EditionState.SENT: "bold green",
        EditionState.PAUSED: "bold yellow",
        EditionState.HELD: "bold yellow",
        EditionState.CANCELLED: "bold red",
    }.get(found.state, "bold cyan")
    title = Text(line.subject or f"edition {line.id}", "bold", overflow="ellipsis", no_wrap=True)
    title.truncate(width, overflow="ellipsis")
    where = f"edition {line.id} · {line.digest} · {line.cadence} · {line.due_local} {line.zone}"
    return Text.assemble(title, "\n", (where, "bright_black"), "\n", (state, style))


def _bar(counts: dict[DeliveryStatus, int], width: int) -> Text:
    """One cell for each share of the people, coloured by what became of them; the rest thin."""
    people, bar, drawn, share = sum(counts.values()), Text(), 0, 0
    for status, _, style in _STATUSES[:-1]:
        share += counts[status]
        cells = round(share / people * width) - drawn if people else 0
        bar.append("━" * cells, style)
        drawn += cells
    # Not full before everybody is served, however small the rest.
    if counts[DeliveryStatus.PENDING] and drawn >= width:
        bar.right_crop(1)
        drawn = width - 1
    bar.append("─" * (width - drawn), "bright_black")
    return bar


def _counts(found: Progress, width: int) -> Table:
    """The people by status, with what is behind the number."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    table.add_column(style="bright_black", max_width=max(10, width - 30), overflow="fold")
    for status, name, style in _STATUSES:
        if found.counts[status] or status in (DeliveryStatus.SENT, DeliveryStatus.PENDING):
            behind = _behind(found, status)
            table.add_row(f"{found.counts[status]:,}", Text(name, style), Text(behind))
    table.add_row(f"{found.people:,}", "people", "")
    return table


def _behind(found: Progress, status: DeliveryStatus) -> str:
    if status is DeliveryStatus.SKIPPED:
        return ", ".join(
            f"{count:,} {_SKIPPED_WORDS[reason]}"
            for reason, count in sorted(found.reasons.items())
            if reason is not DeliveryReason.UNMAILABLE
        )
    waiting = found.waiting
    if status is not DeliveryStatus.PENDING or found.is_over:
        return ""
    parts = []
    if waiting.planned and waiting.planned_until:
        parts.append(f"{waiting.planned:,} have their turn by {_clock(waiting.planned_until, found.at)}")
    if waiting.deferred and waiting.next_try_at:
        parts.append(f"{waiting.deferred:,} were put off, {_next_try(waiting.next_try_at, found.at)}")
    return ", ".join(parts)


def _speed(found: Progress) -> str:
    parts = [f"{_rate(found.rate)}/s now", f"{_rate(found.rate_last_minute)}/s over the last minute"]
    if found.ends_at:
        parts.append(f"ends about {_clock(found.ends_at, found.at)} (in {_span(found.ends_at - found.at)})")
    elif found.counts[DeliveryStatus.PENDING] and found.state is EditionState.SENDING:
        parts.append("the end cannot be told")
    return " · ".join(parts)


def _batches(found: Progress) -> str:
    batches = found.batches
    text = f"{batches.open:,} batches open, {batches.held:,} with a worker"
    if batches.retrying:
        text += f", {batches.retrying:,} wait for a mail service"
    if batches.next_try_at and batches.next_try_at > found.at and batches.held == 0:
        text += f"; {_next_try(batches.next_try_at, found.at)}"
    return text


def _faults(found: Progress) -> list[str]:
    """What is wrong with mail services, one sentence each."""
    faults = [
        f"{one.fault.rstrip('.')} ({one.batches:,} {'batch waits' if one.batches == 1 else 'batches wait'}, "
        f"{_next_try(one.next_try_at, found.at)})"
        for one in found.faults
    ]
    rests = [
        f"{rest.domain or rest.transport} rests until {_clock(rest.until, found.at)}"
        + (f" at {rest.transport}" if rest.domain else "")
        + (f": {rest.words}" if rest.words else "")
        for rest in found.rests[:_MOST_ROWS]
    ]
    return faults + rests


def _providers(found: Progress, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bright_black", show_edge=False)
    table.add_column("provider", no_wrap=True)
    shown = [one for one in _STATUSES if any(line.counts[one[0]] for line in found.providers)]
    table.add_column("people", justify="right")
    for _, name, style in shown:
        table.add_column(name, justify="right", style=style)
    # What the other columns take, with the three that stand between two of them.
    taken = 3 + 16 + sum(max(len(name), 7) + 3 for _, name, _ in (("", "people", ""), *shown))
    bar_width = max(0, min(30, width - taken))
    if bar_width >= 6:
        table.add_column("")
    for line in found.providers[:_MOST_ROWS]:
        cells = [f"{line.counts[status]:,}" if line.counts[status] else "" for status, _, _ in shown]
        bar = [_bar(line.counts, bar_width)] if bar_width >= 6 else []
        table.add_row(Text(line.name), f"{line.people:,}", *cells, *bar)
    return table


def _replies(found: Progress) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bright_black", show_edge=False)
    for name in ("people", "", "what mail services say"):
        table.add_column(name, justify="right" if name == "people" else "left", overflow="fold")
    names = {status: (name, style) for status, name, style in _STATUSES}
    names[DeliveryStatus.PENDING] = ("put off", "cyan")
    noes = [reply for reply in found.replies if reply.status is not DeliveryStatus.SENT]
    for reply in noes[:_MOST_ROWS]:
        name, style = names[reply.status]
        said = " ".join(str(part) for part in (reply.code or "", reply.enhanced, reply.text) if part)
        table.add_row(f"{reply.count:,}", Text(name, style), Text(said))
    return table


def _clock(moment: dt.datetime, now: dt.datetime) -> str:
    """The time in UTC, with the day where it is another one."""
    text = f"{moment:%H:%M:%S}" if moment - now < dt.timedelta(hours=1) else f"{moment:%H:%M}"
    return (text if moment.date() == now.date() else f"{moment:%d %b} {text}") + " UTC"


def _next_try(moment: dt.datetime, now: dt.datetime) -> str:
    return "next try is due" if moment <= now else f"next try {_clock(moment, now)}"


def _span(span: dt.timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{round(seconds / 86400)} days"


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 or rate == 0 else f"{rate:.1f}"


def _percent(share: float) -> str:
    """Never 100 before everybody is served, never 0 once somebody is."""
    tenths = int(share * 1000)
    if share > 0:
        tenths = max(1, tenths)
    return "100" if share >= 1 else f"{tenths / 10:.1f}"
