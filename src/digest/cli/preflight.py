"""`digest preflight`: what could be wrong with a locked edition's mail, before anybody gets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import sqlalchemy as sa
import typer

from digest.cli import common
from digest.cli.common import JsonOption

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.i18n import Translator
    from digest.models import Revision
    from digest.preflight.mail_facts import MailFacts
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

    Reads only: nothing is changed and nothing is stopped by it. It looks at content, size, subject,
    pictures, headers and lines; the postal address is that of the digest as it is now. Exit code 1 if
    something is found with which the edition must not go out.
    """
    from digest.editions.revisions import revision_of  # noqa: PLC0415
    from digest.editions.show import get_edition  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.preflight.mail import judge_mail  # noqa: PLC0415
    from digest.preflight.mail_findings import MailLevel, merged  # noqa: PLC0415

    words, public_url = Translator(language), common.settings().public_url
    with common.read() as session:
        chosen = revision_of(session, get_edition(session, edition), revision)
        number, facts = chosen.number, _facts(session, chosen, public_url)
    found = merged({variant: judge_mail(each) for variant, each in facts.items()})
    if as_json:
        shown = [_plain(one, words) for one in found]
        common.print_json({"edition": edition, "revision": number, "findings": shown})
    else:
        _say(found, sorted(facts), words, head=f"Edition {edition}, version {number}")
    if any(one.finding.level is MailLevel.BLOCK for one in found):
        raise typer.Exit(1)


def _facts(session: Session, revision: Revision, public_url: str) -> dict[str, MailFacts]:
    """The facts about each variant of a version, by its text size and topics."""
    from digest.editions.stories import story_of  # noqa: PLC0415
    from digest.mail.placeholders import PreparedMail  # noqa: PLC0415
    from digest.models import Cadence, Digest, Edition, Item, Variant  # noqa: PLC0415
    from digest.preflight.mail_facts import gather  # noqa: PLC0415

    edition = session.get_one(Edition, revision.edition_id)
    digest = session.get_one(Digest, session.get_one(Cadence, edition.cadence_id).digest_id)
    items = sa.select(Item.story).where(Item.revision_id == revision.id).order_by(Item.position)
    stories = [story_of(stored) for stored in session.scalars(items)]
    variants = sa.select(Variant).where(Variant.revision_id == revision.id).order_by(Variant.id)
    return {
        " ".join(filter(None, (variant.text_size, variant.topics))): gather(
            PreparedMail.from_bytes(variant.mail),
            subject=revision.subject,
            preheader=revision.preheader,
            html=variant.html,
            text=variant.text,
            postal_address=digest.postal_address,
            stories=stories,
            edition_at=edition.due_at,
            public_url=public_url,
        )
        for variant in session.scalars(variants)
    }


def _say(found: Sequence[FoundIn], variants: list[str], words: Translator, *, head: str) -> None:
    from digest.preflight.mail_words import level_name, said  # noqa: PLC0415

    if not found:
        common.say(f"{head}: nothing is wrong.")
        return
    common.say(f"{head}:")
    for one in found:
        what, mend = said(one.finding, words)
        where = "" if sorted(one.variants) == variants else f" [{', '.join(one.variants)}]"
        common.say(f"\n{level_name(one.finding.level, words)}{where}: {what}\n    {mend}")


def _plain(one: FoundIn, words: Translator) -> dict[str, Any]:
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
