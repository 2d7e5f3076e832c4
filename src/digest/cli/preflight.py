"""`digest preflight`: what could be wrong with a locked edition's mail, before anybody gets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption

if TYPE_CHECKING:
    from digest.i18n import Translator
    from digest.preflight.mail_findings import FoundIn

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example: digest preflight 12 --language hy")
def preflight(
    edition: Annotated[int, typer.Argument(min=1, max=2**63 - 1, metavar="EDITION", help="Its number.")],
    revision: Annotated[int | None, typer.Option(min=1, help="This version; default: the newest.")] = None,
    language: Annotated[str, typer.Option(help="The language of the sentences: en or hy.")] = "en",
    as_json: bool = JsonOption,
) -> None:
    """Look at every mail of a locked edition and say what is wrong, and what to do.

    Reads only, and asks no site: what was seen of links and pictures, and what was mended, is as it was when
    the edition was locked; the postal address is that of the digest as it is now. Of a held edition without a
    version it says what stopped it. Exit code 1 if something is found with which it must not go out.
    """
    from digest.editions.judged import judged  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.preflight.mail_findings import is_blocked  # noqa: PLC0415

    words, public_url = Translator(language), common.settings().public_url
    with common.read() as session:
        found = judged(session, get_edition(session, edition), revision, public_url=public_url)
    if as_json:
        shown = [plain(one, words) for one in found.findings]
        common.print_json({"edition": edition, "revision": found.revision, "findings": shown})
    else:
        head = f"Edition {edition}, " + (f"version {found.revision}" if found.revision else "held")
        say_findings(found.findings, found.variants, words, head=head)
    if is_blocked(found.findings):
        raise typer.Exit(1)


def say_findings(
    found: Sequence[FoundIn], variants: Sequence[str], words: Translator, *, head: str, mends: bool = True
) -> None:
    """Print findings, and with `mends` what to do.

    Which variants one is in is said where it is not in all of them; of no variants nothing is said.
    """
    from digest.preflight.mail_words import level_name, said  # noqa: PLC0415

    if not found:
        common.say(f"{head}: nothing is wrong.")
        return
    common.say(f"{head}:")
    for one in found:
        what, mend = said(one.finding, words)
        is_everywhere = not variants or sorted(one.variants) == sorted(variants)
        where = "" if is_everywhere else f" [{', '.join(one.variants)}]"
        line = f"{level_name(one.finding.level, words)}{where}: {what}"
        common.say(f"\n{line}\n    {mend}" if mends else f"  {line}")


def plain(one: FoundIn, words: Translator) -> dict[str, Any]:
    """A finding for `--json`."""
    from digest.preflight.mail_words import said  # noqa: PLC0415

    finding = one.finding
    what, mend = said(finding, words)
    return {
        "level": finding.level,
        "code": finding.code,
        "facts": dict(finding.facts),
        "variants": list(one.variants),
        "words": what,
        "mend": mend,
    }
