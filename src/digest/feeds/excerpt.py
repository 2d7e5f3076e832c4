"""The short text under a headline, and where a long body is cut."""

from __future__ import annotations

import re

from digest.feeds.sanitise import blocks, text_of
from digest.feeds.text import cut_at_letter, one_line, unescaped_again, without_long_words

_LETTERS_A_WORD = 16  # a text without spaces is cut by letters; no language's words are this long on average
_LONGEST_TAIL = 400
_MORE = (
    r"(?:continue reading|keep reading|read more|read the rest|read the full|lire la suite|lire plus|"
    r"leer más|seguir leyendo|sigue leyendo|weiterlesen|mehr lesen|leggi tutto|continua a leggere|leia mais|"
    r"continue a ler|continue lendo|devamını oku|devamı|lees (?:meer|verder)|читать далее|اقرأ المزيد|"
    r"կարդալ ավելին|շարունակել (?:ընթերցել|կարդալ))"
)
_DOTS = r"(?:\[\s*(?:…|\.{3,})\s*\]|\(\s*(?:…|\.{3,})\s*\)|…|\.{3,})"
# What WordPress and its plugins put under an article, in its languages: an advertisement for itself, not a
# part of it.
_CREDITS = (
    r"The post \S.{0,300}? (?:appeared first|first appeared) on",
    r"L[’']article \S.{0,300}? est apparu en premier sur",
    r"(?:La entrada|El artículo) \S.{0,300}? (?:se publicó|aparece|apareció) primero en",
    r"Der Beitrag \S.{0,300}? erschien zuerst auf",
    r"L[’']articolo \S.{0,300}? (?:proviene da|sembra essere il primo su)",
    r"O (?:post|conteúdo) \S.{0,300}? (?:apareceu|aparece) primeiro em",
    r"Het bericht \S.{0,300}? verscheen eerst op",
    r"Сообщение \S.{0,300}? появились сначала на",
    r"ظهرت المقالة \S.{0,300}? أولاً على",
)
_CREDIT = re.compile(rf"(?:^|\s)(?:{'|'.join(_CREDITS)}) \S.{{0,200}}$", re.IGNORECASE)
_MORE_AFTER_DOTS = re.compile(rf"{_DOTS}\s*[\[(]?{_MORE}\b.{{0,300}}$", re.IGNORECASE)
_MORE_WITH_ARROW = re.compile(rf"(?:^|\s){_MORE}\b[^.!?։]{{0,300}}(?:→|»|&raquo;|>>|›)$", re.IGNORECASE)
# Bare, or with the title in quotation marks, behind the end of a sentence.
_MORE_AT_END = re.compile(
    rf"(?:(?<=[.!?։؟…”»\"])\s+|^)[\[(]?{_MORE}(?:\s*[:.…]|\s+[“\"«].{{0,200}}[”\"»])?[\])]?$", re.IGNORECASE
)
_MORE_LINK = re.compile(
    rf'\s*<a href="[^"]*">\s*[\[(]?{_MORE}\b[^<]{{0,300}}</a>[\])]?(?=(?:</(?:strong|em|b|i|u)>)*</p>$)',
    re.IGNORECASE,
)
# What a page builder or a plugin would have made something of.
_SHORTCODE = re.compile(
    r"\[/?(?:caption|gallery|embed|audio|video|playlist|youtube|vc_\w{1,40}|et_pb_\w{1,40}|fusion_\w{1,40})"
    r"(?:\s[^\[\]]{0,500})?\]",
    re.IGNORECASE,
)
_DOTS_AT_END = re.compile(rf"\s*{_DOTS}$")
_LOOSE_ENDS = " .,;:!?…–—-·/([{«“‘„՝՛։՞،؛؟"
# A cut is moved back to the end of a sentence if no more than this part of the words is lost by it.
_SENTENCE_SHARE = 0.3
_SENTENCE_END = re.compile(r"[.!?…։؟۔]+[”’»\"')\]]*$")
_SENTENCE_START = re.compile(r"[“‘«„\"'(\[¿¡]*[^\W_]")
# "Dr.", "St.", "J.", "U.S.": a full stop that ends no sentence.
_SHORT_FORM = re.compile(r"^\W*(?:[^\W\d_]{1,3}|(?:[^\W\d_]\.)+[^\W\d_]?|[Pp]rof|[Mm]esrs|[Cc]apt)\.$")
_WORD = re.compile(r"\S*\w\S*")
_SHORT_REST = 0.15  # a rest this small is not worth a click


def count_words(text: str) -> int:
    """How many words a plain text has: runs without white space that hold a letter or digit."""
    return len(_WORD.findall(text))


def make_excerpt(body: str, words: int = 40) -> str:
    """The beginning of a summary or body (HTML) as one line of plain text of at most `words` words.

    A dateline stays. What a publishing system appended ("[…]", "Continue reading", "The post ... appeared
    first on ...") goes. A text that was cut, by us or before, ends in exactly one "…" in place of the
    punctuation that stood there; we cut at the end of a sentence if one is near, else between words.
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
        texts.append(_text_of_block(part))
        count += len(texts[-1].split())
    text = " ".join(text for text in texts if text)
    text, was_cut = _without_tail_text(text) if is_whole else (text, True)
    pieces = text.split()
    if len(pieces) > words:
        text, was_cut = " ".join(pieces[: _cut_at(pieces, words)]), True
    if len(text) > words * _LETTERS_A_WORD:
        text, was_cut = cut_at_letter(text, words * _LETTERS_A_WORD), True
    if not was_cut:
        return text
    text = text.rstrip(_LOOSE_ENDS)
    return f"{text}…" if text else ""


def _text_of_block(part: str) -> str:
    text = _SHORTCODE.sub(" ", unescaped_again(text_of(part)))
    return without_long_words(one_line(text))


def _cut_at(pieces: list[str], words: int) -> int:
    """How many words to keep, at most `words`: up to the end of a sentence if one is near."""
    least = words - int(words * _SENTENCE_SHARE)
    for kept in range(words, max(least, 1) - 1, -1):
        word, following = pieces[kept - 1], pieces[kept]
        ends = _SENTENCE_END.search(word) and not _SHORT_FORM.match(word)
        starts = _SENTENCE_START.match(following)
        if ends and starts and not starts[0][-1].islower():
            return kept
    return words


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
    bare = _MORE_AT_END.sub("", tail).rstrip()
    shorter = _MORE_WITH_ARROW.sub("", _MORE_AFTER_DOTS.sub("…", bare)).rstrip()
    was_cut = shorter != bare or bool(_DOTS_AT_END.search(shorter))
    return head + _DOTS_AT_END.sub("", shorter), was_cut
