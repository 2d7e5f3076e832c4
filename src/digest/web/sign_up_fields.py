"""What came in by a sign-up form or as JSON, checked: each fault is one sentence for whoever typed it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request

from digest.addresses import Address, parse_address
from digest.errors import InputError
from digest.i18n import translator
from digest.lists.fields import check_language, clean_line
from digest.lists.form import MOST_LISTS, FormList
from digest.lists.sign_up import ListWish, Wish
from digest.lists.topics import MOST as MOST_TOPICS
from digest.rendering.sign_up import Choice, SignUpList
from digest.web.forms import read_body, read_pairs, writable

# Our own form for the most lists, of digests with the most topics, each ticked, all with the longest names.
_FIELDS_MOST: Final = 20 + MOST_LISTS * (MOST_TOPICS + 2)
BODY_LIMIT: Final = 98_304  # bytes
_JSON: Final = "application/json"


class FaultError(InputError):
    """What must be mended, in the words of the form's language."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields as they came: each name with all its values, in their order."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_json: bool = False

    def one(self, name: str) -> str:
        """The first value, or ""."""
        return next(iter(self.values.get(name, ())), "")

    def all(self, name: str) -> Sequence[str]:
        return self.values.get(name, ())

    @property
    def is_trapped(self) -> bool:
        """Whether the field that no person sees was filled in."""
        return bool(self.one("website").strip())


def is_json(request: Request) -> bool:
    """Whether the body says that it is JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _JSON


async def read_fields(request: Request) -> Fields:
    """Read a form or a JSON object; empty for what is neither.

    In JSON a value is a text, or a list of texts for `list` and `topic`. Raises HTTPException: 413 for more
    than fits our largest form, 400 for more fields or a form that is broken, 408 for one that does not come.
    """
    body = await read_body(request, limit=BODY_LIMIT)
    if not is_json(request):
        values: dict[str, list[str]] = {}
        for name, value in await read_pairs(request, body, most=_FIELDS_MOST):
            values.setdefault(name, []).append(value)
        return Fields(values)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Fields(is_json=True)
    return Fields({name: _texts(value) for name, value in found.items()}, is_json=True)


def make_wish(
    fields: Fields, lists: Sequence[FormList], *, is_several: bool, speaks: str, network: str, actor: str
) -> Wish:
    """What is asked for by a form that `speaks` a language. Raises FaultError with the sentence to show."""
    words = translator(speaks)
    try:
        address = _address(fields.one("address"))
    except InputError:
        raise FaultError(
            words.gettext("This is not a mail address. It is written like this: name@example.org.")
        ) from None
    try:
        name = clean_line(fields.one("name"), what="name")
        language = check_language(fields.one("language"))
    except InputError:
        raise FaultError(
            words.gettext("The name is too long, or has signs in it that no name has.")
        ) from None
    chosen = _chosen(fields, lists, is_several=is_several)
    if not chosen:
        raise FaultError(words.gettext("Tick at least one, please."))
    try:
        wishes = tuple(_wish_for(fields, each, is_several=is_several, speaks=speaks) for each in chosen)
    except KeyError:
        raise FaultError(
            words.gettext("Something that was chosen is not there any more. Please choose once more.")
        ) from None
    return Wish(address, wishes, name=name, language=language, network=network, actor=actor)


def shown(
    fields: Fields, lists: Sequence[FormList], *, is_several: bool, now: dt.datetime
) -> tuple[SignUpList, ...]:
    """The lists as the form shows them, with what was chosen if it comes back."""
    is_new = not fields.values
    chosen = lists if is_new else _chosen(fields, lists, is_several=is_several)
    return tuple(
        _shown(fields, each, _suffix(each, is_several=is_several), is_chosen=each in chosen, now=now)
        for each in lists
    )


def _shown(fields: Fields, each: FormList, suffix: str, *, is_chosen: bool, now: dt.datetime) -> SignUpList:
    rhythms = each.rhythms(now)
    cadence = fields.one(f"cadence{suffix}")
    picked = cadence if cadence in rhythms else next((one.name for one in each.cadences), "")
    topics = set(fields.all(f"topic{suffix}"))
    return SignUpList(
        name=each.name,
        title=each.title,
        consent=each.consent,
        suffix=suffix,
        is_chosen=is_chosen,
        cadences=tuple(Choice(name, words, name == picked) for name, words in rhythms.items()),
        topics=tuple(Choice(name, title, name in topics) for name, title in each.topics),
    )


def _address(text: str) -> Address:
    if len(text) > 1000:
        raise InputError("This is too long for a mail address.")
    return parse_address(text)


def _suffix(each: FormList, *, is_several: bool) -> str:
    return f"-{each.name}" if is_several else ""


def _chosen(fields: Fields, lists: Sequence[FormList], *, is_several: bool) -> list[FormList]:
    """Of one list none needs to be ticked; of several those that are."""
    if not is_several:
        return list(lists)
    ticked = set(fields.all("list"))
    return [each for each in lists if each.name in ticked]


def _wish_for(fields: Fields, each: FormList, *, is_several: bool, speaks: str) -> ListWish:
    """Raises KeyError for a cadence or topic that the digest does not have."""
    suffix = _suffix(each, is_several=is_several)
    cadence = fields.one(f"cadence{suffix}").strip()
    ids = {one.name: one.id for one in each.cadences}
    titles = dict(each.topics)
    topics = tuple(dict.fromkeys(fields.all(f"topic{suffix}")))
    for topic in topics:
        titles[topic]
    # Where there is nothing to choose, an old form may still name what there was.
    chosen = ids[cadence] if cadence and ids else next(iter(ids.values()), each.only_cadence_id)
    return ListWish(
        list_id=each.id,
        consent=each.consent_among_several(speaks) if is_several else each.consent,
        cadence_id=chosen,
        topics=() if len(topics) == len(titles) else topics,
    )


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [writable(each) for each in values[:_FIELDS_MOST] if isinstance(each, str)]
