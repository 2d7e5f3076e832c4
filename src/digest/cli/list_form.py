"""The plain form of `digest list form`."""

from __future__ import annotations

from collections.abc import Sequence

from digest import clock
from digest.cli import common
from digest.errors import StateError
from digest.lists import queries
from digest.lists.form import open_lists
from digest.lists.form_code import MadeForm, form_code


def made_form(names: Sequence[str]) -> MadeForm:
    """One form for these lists. Raises NotFoundError for an unknown list, StateError for a closed one."""
    settings = common.settings()
    with common.read() as session:
        for name in names:
            if not queries.list_named(session, name).is_open:
                raise StateError(f"The list {name} is closed; open it with `digest list set {name} --open`.")
        lists = open_lists(session, names)
    return form_code(lists, public_url=settings.public_url, templates=settings.templates, now=clock.utc_now())
