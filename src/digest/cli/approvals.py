"""`digest edition void|approvals` and `digest cadence approval`: who approves, and what if nobody does."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.models import Unapproved

if TYPE_CHECKING:
    from digest.models import Cadence

of_edition = typer.Typer(rich_markup_mode=None, add_completion=False)
of_cadence = typer.Typer(rich_markup_mode=None, add_completion=False)

EditionId = Annotated[int, typer.Argument(metavar="ID", help="The edition's id.")]
_BY = "How long before its slot an edition is to be approved: 20m; none: it waits beyond its slot."
_ELSE = "What becomes of it if nobody has approved it then: send, without_featured, skip."


@of_edition.command("void", epilog="Example: digest edition void 12")
def void(edition: EditionId) -> None:
    """Take an approval back. The clock does not send the edition any more: somebody approves it again."""
    from digest.editions.approvals import withdraw  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.write() as session:
        is_new = withdraw(session, get_edition(session, edition), actor=common.actor(), now=common.now())
    common.say(
        f"Edition {edition} is no longer approved." if is_new else f"Nobody has approved edition {edition}."
    )


@of_edition.command("approvals", epilog="Example: digest edition approvals 12")
def approvals(edition: EditionId, as_json: bool = JsonOption) -> None:
    """Show who approved an edition, which version of it, and why an approval does not hold any more."""
    from digest.editions.approvals import list_approvals  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415

    with common.read() as session:
        found = list_approvals(session, get_edition(session, edition))
    if as_json:
        common.print_json([asdict(line) for line in found])
        return
    rows = [
        (
            line.revision,
            line.fingerprint[:12],
            line.account or line.made_by,
            line.way.value,
            common.shown(line.made_at),
            f"void: {line.void_cause.value}, by {line.voided_by}" if line.void_cause else "stands",
        )
        for line in found
    ]
    columns = ("version", "fingerprint", "by", "way", "when", "now")
    common.print_table(columns, rows, empty="Nobody has approved it.")


@of_edition.command("differences", epilog="Example: digest edition differences 12 --from 1 --to 2")
def differences(
    edition: EditionId,
    first: Annotated[int, typer.Option("--from", help="The version before.")] = 1,
    second: Annotated[int | None, typer.Option("--to", help="The version after; else the newest.")] = None,
    language: Annotated[str, typer.Option(help="The language of the words: en or hy.")] = "en",
) -> None:
    """Show in words what is otherwise between two versions of an edition."""
    from digest.editions.differences import difference_sentence, shown_of, what_changed  # noqa: PLC0415
    from digest.editions.revisions import revision_of  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415

    words = Translator(language)
    with common.read() as session:
        found = get_edition(session, edition)
        old, new = (shown_of(session, revision_of(session, found, one)) for one in (first, second))
    lines = [difference_sentence(one, words) for one in what_changed(old, new)]
    for line in lines or ["They are the same."]:
        common.say(line)


@of_cadence.command(
    "approval", epilog="Example: digest cadence approval courier --wanted --by 20m --else without_featured"
)
def approval(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")],
    name: Annotated[
        str | None, typer.Argument(metavar="[CADENCE]", help="One cadence; else all of the digest.")
    ] = None,
    wanted: Annotated[
        bool | None, typer.Option("--wanted/--not-wanted", help="Whether somebody must approve each edition.")
    ] = None,
    by: Annotated[str | None, typer.Option(help=_BY)] = None,
    otherwise: Annotated[Unapproved | None, typer.Option("--else", help=_ELSE)] = None,
    lead: Annotated[
        str | None, typer.Option(help="How long before its slot an edition is locked: 1h.")
    ] = None,
    as_json: bool = JsonOption,
) -> None:
    """Say whether the editions of a digest want approval, or show it. What is locked stays as it was."""
    from digest.editions.cadences import Unbounded, set_cadence  # noqa: PLC0415
    from digest.editions.show import cadences_of  # noqa: PLC0415
    from digest.lists.queries import cadence_named, digest_named  # noqa: PLC0415

    seconds: int | Unbounded | None = None
    if by is not None:
        seconds = Unbounded.NONE if by == "none" else common.parse_span(by)
    is_change = not all(value is None for value in (wanted, by, otherwise, lead))
    if wanted is None and is_change:
        wanted = True
    if wanted is False and (by, otherwise) != (None, None):
        raise InputError("What wants no approval has no time for it: leave --by and --else out.")
    with common.write() if is_change else common.read() as session:
        owner = digest_named(session, digest)
        found = (
            [cadence_named(session, owner.id, name)]
            if name
            else [one for _, one in cadences_of(session, owner.id)]
        )
        if is_change:
            for cadence in found:
                set_cadence(
                    session,
                    cadence,
                    wants_approval=wanted,
                    lead_seconds=None if lead is None else common.parse_span(lead),
                    approval_seconds=seconds,
                    approval_outcome=otherwise,
                    actor=common.actor(),
                    now=common.now(),
                )
        lines = [_as_dict(cadence) for cadence in found]
    if as_json:
        common.print_json(lines)
        return
    for line in lines:
        common.say(_sentence(line))


def _as_dict(cadence: Cadence) -> dict[str, Any]:
    from digest.editions.gate import outcome_of  # noqa: PLC0415

    return {
        "cadence": cadence.name,
        "wants_approval": cadence.wants_approval,
        "approval_seconds": cadence.approval_seconds,
        "outcome": outcome_of(cadence).value,
        "lead_seconds": cadence.lead_seconds,
    }


def _sentence(line: dict[str, Any]) -> str:
    name = line["cadence"]
    if not line["wants_approval"]:
        return f"{name}: no approval is wanted."
    if line["approval_seconds"] is None:
        return f"{name}: each edition waits for approval, as long as a held one; else: {line['outcome']}."
    return (
        f"{name}: each edition is locked {common.span(line['lead_seconds'])} before its slot and is to be "
        f"approved {common.span(line['approval_seconds'])} before; else: {line['outcome']}."
    )
