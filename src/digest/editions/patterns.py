"""Patterns for subject and preheader: plain words and a few tokens, filled for each edition. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from digest.errors import InputError, Word
from digest.i18n import N_
from digest.lists.fields import clean_line

TOKENS: Final = ("featured.title", "digest.title", "date", "count")
LONGEST: Final = 150
_TOKEN: Final = re.compile(r"\{([^{}]*)\}")


def check_pattern(text: str, *, what: str) -> str:
    """A pattern on one line; raises InputError for an unknown token, a lone brace or too many words."""
    line = clean_line(text, what=what, limit=LONGEST)
    for name in _TOKEN.findall(line):
        if name not in TOKENS:
            known = ", ".join(f"{{{token}}}" for token in TOKENS)
            raise InputError(
                N_("There is no {%(name)s} for a %(what)s; there are: %(known)s."),
                name=name[:40],
                what=Word(what),
                known=known,
            )
    if re.search("[{}]", _TOKEN.sub("", line)):
        raise InputError(
            N_("The %(what)s has a brace that is no token; write one like {featured.title}."), what=Word(what)
        )
    return line


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """The pattern with its tokens filled; "" if it asks for something that this edition has not."""
    missing = [name for name in _TOKEN.findall(pattern) if not values.get(name)]
    return "" if missing else _TOKEN.sub(lambda found: values[found[1]], pattern)
