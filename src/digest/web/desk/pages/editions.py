"""An edition: its stories and their reasons on one side, the very mail on the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.accounts.visible import allows
from digest.editions.approve import may_approve
from digest.editions.audience import audience_of, audience_sentences
from digest.editions.board import Board, Reasoned, fixed_board, live_board
from digest.editions.coming import LIVE, Coming, coming, fate_sentence
from digest.editions.compose import Material
from digest.editions.gate import is_approved
from digest.editions.look import look_of
from digest.editions.material import Considered, considered, material_from
from digest.editions.meanwhile import version_of
from digest.editions.shape import list_changes
from digest.editions.show import EditionLine, digest_of, edition_line, get_edition
from digest.editions.skipping import Skipping, skipping_of
from digest.editions.voided import voided_approval
from digest.editions.why_chosen import SENTENCES, why_sentence
from digest.i18n import Translator
from digest.models import Account, Cadence, Edition, EditionState, Revision, Variant
from digest.preflight.mail_findings import found_of
from digest.rendering.contexts import TextSize
from digest.rendering.theme import Layout
from digest.web.desk.change_words import ChangeLine, change_lines, names_of, titles_of, told_actor
from digest.web.desk.jumps import Placed
from digest.web.desk.pages.edition_checks import CheckLine, check_line
from digest.web.desk.pages.edition_progress import WITH_FIGURES, way_of
from digest.web.desk.reader_choice import reader_choices
from digest.web.desk.since_lock import ChangedStory, since_lock
from digest.web.desk.stands import why_standing
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit
from digest.web.desk.voided_view import VoidedView, voided_view

_BEFORE: Final = (*LIVE, EditionState.FROZEN)
# Nobody gets these any more.
FOR_NOBODY: Final = (EditionState.SKIPPED, EditionState.CANCELLED)
# So many of the candidates that are out are shown at once.
_OUT_SHOWN: Final = 40
_CHANGES_SHOWN: Final = 30
_STAFF_MOST: Final = 200
SUBJECT_LENGTH: Final = 60  # what most mail programs show of a subject
PREHEADER_LENGTH: Final = 90


@dataclass(frozen=True, slots=True)
class Typed:
    """What an editor typed that could not be kept: it stands in its form again."""

    words: str = ""  # which words of the edition: subject, preheader, intro, sign_off
    text: str = ""
    story: str = ""  # or which story, and its fields
    title: str = ""
    excerpt: str = ""
    section: str = ""
    url: str = ""


NOTHING: Final = Typed()


class Colleague(NamedTuple):
    """Somebody else of the staff, whom a test mail may reach."""

    name: str
    address: str


class SignOff(NamedTuple):
    """The digest's closing line, below the commentary, and what an edition has in its place, below all."""

    of_digest: str = ""
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the page shows of an edition, read at one moment."""

    edition: Edition
    line: EditionLine
    title: str  # the digest's
    board: Board
    version: str
    subject: str
    preheader: str
    intro: str
    sign_off: SignOff
    changes: tuple[ChangeLine, ...]
    coming: Coming | None
    fingerprint: str
    is_approved: bool
    wants_approval: bool
    may_approve: bool
    findings: tuple[CheckLine, ...]
    voided: VoidedView | None
    since_lock: tuple[ChangedStory, ...]  # what its sites have otherwise since it was locked
    skipping: Skipping | None
    shows_first: bool  # whether its look shows the picture of the first story below the featured one
    names: Mapping[str, str]  # the people of the desk, by how the trail names them
    colleagues: tuple[Colleague, ...]
    has_large: bool  # whether it has a mail in larger text: somebody reads it in that


@desk.get("/editions/{edition}", may=May.SEE_EDITION)
def show_edition(visit: Here, edition: int) -> Response:
    """The edition page, or its board alone after a change."""
    return edition_page(visit, edition)


def edition_page(
    visit: Visit,
    edition_id: int,
    *,
    done: str = "",
    fault: str = "",
    mine: Typed = NOTHING,
    status: int = 200,
) -> Response:
    """The page with what was just done or what stood in the way; `mine` is what the editor typed then."""
    with visit.database.read() as session:
        # First: what the page says of the coming edition wants the same number.
        edition = get_edition(session, edition_id)
        is_asked = not visit.is_htmx and edition.state not in FOR_NOBODY
        audience = audience_of(session, edition) if is_asked else None
        seen = _seen(visit, session, edition_id)
        readers = reader_choices(visit, session, audience.samples) if audience else ()
        why = why_standing(session, [seen.line], visit.words)
        way = way_of(visit, session, edition_id) if seen.line.state in WITH_FIGURES else None
    state = seen.line.state
    return visit.page(
        "edition.html",
        part="board",
        status=status,
        seen=seen,
        edition=seen.line,
        board=seen.board,
        is_live=state in LIVE,
        out=seen.board.left_out[:_OUT_SHOWN],
        out_count=len(seen.board.left_out) + sum(seen.board.more_out.values()),
        why=_Reasons(visit.words, seen.line.zone, seen.names),
        fate=fate_sentence(seen.coming, visit.words) if seen.coming is not None else "",
        reason=why.get(edition_id, ""),
        wait=_span(visit, seen.line.send_at),
        audience=audience,
        audience_lines=audience_sentences(audience, visit.words) if audience is not None else (),
        readers=readers,
        words=visit.words,
        may_look_up=allows(visit.me, May.SEE_READERS),
        lines=seen.findings,
        acts=acts_for(visit, seen),
        way=way,
        edition_id=edition_id,
        done=done,
        fault=fault,
        mine=mine,
        subject_length=SUBJECT_LENGTH,
        preheader_length=PREHEADER_LENGTH,
    )


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Reasons in the reader's words, for the template."""

    words: Translator
    zone: str
    names: Mapping[str, str]

    def __call__(self, reason: Reasoned | None) -> str:
        if reason is None:
            return ""
        facts = dict(reason.facts)
        if "by" in facts:
            facts["by"] = told_actor(facts["by"], self.names, self.words)
        try:
            return why_sentence(reason.why, facts, self.words, self.zone)
        except KeyError:  # written by a release that knew other facts
            return self.words.gettext(SENTENCES[reason.why].partition("%(")[0]).strip()


