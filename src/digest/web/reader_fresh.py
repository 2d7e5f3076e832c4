"""What fresh links open: my data, erasing, another address. GET asks; POST acts, once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from digest import clock
from digest.addresses import masked
from digest.errors import InputError, NotFoundError
from digest.i18n import translator
from digest.lists.change_address import Moved, ask_new_address, change_address, foresee
from digest.lists.erase import erase_subscriber
from digest.lists.fresh_links import Fresh, FreshKind, is_erased, open_fresh_link, use_up
from digest.lists.my_data import my_data
from digest.lists.status import Origin
from digest.models import FreshLink, MailingList, Subscriber
from digest.rendering.reader_pages import (
    AddressAskedPage,
    AddressPage,
    DataPage,
    ErasedPage,
    ErasePage,
    NewAddressPage,
    ReadersPage,
    UsedPage,
)
from digest.tokens import Signer, TokenError
from digest.web.answers import link_not_valid
from digest.web.deps import Services, Shared
from digest.web.forms import read_form
from digest.web.reader_answers import (
    reader_answer,
    see_other,
    see_page,
    stationery_of,
    title_and_language,
)

router = APIRouter()

Form = Annotated[Mapping[str, str], Depends(read_form)]
_GONE: Final = 410
_BAD: Final = 422


@router.api_route("/f/{kind}/{token}", methods=["GET", "HEAD"])
def show_fresh(kind: str, token: str, request: Request, services: Shared) -> HTMLResponse:
    """Ask. A mail scanner opens this address before its reader does: it changes nothing."""
    known = _KINDS.get(kind)
    if known is None:
        return link_not_valid(request, services)
    try:
        with services.database.read() as session:
            page, language, status = _shown(session, services, known, token)
    except TokenError:
        return link_not_valid(request, services)
    return reader_answer(page, language, services, status=status)


@router.post("/f/{kind}/{token}")
async def act_fresh(kind: str, token: str, request: Request, services: Shared, form: Form) -> Response:
    """Do what the link is for; the second press finds it used."""
    known = _KINDS.get(kind)
    if known is None:
        return link_not_valid(request, services)
    try:
        return await services.in_turn(_acted, services, known, token, form)
    except TokenError:
        return link_not_valid(request, services)


_KINDS: Final = {kind.value: kind for kind in FreshKind}


def _shown(session: Session, services: Services, kind: FreshKind, token: str) -> tuple[ReadersPage, str, int]:
    """The page that asks, its language and its status."""
    signer = services.keys.signer
    title, language = title_and_language(session, signer.check(token, kind.purpose).list_id)
    fresh = open_fresh_link(session, signer, token, kind, now=clock.utc_now())
    if fresh is None:
        return _used(session, signer, kind, token, title), language, _GONE
    url = f"/f/{kind.value}/{token}"
    if kind is FreshKind.DATA:
        return DataPage(title, url), language, 200
    if kind is FreshKind.ERASE:
        return ErasePage(title, url, _erase_word(language)), language, 200
    if kind is FreshKind.ADDRESS:
        person = session.get_one(Subscriber, fresh.link.subscriber_id)
        return AddressPage(title, masked(person.address or ""), url), language, 200
    foreseen = foresee(session, fresh, address_key=services.keys.address_key)
    if foreseen is not Moved.DONE:
        return _not_moved(session, foreseen, fresh, title), language, 200
    return NewAddressPage(title, masked(str(fresh.link.details["address"])), url), language, 200


def _used(session: Session, signer: Signer, kind: FreshKind, token: str, title: str) -> ReadersPage:
    """What a link that has ended says: the one that erases, that it did."""
    if kind is FreshKind.ERASE:
        link = session.get(FreshLink, signer.check(token, kind.purpose).subscriber_id)
        if link is not None and is_erased(session, link):
            return ErasedPage(title)
    return UsedPage(title)


def _not_moved(session: Session, moved: Moved, fresh: Fresh, title: str) -> NewAddressPage:
    mailing_list = session.get(MailingList, fresh.list_id)
    is_open = mailing_list is not None and mailing_list.is_open
    sign_up_url = f"/s/{mailing_list.name}" if mailing_list is not None and is_open else ""
    return NewAddressPage(title, "", "", moved.value, sign_up_url)


def _acted(services: Services, kind: FreshKind, token: str, form: Mapping[str, str]) -> Response:
    """Act in one transaction that holds the rows of the person and of the link."""
    signer, now = services.keys.signer, clock.utc_now()
    # The file takes long for somebody of whom there is much. On SQLite nobody else could write meanwhile.
    content = _file_of(services, token, now=now) if kind is FreshKind.DATA else b""
    with services.database.write() as session:
        list_id = signer.check(token, kind.purpose).list_id
        title, language = title_and_language(session, list_id)
        fresh = open_fresh_link(session, signer, token, kind, now=now, to_act=True)
        if fresh is None:
            page = _used(session, signer, kind, token, title)
            return reader_answer(page, language, services, status=_GONE)
        act = _Act(session, services, fresh, form, f"/f/{kind.value}/{token}", title, language, now, content)
        return _ACTS[kind](act)


def _file_of(services: Services, token: str, *, now: dt.datetime) -> bytes:
    """The person's data, if the link works; whether it still does is looked at again when it is used up."""
    with services.database.read() as session:
        fresh = open_fresh_link(session, services.keys.signer, token, FreshKind.DATA, now=now)
        try:
            return b"" if fresh is None else my_data(session, fresh.link.subscriber_id, now=now)
        except NotFoundError:
            return b""  # erased this moment: the link does not work any more either


