"""Templates of the desk, with what all of them know: who is there, the menu, the macros `ui`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import jinja2
from markupsafe import Markup

from digest.editions.reasons import STATES
from digest.models import Scheme
from digest.rendering.environment import environment
from digest.web.desk import cookies, files
from digest.web.desk.menu import groups_for
from digest.web.desk.visit import Visit, other_languages

_FOLDER: Final = "web/desk/"
_NEAR: Final = dt.timedelta(days=6)


def rendered(
    visit: Visit,
    template: str,
    values: Mapping[str, Any],
    *,
    part: str = "",
    said: cookies.Said = (),
    status: int = 200,
    done: str = "",
) -> str:
    """A page as HTML that can be encoded in UTF-8, or one block of it.

    Templates see `desk` (who is there and where), `ui` (the macros of `_ui.html`), `zone`, `now`, `asset` and
    the values that the page gave.
    """
    env = environment(visit.language, visit.settings.templates)
    zone = visit.zone
    shared: dict[str, Any] = {
        "desk": _facts(visit, said) | {"done": done, "answer": status if visit.is_answer else ""},
        "zone": zone,
        "now": visit.now,
        "asset": files.url_of,
        "at": lambda moment: told_moment(visit, moment, zone),
        "url": visit.url,
    }
    shared["ui"] = env.get_template(f"{_FOLDER}_ui.html").make_module(shared)
    page = env.get_template(f"{_FOLDER}{template}")
    context = {**shared, **values}
    html = _part(env, page, part, context, said) if part else page.render(context)
    return html.encode("utf-8", "replace").decode("utf-8")


def _part(
    env: jinja2.Environment, page: jinja2.Template, part: str, context: dict[str, Any], said: cookies.Said
) -> str:
    """One block; what is to be said besides goes to its place on the page by itself."""
    made = page.new_context(context)
    for _ in page.root_render_func(made):  # what the template sets and imports before its blocks
        break
    html = "".join(page.blocks[part](made))
    if said:
        html += env.get_template(f"{_FOLDER}_said.html").render(context)
    return html


def told_moment(visit: Visit, moment: dt.datetime, zone: str) -> str:
    """A moment in the person's zone: by its weekday while that says enough, else by its date."""
    words = visit.words
    if abs(moment - visit.now) < _NEAR:
        return words.moment(moment, zone)
    return f"{words.date(moment, zone)}, {words.clock(moment, zone)}"


def _facts(visit: Visit, said: cookies.Said) -> dict[str, Any]:
    me = visit.me_or_none
    return {
        "me": me,
        "brand": "Digest",
        "path": visit.request.url.path,
        "form_token": cookies.form_token(visit.present_token),
        "token_field": Markup('<input type="hidden" name="form_token" value="{}">').format(
            cookies.form_token(visit.present_token)
        ),
        "said": said,
        "scheme": (me.scheme if me else Scheme.AUTO).value,
        "menu": groups_for(me, visit.request.url.path) if me else (),
        "languages": other_languages(),
        "edition_states": {state.value: visit.words.gettext(text) for state, text in STATES.items()},
    }
