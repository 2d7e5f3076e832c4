"""The plain form of `digest list form`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from digest import clock
from digest.cli import common
from digest.errors import StateError
from digest.lists import queries
from digest.lists.form import FormList, open_lists
from digest.rendering.sign_up import Choice, SignUpList, SignUpPage, plain_form


@dataclass(frozen=True, slots=True)
class MadeForm:
    """The form, and where it posts to."""

    html: str
    action_url: str


def made_form(names: Sequence[str]) -> MadeForm:
    """One form for these lists. Raises NotFoundError for an unknown list, StateError for a closed one."""
    settings = common.settings()
    with common.read() as session:
        for name in names:
            if not queries.list_named(session, name).is_open:
                raise StateError(f"The list {name} is closed; open it with `digest list set {name} --open`.")
        lists = open_lists(session, names)
    query = urlencode([("list", each.name) for each in lists])
    is_several = len(lists) > 1
    url = f"{settings.public_url}/s" + (f"?{query}" if is_several else f"/{lists[0].name}")
    page = SignUpPage(
        paper=lists[0].paper,
        action_url=url,
        lists=tuple(_shown(each, is_several=is_several) for each in lists),
        language=lists[0].language,
        is_several=is_several,
    )
    html = plain_form(page, lists[0].language, templates=settings.templates)
    return MadeForm(html.strip(), url)


def _shown(each: FormList, *, is_several: bool) -> SignUpList:
    return SignUpList(
        name=each.name,
        title=each.title,
        consent=each.consent,
        suffix=f"-{each.name}" if is_several else "",
        cadences=tuple(
            Choice(name, words, is_chosen=name == each.cadences[0].name)
            for name, words in each.rhythms(clock.utc_now()).items()
        ),
        topics=tuple(Choice(name, title) for name, title in each.topics),
    )