@dataclass(frozen=True, slots=True)
class _Act:
    """A press on the page of a fresh link that works."""

    session: Session
    services: Services
    fresh: Fresh
    form: Mapping[str, str]
    url: str
    title: str
    language: str
    now: dt.datetime
    content: bytes = b""

    def answer(self, page: ReadersPage, status: int = 200) -> HTMLResponse:
        return reader_answer(page, self.language, self.services, status=status)


def _data(act: _Act) -> Response:
    use_up(act.session, act.fresh.link, now=act.now)
    name = f"my-data-{act.now:%Y-%m-%d}.json"
    head = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(act.content, media_type="application/json", headers=head)


def _erase(act: _Act) -> Response:
    """Erase, if the word was typed; then no link that was mailed to the person works any more."""
    word = _erase_word(act.language)
    if act.form.get("word", "")[:40].strip(" .,\"'«»").casefold() != word.casefold():
        return act.answer(ErasePage(act.title, act.url, word, is_wrong=True), _BAD)
    person = act.session.get_one(Subscriber, act.fresh.link.subscriber_id)
    use_up(act.session, act.fresh.link, now=act.now)
    erase_subscriber(act.session, person, source=Origin.PREFERENCES, now=act.now)
    return act.answer(ErasedPage(act.title))


def _address(act: _Act) -> Response:
    """The same answer for every address that is one, whoever has it."""
    text = act.form.get("address", "")[:300]
    stationery = stationery_of(act.services)
    try:
        ask_new_address(act.session, act.fresh, text, stationery, now=act.now)
    except InputError:
        person = act.session.get_one(Subscriber, act.fresh.link.subscriber_id)
        page = AddressPage(act.title, masked(person.address or ""), act.url, is_wrong=True)
        return act.answer(page, _BAD)
    return act.answer(AddressAskedPage(act.title))


def _new_address(act: _Act) -> Response:
    """Done, it leads to the person's page: they have proven both addresses."""
    moved = change_address(act.session, act.fresh, stationery_of(act.services), now=act.now)
    if moved is not Moved.DONE:
        return act.answer(_not_moved(act.session, moved, act.fresh, act.title))
    signer, person_id = act.services.keys.signer, act.fresh.link.subscriber_id
    return see_other(see_page(signer, act.fresh.list_id, person_id, "moved"))


_ACTS: Final[Mapping[FreshKind, Callable[[_Act], Response]]] = {
    FreshKind.DATA: _data,
    FreshKind.ERASE: _erase,
    FreshKind.ADDRESS: _address,
    FreshKind.NEW_ADDRESS: _new_address,
}


def _erase_word(language: str) -> str:
    # TRANSLATORS: the word that somebody types who wants everything about them erased; small letters.
    return translator(language).gettext("erase")
