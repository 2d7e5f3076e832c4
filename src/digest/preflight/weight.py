"""How large a mail is, and whether its text part stands for the HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, block, warn
from digest.rendering.digest_email import MAX_HTML_BYTES

MOST_STYLES: Final = 16_000  # bytes; Gmail leaves out all styles of a mail with more
_LEAST_SHARE: Final = 50  # of the HTML's letters, in percent; filters compare the parts
_FEW: Final = 200  # letters; below that a share says nothing
_ADDRESS = re.compile(r"https?://\S+|%%\w+%%\S*")


def html_size(facts: MailFacts) -> Iterator[MailFinding]:
    """Below the size at which Gmail cuts, some 102 kB, with room for what services add on the way."""
    size = len(facts.html.encode("utf-8", "replace"))
    if size > MAX_HTML_BYTES:
        yield block(Code.TOO_LARGE, size=size, most=MAX_HTML_BYTES)


def styles_size(facts: MailFacts) -> Iterator[MailFinding]:
    """The styles that were not inlined are few enough for Gmail to keep them."""
    size = len(facts.page.styles.encode("utf-8", "replace"))
    if size > MOST_STYLES:
        yield warn(Code.STYLES_TOO_LARGE, size=size, most=MOST_STYLES)


def thin_text(facts: MailFacts) -> Iterator[MailFinding]:
    """The text part says what the HTML says; a stub looks like spam, and leaves out who reads text."""
    whole = _letters(facts.page.words)
    share = _letters(facts.text) * 100 // max(whole, 1)
    if whole >= _FEW and share < _LEAST_SHARE:
        yield warn(Code.THIN_TEXT, share=share)


def _letters(text: str) -> int:
    return sum(map(str.isalnum, _ADDRESS.sub("", text)))
