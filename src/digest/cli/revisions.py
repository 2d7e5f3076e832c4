"""`digest edition revise|approve|go-on|revisions|test`: look at an edition in a mail, and correct it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.cli.variants import print_variants
from digest.errors import InputError, StateError

if TYPE_CHECKING:
    from digest.editions.revisions import RevisionLine

app = typer.Typer(rich_markup_mode=None, add_completion=False)

EditionId = Annotated[int, typer.Argument(metavar="ID", help="The edition's id.")]
_LONGEST_FILE = 600_000  # bytes


@app.command("revise", epilog="Example: digest edition revise 12 --title '2=The bridge opens on Monday'")
def revise(
    edition: EditionId,
    subject: Annotated[str, typer.Option(help="Another subject line.")] = "",
    title: Annotated[
        list[str] | None,
        typer.Option(metavar="N=TEXT", help="Another title of story N, from 1 on. May be repeated."),
    ] = None,
    excerpt: Annotated[
        list[str] | None, typer.Option(metavar="N=TEXT", help="Another excerpt of story N. May be repeated.")
    ] = None,
    body: Annotated[
        list[str] | None,
        typer.Option(metavar="N=FILE", help="A file with the featured story's text, as HTML."),
    ] = None,
    intro: Annotated[
        str | None, typer.Option(help="Other words on top of the stories, in Markdown; '' for none.")
    ] = None,
    sign_off: Annotated[
        str | None, typer.Option(help="Other words below the stories, in Markdown; '' for none.")
    ] = None,
    drop: Annotated[
        list[int] | None, typer.Option(metavar="N", help="Leave out story N. May be repeated.")
    ] = None,
    note: Annotated[
        str, typer.Option(help="What is put right, for the readers; it stands at the top of this version.")
    ] = "",
    as_json: bool = JsonOption,
) -> None:
    """Make the next version of a locked or paused edition from its current one. Nothing goes out by this."""
    from digest.editions.remote_look import look_at  # noqa: PLC0415
    from digest.editions.revise import Correction  # noqa: PLC0415
    from digest.editions.revise import revise as revise_edition  # noqa: PLC0415
    from digest.net.http import Fetcher, user_agent  # noqa: PLC0415

    correction = Correction(
        subject=subject,
        note=note,
        intro=intro,
        sign_off=sign_off,
        titles=_numbered(title, "--title"),
        excerpts=_numbered(excerpt, "--excerpt"),
        bodies={number: text_of(Path(name)) for number, name in _numbered(body, "--body").items()},
        dropped=frozenset(drop or ()),
    )
    settings = common.settings()
    with (
        common.open_database() as database,
        Fetcher(settings.private_hosts, user_agent(settings.contact)) as fetcher,
    ):
        number = revise_edition(
            database,
            edition,
            correction,
            public_url=settings.public_url,
            templates=settings.templates,
            actor=common.actor(),
            look=partial(look_at, fetcher=fetcher),
        )
    if as_json:
        common.print_json({"edition": edition, "revision": number})
        return
    common.say(
        f"Version {number} of edition {edition} is there, and goes to nobody yet. "
        f"Look at it: `digest edition test {edition} --revision {number} --to ADDRESS`; "
        f"then `digest edition approve {edition}` and `digest edition go-on {edition} --revision {number}`."
    )


@app.command("approve", epilog="Example: digest edition approve 12 --revision 2")
def approve(
    edition: EditionId,
    revision: Annotated[int | None, typer.Option(help="Which version; else the newest one.")] = None,
    fingerprint: Annotated[
        str, typer.Option(help="Only if its fingerprint begins so, as `edition revisions` shows it.")
    ] = "",
) -> None:
    """Approve a version. What is approved cannot change any more; going on with it is another command."""
    from digest.editions.revisions import approve as approve_revision  # noqa: PLC0415
    from digest.editions.revisions import revision_of  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        found = revision_of(session, get_edition(session, edition), revision)
        if not found.fingerprint.startswith(fingerprint):
            raise StateError(
                f"Version {found.number} of edition {edition} has another fingerprint than "
                f"{fingerprint[:64]}: it is not what was looked at. "
                f"`digest edition revisions {edition}` shows its versions."
            )
        is_new = approve_revision(session, found, actor=common.actor(), now=common.now())
        number, by = found.number, found.approved_by
    already = "" if is_new else f" already, by {by}"
    common.say(f"Version {number} of edition {edition} is approved{already}.")


@app.command("go-on", epilog="Example: digest edition go-on 12 --revision 2")
def go_on(
    edition: EditionId,
    revision: Annotated[int, typer.Option(help="The approved version that the others get.")],
    as_json: bool = JsonOption,
) -> None:
    """Go on with another version: a paused edition is handed over again, to all who have nothing yet."""
    from digest.deliveries.switch import go_on_with  # noqa: PLC0415
    from digest.editions.page_again import Paper  # noqa: PLC0415
    from digest.editions.revisions import revision_of  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    settings = common.settings()
    with common.write() as session:
        found = get_edition(session, edition)
        people = go_on_with(
            session,
            found,
            revision_of(session, found, revision),
            paper=Paper(settings.public_url, settings.templates),
            actor=common.actor(),
            now=common.now(),
        )
        state = found.state.value
    if as_json:
        common.print_json({"edition": edition, "revision": revision, "people": people, "state": state})
    else:
        common.say(f"Edition {edition} is {state}: version {revision} goes to {people} people.")


@app.command("revisions", epilog="Example: digest edition revisions 12")
def revisions(edition: EditionId, as_json: bool = JsonOption) -> None:
    """Show the versions of an edition: who approved each, and how many were handed over with it."""
    from digest.editions.revisions import list_revisions  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.read() as session:
        found = list_revisions(session, get_edition(session, edition))
    if as_json:
        common.print_json([_as_dict(line) for line in found])
        return
    rows = [
        (
            f"{line.number} (current)" if line.is_current else line.number,
            line.fingerprint[:12],
            line.subject,
            f"{line.approved_by}, {common.shown(line.approved_at)}" if line.approved_at else "not approved",
            _checks(line),
            line.handed_over,
            "; ".join(f"{count} {status.value}" for status, count in line.deliveries.items() if count),
        )
        for line in found
    ]
    columns = ("version", "fingerprint", "subject", "approved by", "checks", "handed over", "people")
    common.print_table(columns, rows, empty="It has no version yet; it is made when the edition is locked.")
    for line in found:
        print_variants(line.variants, f"The mails of version {line.number}, by topics and text size:")
    for line in found[-1:]:
        common.say(f"The stories of version {line.number}:")
        for number, story in enumerate(line.stories, start=1):
            common.say(f"  {number}. {story}")


@app.command("test", epilog="Example: digest edition test 12 --to nare@example.org")
def send_test(
    edition: EditionId,
    to: Annotated[
        list[str], typer.Option(metavar="ADDRESS", help="Of a person with an account. May be repeated.")
    ],
    revision: Annotated[int | None, typer.Option(help="Which version; else the current one.")] = None,
    large: Annotated[bool, typer.Option("--large", help="The mail of those who read large text.")] = False,
) -> None:
    """Send an edition's mail to people of the staff, exactly as it would go out; the subject is marked.

    One that is not locked yet is made of what would go into it now.
    """
    from digest.editions.copies import Imprint, ask_test_mails  # noqa: PLC0415
    from digest.rendering.contexts import TextSize  # noqa: PLC0415

    settings = common.settings()
    with common.open_database() as database:
        asked = ask_test_mails(
            database,
            edition,
            to,
            Imprint(settings.public_url, common.load_keys(), settings.templates),
            revision_number=revision,
            size=TextSize.LARGE if large else TextSize.NORMAL,
            actor=common.actor(),
        )
    common.say(f"{asked} test mails of edition {edition} go out as soon as a worker takes them.")


def _checks(line: RevisionLine) -> str:
    """How many findings of each level there are; `digest preflight` has their words."""
    levels = Counter(one.finding.level.value for one in line.findings)
    return "; ".join(f"{count} {level}" for level, count in levels.items()) or "nothing"


def _as_dict(line: RevisionLine) -> dict[str, Any]:
    counts = {status.value: count for status, count in line.deliveries.items()}
    return asdict(line) | {"deliveries": counts, "handed_over": line.handed_over}


def _numbered(given: list[str] | None, option: str) -> dict[int, str]:
    """`2=Words` as number and words; raises InputError for any other form, and for a number given twice."""
    found: dict[int, str] = {}
    for text in given or ():
        number, mark, words = text.partition("=")
        if not mark or not number.strip().isdecimal() or len(number) > 9:
            raise InputError(
                f"{option} {text[:40]!r} does not say of which story; write it like {option} 2=..."
            )
        if int(number) in found:
            raise InputError(f"{option} is given twice for story {int(number)}.")
        found[int(number)] = words
    return found


def text_of(file: Path) -> str:
    """What stands in a file; raises InputError if it cannot be read as UTF-8, or is huge."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(_LONGEST_FILE + 1)
        if len(raw) > _LONGEST_FILE:
            raise InputError(f"The file {file} is longer than {_LONGEST_FILE} bytes.")
        return raw.decode()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"The file {file} cannot be read as UTF-8 text.") from None
