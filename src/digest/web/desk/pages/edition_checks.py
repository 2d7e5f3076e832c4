"""The checks beside an edition while it is shaped: what would hold it or could be better, and where."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest.accounts.rights import May
from digest.accounts.visible import allows
from digest.editions.board import key_of
from digest.editions.checks import Look
from digest.editions.live_checks import LiveChecks, live_checks
from digest.editions.reasons import SENTENCES
from digest.editions.remarks import remark_sentence
from digest.editions.remote_look import look_at
from digest.editions.show import digest_of, get_edition
from digest.i18n import N_
from digest.net.http import Fetcher
from digest.preflight.mail_findings import FoundIn, MailLevel
from digest.preflight.mail_words import level_name, said
from digest.web.desk.jumps import SETTINGS, Placed, jump_of
from digest.web.desk.outward import outward
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

TONES: Final = {MailLevel.BLOCK: "bad", MailLevel.MENDED: "note", MailLevel.WARN: "warn"}
_BARE: Final = (
    N_("The featured story has no text of its own here: readers see its excerpt and a link."),
    N_("Nothing has to be done if that is meant; else feature another one."),
)


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A finding as the page shows it. `jump` is the id of what it is about, or the address of a page."""

    tone: str
    level: str
    what: str
    mend: str
    jump: str = ""


@desk.get("/editions/{edition}/checks", may=May.SEE_EDITION)
def show_checks(visit: Here, edition: int) -> Response:
    """What the checks would say if it were locked now."""
    return _shown(visit, edition, _looked(visit, edition))


@desk.post("/editions/{edition}/checks", may=May.SEE_EDITION)
async def look_now(visit: Here, edition: int) -> Response:
    """The same with a look at its links and pictures where they lie. Nothing is kept of it."""

    def look(fetcher: Fetcher) -> LiveChecks:
        return _looked(visit, edition, look=functools.partial(look_at, fetcher=fetcher))

    found = await outward(visit, look)
    return await run_in_threadpool(_shown, visit, edition, found)


def check_line(visit: Visit, one: FoundIn, stories: list[Placed], digest_id: int) -> CheckLine:
    """A finding in words, with where it is mended."""
    words, jump = said(one.finding, visit.words), jump_of(one.finding, stories)
    if jump == SETTINGS:
        jump = f"/desk/digests/{digest_id}/settings"
    level = one.finding.level
    return CheckLine(
        TONES[level],
        level_name(level, visit.words),
        *words,
        jump=jump if "/" in jump else jump and f"#{jump}",
    )


def _looked(visit: Visit, edition_id: int, look: Look | None = None) -> LiveChecks:
    return live_checks(
        visit.database,
        edition_id,
        public_url=visit.settings.public_url,
        templates=visit.settings.templates,
        now=visit.now,
        look=look,
    )


def _shown(visit: Visit, edition_id: int, found: LiveChecks) -> Response:
    with visit.database.read() as session:
        edition = get_edition(session, edition_id)
        digest = digest_of(session, edition)
    return visit.page(
        "edition_checks.html",
        part="checks",
        edition=edition,
        title=digest.title,
        checks=found,
        lines=_lines(visit, found, digest.id),
        odd=[remark_sentence(one, visit.words) for one in found.odd],
        may_edit=allows(visit.me, May.EDIT_EDITION),
    )


def _lines(visit: Visit, found: LiveChecks, digest_id: int) -> list[CheckLine]:
    """What keeps it from going out first, then the gravest."""
    words, lines = visit.words, []
    if found.outcome is not None:
        why = words.gettext(SENTENCES[found.outcome])
        lines.append(CheckLine("bad", words.gettext("If it were locked now"), why, "", "#h-stories"))
    if found.fault is not None:
        lines.append(CheckLine("bad", level_name(MailLevel.BLOCK, words), visit.told(found.fault), ""))
    stories = [Placed(key_of(one.post_id, one.own_item_id), one.story) for one in found.stories]
    told = [check_line(visit, one, stories, digest_id) for one in found.findings]
    if found.is_bare:
        what, mend = (words.gettext(text) for text in _BARE)
        name = level_name(MailLevel.WARN, words)
        jump = f"#story-{stories[0].key.replace(':', '-')}" if stories else ""
        told.append(CheckLine(TONES[MailLevel.WARN], name, what, mend, jump))
    return lines + told
