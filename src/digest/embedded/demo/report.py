"""What the demo shows at the terminal while it works, and the report at its end."""

from __future__ import annotations

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from digest.db import Database
from digest.editions.reasons import sentence, state_name
from digest.editions.show import EditionView, list_editions, show_edition
from digest.embedded.demo import watch
from digest.embedded.demo.stage import Stage
from digest.embedded.newspaper.demo_data import DIGESTS
from digest.i18n import translator
from digest.models import EditionState

_TITLES = {digest.name: digest.title for digest in DIGESTS}


class Programme:
    """Prints the demo's progress."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._words = translator("en")

    def says(self, text: str) -> None:
        """A plain line."""
        self._console.print(Text(text), soft_wrap=True)

    def ticks(self, text: str) -> None:
        """A line for something that works now."""
        self._line("✓", text)

    def collected(self, found: watch.Collected) -> None:
        """How much there is to choose from."""
        self.ticks(f"{found.posts} stories collected from {found.feeds} feeds")

    def edition(self, view: EditionView) -> None:
        """One edition that has changed its state."""
        line = view.line
        title = _TITLES.get(line.digest, line.digest)
        if line.state is EditionState.SENT:
            handed, of = watch.served(view)
            self._line("✓", f"{title}: edition {line.id} handed over to {handed} of {of}: {line.subject}")
        elif line.reason is not None:
            self._line("·", f"{title}: edition {line.id}: {sentence(line.reason, self._words)}")
        else:
            self._line("·", f"{title}: edition {line.id} is {state_name(line.state, self._words)}")

    def reports(self, stage: Stage, database: Database, *, seconds: float) -> None:
        """The report: what went out to how many, and the three addresses to look at."""
        with database.read() as session:
            sent = list_editions(session, states=(EditionState.SENT,))
            views = sorted((show_edition(session, line.id) for line in sent), key=lambda view: view.line.id)
            sizes = {view.line.id: watch.largest_mail(session, view.line.id) for view in views}
        title = f"{len(views)} editions in {seconds:.1f} seconds"
        body = _editions(views, sizes)
        self._console.print()
        self._console.print(Panel(body, title=title, title_align="left", border_style="green", expand=False))
        self._console.print()
        for name, address in _links(stage, views):
            # Never broken over lines: whoever opens or copies it needs it whole.
            self._console.print(Text.assemble((f"  {name:<15}", "bold"), (address, "cyan")), soft_wrap=True)
        self._console.print()

    def _line(self, mark: str, text: str) -> None:
        """A line behind a mark, cut where the terminal ends."""
        style = "green" if mark == "✓" else "dim"
        self._console.print(
            Text.assemble((f"  {mark} ", style), text), no_wrap=True, overflow="ellipsis", crop=True
        )


def _editions(views: list[EditionView], sizes: dict[int, int]) -> Table:
    """What each edition holds, and how many got it."""
    body = Table.grid(padding=(0, 2))
    body.add_column(style="bold", no_wrap=True)
    body.add_column(overflow="fold")
    for view in views:
        handed, of = watch.served(view)
        if body.row_count:
            body.add_row()
        body.add_row(_TITLES.get(view.line.digest, view.line.digest), Text(watch.featured_line(view)))
        body.add_row("", f"and {watch.headline_count(view)} recent headlines")
        kilobytes = f"{sizes[view.line.id] / 1000:.0f} kB"
        body.add_row("", f"handed over to {handed} of {of} readers, the largest mail {kilobytes}")
    return body


def _links(stage: Stage, views: list[EditionView]) -> list[tuple[str, str]]:
    here = stage.settings.public_url
    web_edition = f"{here}/e/{views[0].line.public_id}" if views else ""
    return [
        ("Inbox", f"{here}/inbox"),
        ("Web edition", web_edition),
        ("Sign-off page", watch.sign_off_link(stage.inbox)),
    ]
