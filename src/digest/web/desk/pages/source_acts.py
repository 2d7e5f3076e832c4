"""What is done to a source: another name or address, pausing, taking it away and bringing it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest import clock
from digest.accounts.rights import May
from digest.accounts.visible import has_alone
from digest.errors import InputError, StateError
from digest.i18n import N_
from digest.models import Source
from digest.sources import keep
from digest.sources.find_words import find_sentence
from digest.web.desk import site_offer
from digest.web.desk.forms import Form
from digest.web.desk.outward import outward
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

Step = Callable[..., None]
NOT_ALONE: Final = N_(
    "Digests of others draw from it too. Only somebody who works on all of them, or an approver, changes it."
)


@desk.post("/sources/{source}/name", may=May.EDIT_SOURCE)
def rename(visit: Here, source: int) -> Response:
    """Call it otherwise; nothing given, by its site's own name."""
    title = visit.form.text("title")
    said = N_("It has its name.") if title else N_("It goes by its site's own name once it is read again.")
    return _done(visit, source, said, keep.rename_source, title=title)


@desk.post("/sources/{source}/pause", may=May.EDIT_SOURCE)
def pause(visit: Here, source: int) -> Response:
    """Nobody reads it until it is started again."""
    return _done(visit, source, N_("It is paused: nobody reads it."), keep.pause_source)


@desk.post("/sources/{source}/start", may=May.EDIT_SOURCE)
def start(visit: Here, source: int) -> Response:
    """It is read again, at once."""
    return _done(visit, source, N_("It is read again, from now on."), keep.start_source)


@desk.post("/sources/{source}/remove", may=May.REMOVE_SOURCE)
def remove(visit: Here, source: int) -> Response:
    """No digest draws from it any more; what it has brought is kept."""
    said = N_("It was taken away. What it has brought is kept: it can be brought back here.")
    return _done(visit, source, said, keep.remove_source)


@desk.post("/sources/{source}/restore", may=May.REMOVE_SOURCE)
def restore(visit: Here, source: int) -> Response:
    """Back to its digests."""
    return _done(visit, source, N_("It is back, and its digests draw from it again."), keep.restore_source)


@desk.get("/sources/{source}/address", may=May.EDIT_SOURCE)
def ask_address(visit: Here, source: int) -> Response:
    """Where it is read instead."""
    return _address(visit, source)


@desk.post("/sources/{source}/address/look", may=May.EDIT_SOURCE)
async def look_there(visit: Here, source: int) -> Response:
    """What stands there, before it is taken."""
    address = visit.form.text("address")[:2000]
    found = await outward(visit, lambda fetcher: site_offer.looked_at(address, fetcher))
    if not found.options:
        fault = find_sentence(found.fault or "no_feed", found.detail, visit.words)
        return await run_in_threadpool(_address, visit, source, address=address, fault=fault)
    offer = site_offer.offer_of(found, visit.words, now=visit.now)
    return await run_in_threadpool(_address, visit, source, address=address, offer=offer)


@desk.post("/sources/{source}/address", may=May.EDIT_SOURCE)
def take_address(visit: Here, source: int) -> Response:
    """Read it there from now on; or at an address that it had before."""
    form = visit.form
    offer = None
    try:
        if form.raw("offer"):
            offer = site_offer.unpacked(form.raw("offer"), visit.token)
        with visit.database.write() as session:
            row = _theirs(visit, session, source)
            found = site_offer.source_of(offer, form.number("option", 0)) if offer else _former(row, form)
            keep.change_address(session, row, found, actor=visit.actor, now=clock.utc_now())
    except InputError as error:
        return _address(visit, source, offer=offer, fault=visit.told(error))
    said = N_("It is read there from now on. The old address is kept below.")
    return visit.go(f"/desk/sources/{source}", visit.words.gettext(said))


def _former(source: Source, form: Form) -> dict[str, Any]:
    for one in source.former:
        if one["url"] == form.text("former"):
            return one
    raise InputError(N_("There is no such choice."))


def _done(visit: Visit, source_id: int, said: str, step: Step, **given: Any) -> Response:
    with visit.database.write() as session:
        step(session, _theirs(visit, session, source_id), **given, actor=visit.actor, now=clock.utc_now())
    return visit.go(f"/desk/sources/{source_id}", visit.words.gettext(said))


def _theirs(visit: Visit, session: Session, source_id: int) -> Source:
    """The source, if nobody else's digest would change with it; else raises StateError."""
    if not has_alone(session, visit.me, source_id):
        raise StateError(NOT_ALONE)
    return session.get_one(Source, source_id)


def _address(
    visit: Visit, source_id: int, *, address: str = "", offer: dict[str, Any] | None = None, fault: str = ""
) -> Response:
    with visit.database.read() as session:
        source = session.get_one(Source, source_id)
    return visit.page(
        "source_address.html",
        status=422 if fault else 200,
        source=source,
        address=address,
        fault=fault,
        offer=offer,
        option=visit.form.text("option", "0"),
        packed=site_offer.packed(offer, visit.token) if offer is not None else "",
    )
