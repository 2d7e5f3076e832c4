"""The command line door: one table of command groups, each imported when it is first used.

Exit codes: 0 done, 1 not possible now, 2 wrong input or settings, 3 it waits for a person (`digest edition
watch` at a paused or held edition), 130 ended by Ctrl-C.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from digest.errors import ConfigError, DigestError, InputError

# name, module (or module:attribute, where that is not `app`), one line of help
GROUPS: tuple[tuple[str, str, str], ...] = (
    ("db", "digest.cli.database", "Make and check the database."),
    ("keys", "digest.cli.database:keys_app", "The installation's own keys."),
    ("list", "digest.cli.lists", "Mailing lists."),
    ("topic", "digest.cli.topics", "Topics that readers may choose."),
    ("subscriber", "digest.cli.subscribers", "People on the lists."),
    ("import", "digest.cli.imports", "Imports that were made."),
    ("export", "digest.cli.exports", "The people of a list as a file."),
    ("segment", "digest.cli.segments", "Saved rules that choose among the people."),
    ("attribute", "digest.cli.attributes", "Typed fields of subscribers."),
    ("permission", "digest.cli.permission", "Ask the long silent whether they still want it."),
    ("suppression", "digest.cli.suppressions", "The do-not-mail list."),
    ("consent", "digest.cli.consent", "The proof of consent."),
    ("retention", "digest.cli.retention", "What is kept for how long."),
    ("transport", "digest.cli.transports", "Mail services."),
    ("dkim", "digest.cli.dkim", "Keys that we sign mail with."),
    ("sender", "digest.cli.sender", "What the DNS must say of a sender's domain."),
    ("account", "digest.cli.accounts", "The people who work with Digest."),
    ("digest", "digest.cli.digests", "Digests: their rules, sender and look."),
    ("cadence", "digest.cli.cadences", "The rhythms that a digest comes out on."),
    ("alerts", "digest.cli.alerts", "Who is told when something wants a person."),
    ("source", "digest.cli.sources", "The sites that posts are collected from."),
    ("collect", "digest.cli.sources:collect_app", "Collect posts now, in this process."),
    ("post", "digest.cli.posts", "Single collected stories: hold one back."),
    ("edition", "digest.cli.editions", "Editions: past, coming and being handed over."),
    ("words", "digest.cli.words", "The words that readers see, and your own."),
    ("link", "digest.cli.links", "Counted links of an edition."),
    ("preflight", "digest.cli.preflight", "Look at a locked edition's mail for what is wrong."),
    ("preview", "digest.cli.preview", "Write an edition's mails to files and take pictures of them."),
    ("item", "digest.cli.own_items", "What the desk writes itself."),
    ("uncertain", "digest.cli.uncertain", "What may have arrived, and what becomes of it."),
    ("why", "digest.cli.why", "Why an address got a mail, or got none."),
    ("demo", "digest.cli.demo", "See it all at work on an invented newspaper."),
    ("up", "digest.cli.run:up_app", "Run everything on this machine."),
    ("web", "digest.cli.run:web_app", "Run the web server alone."),
    ("catcher", "digest.cli.run:catcher_app", "Catch mail in a folder instead of sending it."),
    ("doctor", "digest.cli.doctor", "Look at everything and say what to mend."),
)


class _Entry(TyperCommand):
    """A line of the table in `digest --help`, which stands for a module not yet imported."""

    def __init__(self, name: str, target: str, help_line: str) -> None:
        super().__init__(name=name, help=help_line, rich_markup_mode=None)
        self.target = target

    def load(self) -> Any:
        """Import the module and make its command."""
        return _loaded(self.name, self.target)


@functools.cache
def _loaded(name: str | None, target: str) -> Any:
    """A command of the table; made once, for who gives many commands in one process."""
    module, _, attribute = target.partition(":")
    command = typer.main.get_command(getattr(importlib.import_module(module), attribute or "app"))
    command.name = name
    return command


class _Root(TyperGroup):
    """The group of all groups; it alone turns errors into sentences and exit codes."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, target, help_line in GROUPS:
            self.add_command(_Entry(name, target, help_line))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command and, now that it is wanted, load it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, _Entry) else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; our errors become one line on standard error."""
        try:
            return super().invoke(ctx)
        except DigestError as error:
            if ctx.params.get("debug"):
                raise
            _complain(str(error))
            raise typer.Exit(2 if isinstance(error, (InputError, ConfigError)) else 1) from None
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            _complain(_fault(error))
            raise typer.Exit(1) from None


def _say_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"digest {version('digest')}")
        raise typer.Exit


app = typer.Typer(cls=_Root, name="digest", no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def root(
    *,
    debug: bool = typer.Option(False, "--debug", help="Show where an error came from."),
    version: bool = typer.Option(
        False, "--version", callback=_say_version, is_eager=True, help="Say which version this is, and end."
    ),
) -> None:
    """A newsroom's posts become an email digest."""
    del debug, version  # the first is read by _Root.invoke, the second by its callback


def main() -> None:
    """The entry point of `digest` and of `python -m digest.cli`."""
    from digest.cli import common  # noqa: PLC0415

    common.own_process()
    typer.main.get_command(app)(prog_name="digest")


def _complain(sentence: str) -> None:
    typer.echo(f"digest: {sentence}", err=True)


def _fault(error: Exception) -> str:
    """One line for what nobody foresaw, without addresses; a database that fails is not our fault."""
    from digest.logs import redact  # noqa: PLC0415

    if "sqlalchemy" in sys.modules:
        from sqlalchemy.exc import DBAPIError, OperationalError  # noqa: PLC0415

        # The driver's own words only: SQLAlchemy's hold the statement with its values.
        if isinstance(error, OperationalError):
            return f"The database failed: {redact(_first_line(error.orig))}"
        if isinstance(error, DBAPIError):
            error = error.orig if isinstance(error.orig, Exception) else error
    words = f"{type(error).__name__}: {redact(_first_line(error))}"
    return f"{words} -- this is a fault in Digest; `digest --debug ...` shows where."


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or [""])[0]
