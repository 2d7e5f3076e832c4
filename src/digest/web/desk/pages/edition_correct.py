"""Correct and go on: the next version of an edition that is paused on its way, for those who still wait."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.deliveries.progress import progress
from digest.deliveries.switch import StillHeldError, go_on_with
from digest.editions.approve import NotAllowedError, StaleApprovalError, approve, seen_revision
from digest.editions.notes import changes_in, note_of
from digest.editions.page_again import Paper
from digest.editions.remote_look import look_at
from digest.editions.revise import Correction, revise
from digest.editions.revisions import revision_of
from digest.editions.show import digest_of, edition_line, get_edition
from digest.editions.stories import story_of
from digest.errors import DigestError, InputError, StateError
from digest.i18n import N_
from digest.models import Account, ApprovalWay, DeliveryStatus, EditionState, Item, Role
from digest.net.http import Fetcher
from digest.web.desk.outward import outward
from digest.web.desk.pages.editions import edition_page
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_CORRECTABLE: Final = (EditionState.SENDING, EditionState.PAUSED)


@dataclass(frozen=True, slots=True)
class Words:
    """A story's words as they stand in a version, or as an editor typed them."""

    number: int
    is_featured: bool
    title: str
    excerpt: str
    is_out: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that can be corrected. `base` is the number of the version that it was read from."""

    base: int
    subject: str
    intro: str
    sign_off: str
    note: str
    stories: tuple[Words, ...]


@desk.get("/editions/{edition}/correct", may=May.EDIT_EDITION)
def show_correct(visit: Here, edition: int) -> Response:
    """The words of the newest version, to be corrected; while it is handed over, how to pause it first."""
    return _page(visit, edition)


@desk.post("/editions/{edition}/correct", may=May.EDIT_EDITION)
async def correct(visit: Here, edition: int) -> Response:
    """Make the next version of what was typed. It goes to nobody yet."""
    return await outward(visit, functools.partial(_make, visit, edition))


@desk.post("/editions/{edition}/go-on-with", may=May.EDIT_EDITION)
def go_on_with_version(visit: Here, edition: int) -> Response:
    """Go on with the version that was shown; whoever may approve does so by this."""
    fingerprint = visit.form.text("fingerprint")
    try:
        with visit.database.write() as session:
            people = _go_on(visit, session, edition, fingerprint)
    except StaleApprovalError:
        return _refused(visit, edition, N_("There is another version meanwhile. Look at it first."))
    except NotAllowedError:
        return _refused(visit, edition, N_("Only an approver or an admin may approve this version."))
    except StillHeldError:
        return _refused(
            visit,
            edition,
            N_(
                "The last mails that were under way are being finished. Nothing was changed: "
                "press once more in a few seconds."
            ),
        )
    except StateError as error:
        return edition_page(visit, edition, fault=visit.told(error), status=409)
    said = visit.words.ngettext(
        "It goes on: %(count)s person gets the new version.",
        "It goes on: %(count)s people get the new version.",
        people,
    )
    return visit.go(f"/desk/editions/{edition}", said)


def _go_on(visit: Visit, session: Session, edition_id: int, fingerprint: str) -> int:
    edition = get_edition(session, edition_id)
    session.refresh(edition, with_for_update={"key_share": True})
    revision = seen_revision(session, edition, fingerprint)
    if revision.approved_at is None:
        account = session.get_one(Account, visit.me.id)
        approve(session, edition, account, fingerprint, way=ApprovalWay.DESK, now=visit.now)
    paper = Paper(visit.settings.public_url, visit.settings.templates)
    return go_on_with(session, edition, revision, paper=paper, actor=visit.actor, now=visit.now)


def _make(visit: Visit, edition_id: int, fetcher: Fetcher) -> Response:
    with visit.database.read() as session:
        before = _sheet(session, edition_id, visit.form.number("base", 0))
    typed = _typed(visit, before)
    correction = _difference(before, typed)
    if correction is None:
        return _page(visit, edition_id, typed, visit.words.gettext(N_("Nothing was changed.")), status=422)
    if all(one.is_out for one in typed.stories):
        fault = visit.words.gettext(N_("No story would be left. Stop the edition for good instead."))
        return _page(visit, edition_id, typed, fault, status=422)
    settings = visit.settings
    try:
        number = revise(
            visit.database,
            edition_id,
            correction,
            public_url=settings.public_url,
            templates=settings.templates,
            actor=visit.actor,
            look=functools.partial(look_at, fetcher=fetcher),
            base=before.base,
        )
    except (InputError, DigestError) as error:
        status = 422 if isinstance(error, InputError) else 409
        return _page(visit, edition_id, typed, _fault(visit, edition_id, before, error), status=status)
    said = N_("Version %(number)s is there. It goes to nobody yet: look at it, then go on with it below.")
    return visit.go(f"/desk/editions/{edition_id}", visit.words.gettext(said, number=number))


def _fault(visit: Visit, edition_id: int, before: Sheet, error: DigestError) -> str:
    """What stood in the way, for somebody at the desk; what they typed stands in its fields."""
    with visit.database.read() as session:
        edition = get_edition(session, edition_id)
        newest = revision_of(session, edition).number
    if newest != before.base:
        said = N_(
            "Somebody else has corrected it meanwhile: there is version %(number)s. Yours is not made; "
            "what you typed is below. Copy what you need and open the page once more."
        )
        return visit.words.gettext(said, number=newest)
    if edition.state is EditionState.SENDING:
        return visit.words.gettext(N_("It is being handed over again: pause it first."))
    return visit.told(error)


def _sheet(session: Session, edition_id: int, base: int = 0) -> Sheet:
    """The words of a version: of the newest, or of the one that an editor began with."""
    edition = get_edition(session, edition_id)
    digest, revision = digest_of(session, edition), revision_of(session, edition, base or None)
    said = changes_in(session, edition_id, revision.number)
    items = session.scalars(
        sa.select(Item).where(Item.revision_id == revision.id).order_by(Item.position)
    ).all()
    return Sheet(
        base=revision.number,
        subject=revision.subject,
        intro=digest.intro if said.intro is None else said.intro,
        sign_off=digest.sign_off if said.sign_off is None else said.sign_off,
        note=note_of(session, edition_id, revision.number),
        stories=tuple(
            Words(number, item.role is Role.FEATURED, story.title, story.excerpt)
            for number, item in enumerate(items, start=1)
            for story in [story_of(item.story)]
        ),
    )


def _typed(visit: Visit, before: Sheet) -> Sheet:
    form = visit.form
    return Sheet(
        base=before.base,
        subject=form.text("subject", before.subject),
        intro=form.text("intro", before.intro),
        sign_off=form.text("sign_off", before.sign_off),
        note=form.text("note", before.note),
        stories=tuple(
            Words(
                one.number,
                one.is_featured,
                form.text(f"title-{one.number}", one.title),
                form.text(f"excerpt-{one.number}", one.excerpt),
                is_out=form.is_ticked(f"out-{one.number}"),
            )
            for one in before.stories
        ),
    )


def _difference(before: Sheet, typed: Sheet) -> Correction | None:
    """What is to be otherwise; None if nothing is. The note of a version stays if it was left as it is."""
    pairs = list(zip(before.stories, typed.stories, strict=True))
    correction = Correction(
        subject=typed.subject if _is_other(before.subject, typed.subject) else "",
        note=typed.note,
        intro=typed.intro if before.intro.strip() != typed.intro else None,
        sign_off=typed.sign_off if before.sign_off.strip() != typed.sign_off else None,
        titles={new.number: new.title for old, new in pairs if _is_other(old.title, new.title)},
        excerpts={new.number: new.excerpt for old, new in pairs if _is_other(old.excerpt, new.excerpt)},
        dropped=frozenset(one.number for one in typed.stories if one.is_out),
    )
    is_same = not _is_other(before.note, typed.note)
    plain = Correction(note=typed.note)
    return None if correction == plain and is_same else correction


def _is_other(before: str, typed: str) -> bool:
    """Lines are joined where they are kept: only words count."""
    return before.split() != typed.split()


def _page(
    visit: Visit, edition_id: int, typed: Sheet | None = None, fault: str = "", *, status: int = 200
) -> Response:
    with visit.database.read() as session:
        line = edition_line(session, edition_id)
        if line.state not in _CORRECTABLE:
            said = N_("Only an edition that is on its way is corrected here.")
            raise StateError(visit.words.gettext(said))
        sheet = typed or _sheet(session, edition_id)
        title = digest_of(session, get_edition(session, edition_id)).title
        found = progress(session, edition_id, now=visit.now, details=False)
    counts: dict[str, Any] = {
        "have": found.counts[DeliveryStatus.SENT] + found.may_have_arrived,
        "wait": found.counts[DeliveryStatus.PENDING],
    }
    return visit.page(
        "edition_correct.html", status=status, edition=line, title=title, sheet=sheet, fault=fault, **counts
    )


def _refused(visit: Visit, edition_id: int, said: str) -> Response:
    return edition_page(visit, edition_id, fault=visit.words.gettext(said), status=409)