def _seen(visit: Visit, session: Session, edition_id: int) -> Seen:
    edition = get_edition(session, edition_id)
    line, digest = edition_line(session, edition_id), digest_of(session, edition)
    cadence = session.get_one(Cadence, edition.cadence_id)
    revision = session.get(Revision, edition.revision_id) if edition.revision_id is not None else None
    found: Coming | None = None
    one: Considered | None = None
    material: Material | None = None
    templates = visit.settings.templates
    if edition.state in LIVE:
        one = considered(session, edition_id, now=visit.now)
        material = None if one.is_empty else material_from(session, one)
        found = coming(session, edition_id, templates=templates, now=visit.now, one=one, material=material)
        board = live_board(session, one, material)
        intro = digest.intro if one.changes.intro is None else one.changes.intro
        sign_off = SignOff(digest.sign_off, one.changes.sign_off)
    else:
        board, intro, sign_off = fixed_board(session, edition), "", SignOff()
        if edition.state is EditionState.FROZEN:
            found = coming(session, edition_id, templates=templates, now=visit.now)
    subject, preheader = (found.subject, found.preheader) if found else _lines(revision)
    account = session.get_one(Account, visit.me.id)
    names = names_of(session)
    voided = voided_approval(session, edition, one, public_url=visit.settings.public_url, templates=templates)
    view = voided_view(voided, titles_of(board), names, visit.words) if voided else None
    return Seen(
        edition=edition,
        line=line,
        title=digest.title,
        board=board,
        version=version_of(session, edition),
        subject=subject,
        preheader=preheader,
        intro=intro,
        sign_off=sign_off,
        changes=_changes(session, edition, titles_of(board), names, visit.words),
        names=names,
        coming=found,
        fingerprint=revision.fingerprint if revision is not None else "",
        is_approved=revision is not None and is_approved(session, edition),
        wants_approval=cadence.wants_approval,
        may_approve=may_approve(session, edition, account),
        findings=_findings(visit, revision, board, digest.id),
        voided=view,
        since_lock=since_lock(session, edition, visit.words),
        skipping=skipping_of(session, edition, now=visit.now) if edition.state in _BEFORE else None,
        shows_first=look_of(digest).layout is Layout.BRIEFING,
        colleagues=_colleagues(session, account.id),
        has_large=TextSize.LARGE in material.text_sizes if material else _has_large(session, revision),
    )


def _colleagues(session: Session, me: int) -> tuple[Colleague, ...]:
    """Whose account is open, by name; test mails reach nobody else."""
    others = sa.select(Account.name, Account.address).where(Account.disabled_at.is_(None), Account.id != me)
    rows = session.execute(others.order_by(Account.name, Account.id).limit(_STAFF_MOST))
    return tuple(Colleague(name, address) for name, address in rows)


def _has_large(session: Session, revision: Revision | None) -> bool:
    if revision is None:
        return False
    large = sa.exists().where(Variant.revision_id == revision.id, Variant.text_size == TextSize.LARGE)
    return bool(session.scalar(sa.select(large)))


def _lines(revision: Revision | None) -> tuple[str, str]:
    return ("", "") if revision is None else (revision.subject, revision.preheader)


def _findings(visit: Visit, revision: Revision | None, board: Board, digest_id: int) -> tuple[CheckLine, ...]:
    """What the checks said of a version when it was made."""
    if revision is None:
        return ()
    stories = [Placed(one.key, one.story) for one in board.stories]
    return tuple(check_line(visit, one, stories, digest_id) for one in found_of(revision.findings))


def _changes(
    session: Session,
    edition: Edition,
    titles: Mapping[str, str],
    names: Mapping[str, str],
    words: Translator,
) -> tuple[ChangeLine, ...]:
    """The newest first."""
    rows = list_changes(session, edition)[-_CHANGES_SHOWN:]
    return change_lines(reversed(rows), titles, names, words)


def _span(visit: Visit, moment: dt.datetime) -> str:
    return visit.words.span(abs(moment - visit.now))


def acts_for(visit: Visit, seen: Seen) -> dict[str, Any]:
    """What may be done with the edition as it is now, by this person."""
    state = seen.line.state
    may_edit = allows(visit.me, May.EDIT_EDITION)
    return {
        "shape": may_edit and state in LIVE,
        "hold": may_edit and state in (EditionState.UPCOMING, EditionState.FROZEN),
        "lock": may_edit and state in LIVE,
        "unlock": may_edit and state is EditionState.FROZEN,
        # A stop in the middle takes the approval back: it goes on only with another one.
        "approve": state in (EditionState.FROZEN, EditionState.PAUSED)
        and seen.may_approve
        and not seen.is_approved,
        "skip": may_edit and state in (*LIVE, EditionState.FROZEN),
        "pause": may_edit and state is EditionState.SENDING,
        "resume": may_edit and state is EditionState.PAUSED and seen.is_approved,
        "correct": may_edit and state is EditionState.PAUSED,
        "cancel": may_edit and state in (EditionState.SENDING, EditionState.PAUSED),
        "put_right": may_edit and state in (EditionState.PAUSED, EditionState.SENT, EditionState.CANCELLED),
        "test": may_edit and bool(seen.board.stories),
    }
