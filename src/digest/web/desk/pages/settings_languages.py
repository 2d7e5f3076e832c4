"""The languages that readers are spoken to in, and the words of each that are in force."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.accounts.rights import May
from digest.errors import ConfigError
from digest.i18n import DRAFTS, LANGUAGES, READER_LANGUAGES, check_words, direction, matched
from digest.i18n.readers import ReaderWords, as_file, words_in_force
from digest.models import Digest
from digest.web.desk.pages.digest_settings import LANGUAGE_NAMES
from digest.web.desk.table import desk
from digest.web.desk.visit import HEADERS, Here, Visit

_PAGE: Final = 40


@dataclass(frozen=True, slots=True)
class ShownLanguage:
    """A language: for whom it is, how many of its words are the newsroom's, and what is wrong with those."""

    tag: str
    name: str
    is_for_editors: bool
    is_draft: bool
    own: int
    digests: list[tuple[int, str]]
    fault: str


@desk.get("/settings/languages", may=May.RUN_SETTINGS)
def show_languages(visit: Here) -> Response:
    """Each language, which digests speak it, and where its words come from."""
    with visit.database.read() as session:
        speaking, strange = _speaking(session)
    return visit.page(
        "settings_languages.html",
        languages=[_shown(visit, tag, speaking[tag]) for tag in READER_LANGUAGES],
        strange=strange,
        folder=str(visit.settings.templates or ""),
    )


@desk.get("/settings/languages/{tag}", may=May.RUN_SETTINGS)
def show_words(visit: Here, tag: str) -> Response:
    """The words of one language that are in force, forty at a time; those that hold what is searched for."""
    if tag not in READER_LANGUAGES:
        raise HTTPException(404)
    query = visit.request.query_params
    wanted, after = query.get("q", "")[:100].strip(), query.get("after", "")
    fault = _fault(visit, tag)
    found = [] if fault else [each for each in words_in_force(tag) if _holds(each, wanted)]
    own = [each for each in found if each.is_own]
    if query.get("own"):
        found = own
    rest = [each for each in found if each.english > after] if after else found
    return visit.page(
        "settings_words.html",
        part="rows",
        tag=tag,
        name=LANGUAGE_NAMES[tag],
        way=direction(tag),
        is_draft=tag in DRAFTS,
        words=rest[:_PAGE],
        count=len(found),
        own=len(own),
        only_own=bool(query.get("own")),
        wanted=wanted,
        fault=fault,
        folder=str(visit.settings.templates or ""),
        next_url=visit.url(after=rest[_PAGE - 1].english) if len(rest) > _PAGE else "",
        first_url=visit.url(after=None) if after else "",
    )


@desk.get("/settings/languages/{tag}/file", may=May.RUN_SETTINGS)
def take_words(visit: Here, tag: str) -> Response:
    """The file in which a newsroom writes its own words."""
    if tag not in READER_LANGUAGES:
        raise HTTPException(404)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{tag}.po"'}
    try:
        text = as_file(tag)
    except ConfigError as error:
        return visit.fault(409, visit.told(error))
    return Response(text, media_type="text/x-gettext-translation; charset=utf-8", headers=headers)


def _speaking(session: Session) -> tuple[dict[str, list[tuple[int, str]]], list[tuple[str, str]]]:
    """The digests of each language of ours, and those in a language that we do not speak."""
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    strange = []
    query = sa.select(Digest.id, Digest.title, Digest.language).order_by(Digest.title, Digest.id)
    for number, title, language in session.execute(query):
        known = matched(language)
        if known is None:
            strange.append((title, language))
        else:
            found[known].append((number, title))
    return found, strange


def _shown(visit: Visit, tag: str, digests: list[tuple[int, str]]) -> ShownLanguage:
    fault = _fault(visit, tag)
    own = 0 if fault else sum(each.is_own for each in words_in_force(tag))
    return ShownLanguage(tag, LANGUAGE_NAMES[tag], tag in LANGUAGES, tag in DRAFTS, own, digests, fault)


def _fault(visit: Visit, tag: str) -> str:
    """What is wrong with the newsroom's file of a language, as `digest doctor` says it."""
    try:
        check_words(tag)
    except ConfigError as error:
        return visit.told(error)
    return ""


def _holds(words: ReaderWords, wanted: str) -> bool:
    text = wanted.casefold()
    return not text or any(text in part.casefold() for part in (words.english, words.now, words.use))
