"""What makes an edition's mail a copy for the staff: a mark in its subject, a line on its top."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from digest.i18n import Translator, for_editors, translator
from digest.rendering.environment import environment
from digest.rendering.words import cleaned

# Findings that are told on top of a copy: it is to be read before the stop, and the mail after it.
_MOST_TOLD = 5
_BODY = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Line:
    line: str
    aside: str
    stop_url: str
    checks: tuple[str, ...] = ()  # what the checks before sending say
    more: str = ""  # how many findings are left out


def marked_as_test(subject: str, language: str) -> str:
    """The subject of a test mail."""
    return translator(for_editors(language)).gettext("[Test] %(subject)s", subject=subject)


def marked_as_first_copy(subject: str, language: str) -> str:
    """The subject of a first copy."""
    return translator(for_editors(language)).gettext("[First copy] %(subject)s", subject=subject)


def as_first_copy(
    html: str,
    text: str,
    *,
    language: str,
    goes_out_at: dt.datetime | None,
    zone: str,
    stop_url: str,
    checks: Sequence[str] = (),
    templates: Path | None = None,
) -> tuple[str, str]:
    """Both parts with the line on top, in editors' words; `goes_out_at` is None once it is handed over.

    `checks` are what the checks say of it, in the same language: the first few stand before the stop link.
    """
    language = for_editors(language)
    words = translator(language)
    told, left = tuple(checks[:_MOST_TOLD]), len(checks) - _MOST_TOLD
    more = words.gettext("Further findings: %(count)s.", count=words.number(left)) if left > 0 else ""
    copy = cleaned(_Line(_when(words, goes_out_at, zone), _aside(words), stop_url, told, more))
    env = environment(language, templates)
    line = env.get_template("email/_base/first_copy.html").render({"copy": copy})
    found = _BODY.search(html)
    at = found.end() if found else 0
    top = env.get_template("email/_base/first_copy.txt").render({"copy": copy})
    return html[:at] + "\n" + line.strip() + html[at:], top.strip("\n") + "\n\n" + text


def _when(words: Translator, goes_out_at: dt.datetime | None, zone: str) -> str:
    if goes_out_at is None:
        return words.gettext("First copy: this edition is being handed over now.")
    moment = words.moment(goes_out_at, zone)
    return words.gettext("First copy: this edition goes out on %(moment)s.", moment=moment)


def _aside(words: Translator) -> str:
    return words.gettext("The unsubscribe link in this copy leads nowhere.")
