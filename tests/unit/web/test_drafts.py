"""What is typed at the desk and kept in the browser: which fields, over all templates and no list of them."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass

import pytest

from digest.rendering.environment import template_folders
from digest.web.desk import files

_DESK = template_folders()[0] / "web" / "desk"
_SOURCES = {path.name: path.read_text(encoding="utf-8") for path in sorted(_DESK.glob("*.html"))}

# A form's beginning and end: the tag itself, or one of the macros that make it.
_BEGINS = re.compile(
    r"<form\b(?P<tag>[^>]*)>|\{%-? call ui\.(?P<macro>form|danger)\((?P<given>.*?)\) -?%\}", re.DOTALL
)
_ENDS = re.compile(r"</form>|\{%-? endcall")
_AREA = re.compile(r"<textarea\b(?P<tag>[^>]*)>|ui\.area\((?P<given>.*?)\)", re.DOTALL)
_LONG = 200  # letters, from which on it would hurt to type a line again
_LINE = re.compile(
    r"<input\b(?P<tag>[^>]*)>|ui\.field\((?P<given>(?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)", re.DOTALL
)
_MOST = re.compile(r"""maxlength="(\d+)\"""")
# Written once for all: the macros themselves.
_MACROS = "_ui.html"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that takes text of some length, and the form around it; none where there is no form."""

    template: str
    source: str
    form: str | None

    @property
    def fault(self) -> str:
        """Why what is typed there would be lost; empty where it is kept."""
        if self.form is None:
            return "no form around it"
        if "<form" in self.form and 'method="post"' not in self.form:
            return "a form that is not sent"
        if 'data-drafts="none"' in self.source and "ui.danger" not in self.form:
            return "never kept, and not typed to be sure"
        if re.search(
            r"""autocomplete\s*=\s*["'](?:one-time-code|current-password|new-password)""", self.source
        ):
            return "marked as a secret"
        if "<" in self.source and " name=" not in self.source:
            return "has no name"
        return ""


def long_fields(template: str, source: str) -> list[Field]:
    """The fields of a template into which somebody writes at length."""
    found = []
    for seen in (*_AREA.finditer(source), *_LINE.finditer(source)):
        is_line = seen.re is _LINE
        if is_line and not _is_long(seen[0]):
            continue
        if "readonly" not in seen[0]:
            found.append(Field(template, seen[0], _around(source, seen.start())))
    return found


def _is_long(line: str) -> bool:
    most = _MOST.search(line)
    kind = re.search(r"""type\s*=\s*"([^"]*)\"""", line)
    return bool(most and int(most[1]) >= _LONG) and (kind is None or kind[1] in {"text", "url", "email"})


def _around(source: str, at: int) -> str | None:
    """The beginning of the form in which a place is; of a part that others include, none is seen."""
    form = None
    for begun in _BEGINS.finditer(source, 0, at):
        form = None if _ENDS.search(_without_notes(source[begun.end() : at])) else begun[0]
    return form


def _without_notes(text: str) -> str:
    """A stretch without the calls that begin and end within it."""
    while (
        inner := re.sub(r"\{%-? call (?:(?!\{%-? call ).)*?\{%-? endcall -?%\}", "", text, flags=re.DOTALL)
    ) != text:
        text = inner
    return text


def _with_includes(name: str, source: str) -> str:
    """A template with the parts that it includes in their places."""
    return re.sub(
        r"""\{% include "web/desk/(\w+\.html)" %\}""",
        lambda found: _with_includes(found[1], _SOURCES[found[1]]),
        source,
    )


_PAGES = {
    name: _with_includes(name, source)
    for name, source in _SOURCES.items()
    if '{% extends "web/desk/_base' in source
}
_PARTS = {name: source for name, source in _SOURCES.items() if "{% macro" in source and name != _MACROS}


def test_whatever_is_written_at_length_is_kept() -> None:
    """Each field for long text stands in a form that is sent, keeps its text, and knows the field's name."""
    fields = [each for name, source in (_PAGES | _PARTS).items() for each in long_fields(name, source)]
    assert len(fields) > 40
    assert [(each.template, each.source, each.fault) for each in fields if each.fault] == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ('<form method="get"><textarea name="a"></textarea></form>', "a form that is not sent"),
        (
            '{% call ui.form("/x") %}<textarea name="a" data-drafts="none"></textarea>{% endcall %}',
            "never kept, and not typed to be sure",
        ),
        ('<form method="post"></form><textarea name="a"></textarea>', "no form around it"),
        ('{% call ui.form("/x") %}<textarea id="a"></textarea>{% endcall %}', "has no name"),
        (
            '{% call ui.form("") %}<input name="a" maxlength="200" autocomplete="new-password">{% endcall %}',
            "marked as a secret",
        ),
        (
            '{% call ui.form("") %}{% call ui.note() %}b{% endcall %}{{ ui.area("a", "A") }}{% endcall %}',
            "",
        ),
    ],
)
def test_a_field_whose_text_would_be_lost_is_found(source: str, fault: str) -> None:
    """By what stands around it, with other calls in between."""
    assert [each.fault for each in long_fields("x.html", source)] == [fault]


def test_every_page_of_the_desk_keeps_what_is_typed() -> None:
    """The script stands in the frame of all; it never reads a password, a code, a file or what is hidden."""
    assert 'asset("desk/drafts.js")' in _SOURCES["_base.html"]
    found = files.find("desk/drafts.js")
    assert found is not None
    script = gzip.decompress(found.compressed).decode()
    types, secret = (re.search(rf"{name} = \[(.*?)\]", script) for name in ("TYPES", "SECRET"))
    assert types is not None
    assert secret is not None
    assert set(re.findall(r'"(.*?)"', types[1])) == {"text", "textarea", "email", "url", "tel", "search"}
    assert set(re.findall(r'"(.*?)"', secret[1])) == {"one-time-code", "current-password", "new-password"}


def test_every_code_and_password_says_what_it_is() -> None:
    """By its type or by `autocomplete`, which is what the script goes by."""
    secret = re.compile(
        r'<input\b[^>]*name="(?:code|current|password|again|token)"[^>]*>'
        r'|ui\.field\("(?:code|password)".*?\) \}\}'
    )
    found = [line[0] for source in _SOURCES.values() for line in secret.finditer(source)]
    assert len(found) > 5
    assert [line for line in found if not re.search(r'type="(?:password|hidden)"|one-time-code', line)] == []
