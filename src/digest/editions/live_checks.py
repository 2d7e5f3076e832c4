"""What the checks would say of a coming edition if it were locked now: while it can still be changed.

The same rules as at the lock, over one rendering instead of all of them, so that the answer is there at once.
Sites are asked only by whoever hands in `look`; at the lock they are asked anyway.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from sqlalchemy.orm import Session

from digest.db import Database
from digest.editions.checks import Look, check
from digest.editions.coming import LIVE
from digest.editions.compose import context_of, placed_of
from digest.editions.made_once import checked, whole_mail
from digest.editions.material import Outcome, considered, material_from, outcome_of
from digest.editions.show import get_edition
from digest.editions.unusual import as_remark, odd_news
from digest.errors import DigestError
from digest.models import Edition, EditionKind, EditionState, Reason, Role
from digest.preflight.mail_findings import FoundIn
from digest.rendering.body import read_body
from digest.rendering.contexts import Story

# Of these an editor chose the stories, of what was known: they are not held for unusual news.
_KNOWN: frozenset[EditionKind] = frozenset({EditionKind.BREAKING, EditionKind.CORRECTION})


@dataclass(frozen=True, slots=True)
class Shown:
    """A story of the edition, for whoever leads from a finding to it. `key` is as on the board."""

    post_id: int | None
    own_item_id: int | None
    story: Story


@dataclass(frozen=True, slots=True)
class LiveChecks:
    """`outcome` is what it becomes for lack of stories; `odd` are remarks about its news, as they are kept.

    `is_bare` says that the featured story has no text of its own. `fault` is the template's.
    """

    findings: tuple[FoundIn, ...] = ()
    outcome: Reason | None = None
    odd: tuple[dict[str, Any], ...] = ()
    is_bare: bool = False
    has_looked: bool = False
    fault: DigestError | None = None
    stories: tuple[Shown, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.findings or self.outcome or self.odd or self.is_bare or self.fault)


def live_checks(
    database: Database,
    edition_id: int,
    *,
    public_url: str,
    templates: Path | None,
    now: dt.datetime,
    look: Look | None = None,
) -> LiveChecks:
    """The findings about a coming or held edition; nothing of one that is on its way already."""
    with database.read() as session:
        edition = get_edition(session, edition_id)
        if edition.state not in LIVE:
            return LiveChecks()
        odd = odd_remarks(session, edition, now=now)
        one = considered(session, edition_id, now=now)
        ended: Outcome | None = outcome_of(session, one)
        if ended is not None:
            return LiveChecks(outcome=ended.reason, odd=odd)
        material = material_from(session, one)
    context = context_of(material, public_url=public_url)
    placed = placed_of(material, context)
    stories = tuple(Shown(one.post_id, one.own_item_id, one.story) for one in placed)
    try:
        if look is None:
            told = checked(material.digest, context, placed, public_url=public_url, templates=templates)
        else:
            make = functools.partial(whole_mail, material.digest, placed, templates)
            told = check(material.digest, context, make, public_url=public_url, look=look)
    except (jinja2.TemplateError, ValueError, DigestError) as error:
        fault = error if isinstance(error, DigestError) else DigestError(str(error)[:500])
        return LiveChecks(odd=odd, fault=fault, stories=stories)
    return LiveChecks(
        findings=told.findings,
        odd=odd,
        is_bare=any(one.role is Role.FEATURED and is_bare(one.story) for one in placed),
        has_looked=look is not None,
        stories=stories,
    )


def odd_remarks(session: Session, edition: Edition, *, now: dt.datetime) -> tuple[dict[str, Any], ...]:
    """What is odd about a coming edition's news; of one that is held for it, what it is held for."""
    if edition.state is EditionState.HELD:
        is_odd = edition.reason is Reason.UNUSUAL_NEWS
        return tuple(one for one in edition.remarks if "source_id" in one) if is_odd else ()
    if edition.kind in _KNOWN:
        return ()
    return tuple(as_remark(one) for one in odd_news(session, edition, now=now))


def is_bare(story: Story) -> bool:
    """Whether a story that is to be read in the mail has no words there."""
    return not any(block.text.strip() for block in read_body(story.body_html).blocks)
