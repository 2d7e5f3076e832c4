"""The assistant: from the address of a site to a digest whose first edition can be looked at."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest import clock
from digest.accounts.rights import May
from digest.accounts.visible import allows, choose_digest, visible_digests
from digest.editions.whole_digest import Made, Wanted, free_name, make_whole
from digest.errors import InputError
from digest.i18n import N_
from digest.models import Digest
from digest.net.http import Fetcher, FetchError
from digest.rendering.theme import ACCENT, Layout
from digest.sources.collect import Collected, collect
from digest.sources.find_words import find_sentence
from digest.web.desk import rhythm_form, site_offer
from digest.web.desk.outward import outward
from digest.web.desk.pages.digest_rhythm import rhythm_choices
from digest.web.desk.pages.digest_settings import languages
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_WEEK: Final = 7  # days
_MONTH: Final = 30
_NEWEST: Final = "newest"
_NONE: Final = "none"
_SECTION: Final = "category:"
_TYPED: Final = (
    *("option", "featured", "days", "title", "name", "language", "layout", "accent", "zone"),
    *("sender_name", "sender_address", "postal_address"),
)
_TICKS: Final = ("weekly", "list")


@desk.get("/digests/new", may=May.MAKE_DIGEST)
def ask_address(visit: Here) -> Response:
    """One field: any address of the site."""
    return _address(visit)


@desk.post("/digests/new/site", may=May.MAKE_DIGEST)
async def look_at_site(visit: Here) -> Response:
    """Look what can be collected there, and ask for the rest with all that could be guessed."""
    address = visit.form.text("address")[:2000]
    found = await outward(visit, lambda fetcher: site_offer.looked_at(address, fetcher))
    if not found.options:
        fault = find_sentence(found.fault or "no_feed", found.detail, visit.words)
        return await run_in_threadpool(_address, visit, address, fault)
    offer = site_offer.offer_of(found, visit.words, now=visit.now)
    return await run_in_threadpool(_asked, visit, offer)


@desk.post("/digests/new", may=May.MAKE_DIGEST)
async def make(visit: Here) -> Response:
    """Make it, read its site at once, and lead to its first edition."""
    offer = site_offer.unpacked(visit.form.raw("offer"), visit.token)
    try:
        wanted = _wanted(visit, offer)
        made = await visit.services.in_turn(_make, visit, wanted)
    except InputError as error:
        return await run_in_threadpool(_asked, visit, offer, visit.told(error))
    except FetchError as error:
        fault = find_sentence(error.code, error.detail, visit.words)
        return await run_in_threadpool(_asked, visit, offer, fault)
    done = await outward(visit, lambda fetcher: _read(visit, made, fetcher))
    if done.fault:
        said = N_("The digest is there, but its site could not be read now. It is tried again by itself.")
        return visit.go(f"/desk/digests/{made.digest_id}", visit.words.gettext(said), kind="note")
    if made.edition_id is None:
        return visit.go(f"/desk/digests/{made.digest_id}", visit.words.gettext(N_("The digest is there.")))
    said = N_("The digest is there, and this is its first edition. Nothing goes out before its time.")
    return visit.go(f"/desk/editions/{made.edition_id}", visit.words.gettext(said))


def _address(visit: Visit, address: str = "", fault: str = "") -> Response:
    status = 422 if fault else 200
    return visit.page("digest_new.html", status=status, address=address, fault=fault)


def _make(visit: Visit, wanted: Wanted) -> Made:
    with visit.database.write() as session:
        made = make_whole(session, wanted, actor=visit.actor, now=clock.utc_now())
        choose_digest(session, visit.me, made.digest_id)
        return made


def _read(visit: Visit, made: Made, fetcher: Fetcher) -> Collected:
    interval = dt.timedelta(seconds=visit.settings.collect_interval_seconds)
    return collect(visit.database, made.source_id, fetcher, interval=interval, now=clock.utc_now())


def _wanted(visit: Visit, offer: dict[str, Any]) -> Wanted:
    form = visit.form
    title = form.text("title")
    if not title:
        raise InputError(N_("A digest needs a title: it is what readers see."))
    layout = form.text("layout")
    if layout not in set(Layout):
        raise InputError(N_("There is no such choice."))
    settings: dict[str, Any] = {
        "title": title,
        "name": form.text("name"),
        "language": form.text("language"),
        "sender_name": form.text("sender_name") or title,
        "sender_address": form.text("sender_address"),
        "postal_address": form.raw("postal_address"),
        "featured": form.text("featured"),
        "home_url": offer["address"],
    }
    days = min(max(form.number("days", 1), 1), _MONTH)
    if days > _WEEK:  # of a site that says little, stories stay news for longer
        settings["recent_days"] = days
    return Wanted(
        settings=settings,
        source=site_offer.source_of(offer, form.number("option", 0)),
        backlog=dt.timedelta(days=days),
        schedule=rhythm_form.read_rhythm(form),
        zone=form.text("zone"),
        look={"layout": layout, "accent": form.text("accent") or ACCENT},
        has_weekly=form.is_ticked("weekly"),
        has_list=form.is_ticked("list") and allows(visit.me, May.RUN_LISTS),
    )


def _asked(visit: Visit, offer: dict[str, Any], fault: str = "") -> Response:
    """The page that asks for the rest, with what was typed or what could be guessed."""
    form = visit.form
    if fault:
        typed = {name: form.raw(name) for name in _TYPED} | rhythm_form.typed_again(form)
        typed |= {name: form.is_ticked(name) for name in _TICKS}
    else:
        typed = _guessed(visit, offer)
    words = visit.words
    sections = [
        (
            f"{_SECTION}{name}",
            words.gettext("the newest of “%(section)s” (%(count)s)", section=name, count=count),
        )
        for name, count in offer["sections"]
    ]
    return visit.page(
        "digest_new_more.html",
        status=422 if fault else 200,
        fault=fault,
        offer=offer,
        packed=site_offer.packed(offer, visit.token),
        typed=typed,
        option=typed["option"],
        there=(),
        featured=[
            *sections,
            (_NEWEST, words.gettext("the newest of all")),
            (_NONE, words.gettext("none: headlines alone")),
        ],
        languages=languages(typed["language"]),
        may_list=allows(visit.me, May.RUN_LISTS),
        **rhythm_choices(visit),
    )


def _guessed(visit: Visit, offer: dict[str, Any]) -> dict[str, Any]:
    """What the form begins with: of the site, and of the person's newest digest."""
    with visit.database.read() as session:
        last = session.scalars(
            sa.select(Digest)
            .where(Digest.id.in_(visible_digests(visit.me)))
            .order_by(Digest.id.desc())
            .limit(1)
        ).first()
        name = free_name(session, offer["name"] or "digest")
    return rhythm_form.usual() | {
        "option": "0",
        "featured": f"{_SECTION}{offer['commentary']}" if offer["commentary"] else _NEWEST,
        "days": str(offer["days"]),
        "title": offer["title"],
        "name": name,
        "language": offer["language"],
        "layout": Layout.PAPER.value,
        "accent": ACCENT,
        "zone": visit.zone,
        "sender_name": "",
        "sender_address": last.sender_address if last else "",
        "postal_address": last.postal_address if last else "",
        "weekly": False,
        "list": True,
    }
