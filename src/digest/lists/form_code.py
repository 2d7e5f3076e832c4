"""The plain form of a list, to be copied into a paper's own site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from digest.lists.form import FormList
from digest.rendering.sign_up import Choice, SignUpList, SignUpPage, plain_form


@dataclass(frozen=True, slots=True)
class MadeForm:
    """The form, and where it posts to."""

    html: str
    action_url: str


def form_code(
    lists: Sequence[FormList], *, public_url: str, templates: Path | None, now: dt.datetime
) -> MadeForm:
    """One form for these lists, which are open; there is at least one."""
    query = urlencode([("list", each.name) for each in lists])
    is_several = len(lists) > 1
    url = f"{public_url}/s" + (f"?{query}" if is_several else f"/{lists[0].name}")
    page = SignUpPage(
        paper=lists[0].paper,
        action_url=url,
        lists=tuple(_shown(each, now, is_several=is_several) for each in lists),
        language=lists[0].language,
        is_several=is_several,
    )
    html = plain_form(page, lists[0].language, templates=templates)
    return MadeForm(html.strip(), url)


def _shown(each: FormList, now: dt.datetime, *, is_several: bool) -> SignUpList:
    return SignUpList(
        name=each.name,
        title=each.title,
        consent=each.consent,
        suffix=f"-{each.name}" if is_several else "",
        cadences=tuple(
            Choice(name, words, is_chosen=name == each.cadences[0].name)
            for name, words in each.rhythms(now).items()
        ),
        topics=tuple(Choice(name, title) for name, title in each.topics),
    )
