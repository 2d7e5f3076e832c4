"""The Jinja2 environment: strict, sandboxed, escaping, and speaking one language.

The templates get finished data and a short list of filters. Nothing of Jinja2's own globals is there.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any, Final

import jinja2
from jinja2.bccache import Bucket
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

import digest
from digest import i18n
from digest.errors import ConfigError
from digest.rendering import plain_text
from digest.rendering.scripts import has_capitals, sides_of, slant_of, turned
from digest.rendering.words import cut_line, has_left_to_right, has_right_to_left, main_direction

_DAY = dt.timedelta(days=1)
_BRIEF = 90  # letters of a title in a line of contents
_SPACE_IN_PART = re.compile(r"(?<![,\u060c]) ")


def template_folders() -> tuple[Path, ...]:
    """Where the project's own templates lie: in the package if installed, else in the checkout.

    Raises ConfigError if they are in neither place.
    """
    package = Path(digest.__file__).resolve().parent
    places = (package / "_templates", package.parent.parent / "templates")
    found = tuple(place for place in places if (place / "email").is_dir())
    if not found:
        raise ConfigError("The templates are missing from this installation; install Digest once more.")
    return found[:1]


def environment(language: str, templates: Path | None = None) -> jinja2.Environment:
    """The environment for a language tag; a newsroom's own folder, if there is one, is searched first.

    A language that we do not speak gets English words. Raises ConfigError if the folder does not exist.
    """
    if templates is not None and not templates.is_dir():
        raise ConfigError(f"The folder of your own templates, {templates}, does not exist.")
    return _environment(i18n.translator(language), templates)


class _Compiled(jinja2.BytecodeCache):
    """What templates were compiled to, for all languages of this process: the desk's 79 take 0.9 s.

    Between the environments no filter may be applied while a template is compiled that knows its language
    (see `_late`), for the words would be those of whichever language came first.
    """

    def __init__(self) -> None:
        self._codes: dict[str, tuple[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        source, code = self._codes.get(bucket.key, ("", None))
        bucket.code = code if source == bucket.checksum else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._codes[bucket.key] = (bucket.checksum, bucket.code)


_COMPILED: Final = _Compiled()


@functools.lru_cache(maxsize=24)
def _environment(translator: i18n.Translator, templates: Path | None) -> jinja2.Environment:
    folders = ((templates,) if templates else ()) + template_folders()
    made = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
        autoescape=_escapes,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_COMPILED,
    )
    made.globals.clear()
    # The i18n extension adds these methods to the environment; its own types do not know of them.
    made.install_gettext_callables(translator.gettext, translator.ngettext, newstyle=False)  # type: ignore[attr-defined]
    made.globals.update(
        _=translator.gettext,
        language=translator.tag,
        direction=translator.direction,
        sides=sides_of(translator.direction),
        turned_sides=turned(sides_of(translator.direction)),
        slant=slant_of(translator.tag),
        rule=plain_text.rule,
        told=functools.partial(told, translator.direction),
    )
    made.filters.update(
        moment=_late(translator.moment),
        date=_late(translator.date),
        number=_late(translator.number),
        ago=_late(functools.partial(ago, translator)),
        run=_late(functools.partial(run, way=translator.direction)),
        caps=caps,
        begun=begun,
        held=held,
        brief=functools.partial(cut_line, limit=_BRIEF),
        wrap=plain_text.wrap,
        underline=plain_text.underline,
    )
    return made


def _late(filter_: Callable[..., str]) -> Callable[..., str]:
    """A filter that is not applied to literals while a template is compiled: all languages share that."""

    @jinja2.pass_context
    def filtered(_context: object, *values: Any, **named: Any) -> str:
        return filter_(*values, **named)

    return filtered


def story_time(
    translator: i18n.Translator,
    published_at: dt.datetime,
    *,
    edition_at: dt.datetime,
    zone: str,
    relative: bool,
) -> str:
    """A story's time as its readers write it; a weekday says enough for six days, then the date is needed."""
    age = edition_at - published_at
    if relative and age < 7 * _DAY:
        return ago(translator, published_at, edition_at)
    if -_DAY < age < 6 * _DAY:
        return translator.moment(published_at, zone)
    return translator.date(published_at, zone)


def ago(translator: i18n.Translator, moment: dt.datetime, now: dt.datetime) -> str:
    """Relative time that never speaks of the future: a clock that is ahead makes a story `just now`."""
    if now - moment < dt.timedelta(minutes=1):
        return translator.gettext("just now")
    return translator.ago(moment, now)


def run(text: str, way: str = "ltr") -> Markup:
    """A run of foreign words, escaped; kept apart by `<bdi>` if any of it runs against the page's way.

    By itself a `<bdi>` runs as its first letter does; it is told how most of them do.
    """
    is_turned = has_left_to_right(text) if way == "rtl" else has_right_to_left(text)
    if not is_turned:
        return escape(text)
    return Markup('<bdi dir="{}">{}</bdi>').format(main_direction(text, way), text)


def told(way: str, text: str, /, **values: str) -> Markup:
    """A sentence of ours with its places filled: each value is kept apart, the sentence keeps its own way."""
    return escape(text) % {name: run(value, way) for name, value in values.items()}


def caps(text: str) -> str:
    """The class for words that English sets in capitals; none where letters would suffer."""
    return "caps" if has_capitals(text) else ""


def begun(text: str) -> str:
    """Words that stand by themselves: with a capital, which weekdays lack in French and Armenian."""
    return text[:1].upper() + text[1:]


def held(text: str) -> str:
    """A time or date that breaks at its commas alone, so that no "Angeles" is left for a line of its own."""
    return _SPACE_IN_PART.sub("\u00a0", text)


def _escapes(name: str | None) -> bool:
    return name is None or not name.endswith(".txt")
