"""The short text under a headline, and where a long body is cut."""

from __future__ import annotations

import re

from digest.feeds.sanitise import blocks, text_of
from digest.feeds.text import cut_at_letter

_LETTERS_A_WORD = 16  # a text without spaces is cut by letters; no language's words are this long on average
_LONGEST_TAIL = 400
_MORE = (
    r"(?:continue reading|keep reading|read more|read the rest|read the full|lire la suite|"
    r"կարդալ ավելին|շարունակել ընթերցել)"
)
_DOTS = r"(?:\[\s*(?:…|\.{3,})\s*\]|…|\.{3,})"
# What WordPress and its plugins put under an article: an advertisement for itself, not a part of it.
_CREDIT = re.compile(
    r"(?:^|\s)The post \S.{0,300}? (?:appeared first|first appeared) on \S.{0,200}$", re.IGNORECASE
)
_MORE_AFTER_DOTS = re.compile(rf"{_DOTS}\s*{_MORE}\b.{{0,300}}$", re.IGNORECASE)
_MORE_WITH_ARROW = re.compile(rf"(?:^|\s){_MORE}\b[^.!?։]{{0,300}}(?:→|»|&raquo;|>>)$", re.IGNORECASE)
_MORE_LINK = re.compile(
    rf'\s*<a href="[^"]*">\s*[\[(]?{_MORE}\b[^<]{{0,300}}</a>[\])]?(?=(?:</(?:strong|em|b|i|u)>)*</p>$)',
    re.IGNORECASE,
)
_DOTS_AT_END = re.compile(rf"\s*{_DOTS}$")
_LOOSE_ENDS = " .,;:!?…–—-·/([{«“‘„՝՛։՞"
_WORD = re.compile(r"\S*\w\S*")
_SHORT_REST = 0.15  # a rest this small is not worth a click


def count_words(text: str) -> int:
    """How many words a plain text has: runs without white space that hold a letter or digit."""
    return len(_WORD.findall(text))


def make_excerpt(body: str, words: int = 40) -> str:
    """The beginning of a summary or body (HTML) as one line of plain text of at most `words` words.

    A dateline stays. What a publishing system appended ("[…]", "Continue reading", "The post ... appeared
    first on ...") goes. A text that was cut, by us or before, ends in exactly one "…" in place of the
    punctuation that stood there.
    """
    return excerpt_of(blocks(body), words)


def excerpt_of(parts: list[str], words: int) -> str:
    """make_excerpt() for the blocks of a body that is sanitised already."""
    texts: list[str] = []
    count, is_whole = 0, True
    for part in without_tail_of(parts):
        if count > words:
            is_whole = False
            break
        texts.append(text_of(part))
        count += texts[-1].count(" ") + 1
    text = " ".join(text for text in texts if text)
    text, was_cut = _without_tail_text(text) if is_whole else (text, True)
    pieces = text.split(" ")
    if len(pieces) > words:
        text, was_cut = " ".join(pieces[:words]), True
    if len(text) > words * _LETTERS_A_WORD:
        text, was_cut = cut_at_letter(text, words * _LETTERS_A_WORD), True
    if not was_cut:
        return text
    text = text.rstrip(_LOOSE_ENDS)
    return f"{text}…" if text else ""


def without_tail(body_html: str) -> str:
    """A sanitised body without last lines in which a publishing system names itself or asks for a click."""
    return "".join(without_tail_of(blocks(body_html)))


def cut_body(body_html: str, words: int) -> tuple[str, bool]:
    """A sanitised body up to the end of the block that is nearest to `words` words, and whether it was cut.

    It is never cut inside of a block, nor right after a heading, nor to save a last few words.
    """
    parts = blocks(body_html)
    sizes = [count_words(text_of(part)) for part in parts]
    total = sum(sizes)
    if total <= words * (1 + _SHORT_REST):
        return "".join(parts), False
    keep = _nearest_end(sizes, words)
    while keep > 1 and parts[keep - 1].startswith("<h"):
        keep -= 1
    rest = total - sum(sizes[:keep])
    if rest <= words * _SHORT_REST:
        return "".join(parts), False
    return "".join(parts[:keep]), True


def _nearest_end(sizes: list[int], words: int) -> int:
    """How many blocks to keep, at least one, so that their words come nearest to `words`."""
    total, best, best_distance = 0, 1, float("inf")
    for number, size in enumerate(sizes, start=1):
        total += size
        if abs(total - words) < best_distance and total:
            best, best_distance = number, abs(total - words)
    return best


def without_tail_of(parts: list[str]) -> list[str]:
    """without_tail() for the blocks of a body."""
    parts = list(parts)
    while parts:
        last = _MORE_LINK.sub("", parts[-1])
        text = text_of(last)
        if last == parts[-1] and not _is_credit(text):
            break
        if (text and not _is_credit(text)) or "<img" in last:
            return [*parts[:-1], last]
        parts.pop()
    return parts


def _is_credit(text: str) -> bool:
    found = _CREDIT.search(text) if len(text) <= _LONGEST_TAIL else None
    return found is not None and found.start() == 0


def _without_tail_text(text: str) -> tuple[str, bool]:
    """The text without what was appended to it, and whether that says the text was cut before."""
    head, tail = text[:-_LONGEST_TAIL], text[-_LONGEST_TAIL:]
    tail = _CREDIT.sub("", tail).rstrip()
    shorter = _MORE_WITH_ARROW.sub("", _MORE_AFTER_DOTS.sub("…", tail)).rstrip()
    was_cut = shorter != tail or bool(_DOTS_AT_END.search(shorter))
    return head + _DOTS_AT_END.sub("", shorter), was_cut
