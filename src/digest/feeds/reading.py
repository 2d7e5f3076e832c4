"""Bytes of a feed to text that is safe to parse: its letters, its prolog, its size.

The parser behind (feedparser) expands entities that a feed declares, falls back to a slow parser for markup
that is broken, and reads bytes by rules of 2001. So the letters are decoded here, everything before the first
element is dropped (a DOCTYPE lives nowhere else), and markup beyond all reason is refused.
"""

from __future__ import annotations

import codecs
import re

from digest.feeds.oddities import Odd, OddCode
from digest.feeds.types import ParseCode, ParseError

MOST_POSTS = 500

_MOST_TAGS = 100_000  # outside of CDATA; the slow parser takes some 50 microseconds for each
_MOST_REFERENCES = 1_000_000
_DEEPEST = 1000  # elements open at once; the slow parser's time grows with it
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How "<?" or "<x" begins without a byte order mark (XML 1.0, appendix F).
_SIGNS = (
    (re.compile(rb"<\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0<"), "utf-32-be"),
    (re.compile(rb"<\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0<\0[^\0]"), "utf-16-be"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._-]{1,40})""", re.IGNORECASE)
# Only sets of letters: Python has codecs under other names that decode anything into anything.
_LETTER_SETS = re.compile(
    r"utf-8|ascii|iso8859-\d+|cp(?:125\d|1140|437|85\d|86\d|874|932|949|950)|koi8-[rut]|mac-\w+|"
    r"gb2312|gbk|gb18030|big5(?:hkscs)?|euc_\w+|shift_jis\w*|johab|tis-620"
)
_WIDER = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
_GUESSED = {"ascii", "iso8859-1"}  # what servers say that were never told
_FEW = 0.01  # the part of letters that may be broken before we doubt that it is UTF-8

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, 2.2
_REFERENCE = re.compile(r"&#(x[0-9a-fA-F]{1,20}|[0-9]{1,20});")
_PROLOG = re.compile(r"<(?:(\?)|(!--)|(![A-Za-z]+)|([A-Za-z0-9_]))")
_ITEM = re.compile(r"<(?:\w{1,20}:)?(item|entry)(?=[\s>/])")
_ITEM_END = re.compile(r"</(?:\w{1,20}:)?(?:item|entry)\s*>")
_TAG = re.compile(r"<(/?)[A-Za-z][^<>]*?(/?)>")
# Without the attribute, feedparser takes any guid for an address and joins it to the feed's.
_PLAIN_GUID = re.compile(r"<guid\s*>(?!\s*(?:<!\[CDATA\[\s*)?https?:)")


def readable(body: bytes, content_type: str) -> tuple[str, tuple[Odd, ...]]:
    """The text of a feed from its first element on, and what was odd about it.

    Raises ParseError: EMPTY; ENTITIES for a DOCTYPE that declares entities; NOT_A_FEED for an HTML page, for
    bytes without an element, and for markup that is too much or nested too deep to be a feed.
    """
    if not body.strip(b" \t\r\n\0"):
        raise ParseError(ParseCode.EMPTY, "there is nothing in it")
    text, oddities = decoded(body, content_type)
    cleaned = _REFERENCE.sub(_checked_reference, without_illegal(text))
    if len(cleaned) != len(text):
        oddities.append(Odd(OddCode.CONTROLS))
    cleaned = cleaned[_first_element(cleaned) :]
    if re.match(r"<html[\s>]", cleaned, re.IGNORECASE):
        raise ParseError(ParseCode.NOT_A_FEED, "it is a web page")
    cleaned, left_out = _first_items(cleaned)
    if left_out:
        oddities.append(only_first(left_out))
    _refuse_excess(cleaned)
    return _PLAIN_GUID.sub('<guid isPermaLink="false">', cleaned), tuple(oddities)


def without_illegal(text: str) -> str:
    """The text without what XML does not allow: controls, halves of letters, non-characters."""
    return _ILLEGAL.sub("", text)


def only_first(left_out: int) -> Odd:
    """The oddity of a feed with more posts than are read."""
    return Odd(OddCode.TOO_MANY, {"taken": MOST_POSTS, "left_out": left_out})


def decoded(body: bytes, content_type: str) -> tuple[str, list[Odd]]:
    """The letters of a body by its mark, its server, itself or a guess, and what was odd about them."""
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(name, "replace"), []
    for sign, name in _SIGNS:
        if sign.match(body):
            return body.decode(name, "replace"), []
    in_header = _letter_set(found[1] if (found := _CHARSET.search(content_type)) else "")
    in_body = _letter_set(match[1].decode("ascii") if (match := _DECLARED.match(body)) else "")
    said = in_body if in_body and (not in_header or in_header in _GUESSED) else in_header
    try:
        # Few texts in another set of letters are by chance valid UTF-8, whatever they or their server say.
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _not_utf8(body, said)
    if said and said not in {"utf-8", "ascii"} and not text.isascii():
        return text, [Odd(OddCode.OTHER_LETTERS, {"said": said})]
    return text, []


def _not_utf8(body: bytes, said: str) -> tuple[str, list[Odd]]:
    if said and said != "utf-8":
        name = _WIDER.get(said, said)
        text = body.decode(name, "replace")
        broken = text.count("\ufffd")
        return text, [Odd(OddCode.BROKEN_LETTERS)] if broken else []
    text = body.decode("utf-8", "replace")
    if text.count("\ufffd") <= max(1, len(text) * _FEW):
        return text, [Odd(OddCode.BROKEN_LETTERS)]
    return body.decode("cp1252", "replace"), [Odd(OddCode.NOT_UTF8)]


def _letter_set(name: str) -> str:
    """The name of a codec for letters, as Python writes it; "" for one we do not use."""
    try:
        found = codecs.lookup(name).name if name else ""
    except LookupError:
        return ""
    return found if _LETTER_SETS.fullmatch(found) else ""


def _checked_reference(match: re.Match[str]) -> str:
    digits = match[1]
    number = int(digits[1:], 16) if digits[0] == "x" else int(digits)
    if number > 0x10FFFF or _ILLEGAL.match(chr(number)):
        return ""
    return match[0]


def _first_element(text: str) -> int:
    """Where the first element starts. Raises ParseError if there is none, or a DOCTYPE declares entities."""
    position = 0
    while found := _PROLOG.search(text, position):
        instruction, comment, declaration, element = found.groups()
        if element:
            return found.start()
        if instruction:
            position = _after(text, "?>", found.end())
        elif comment:
            position = _after(text, "-->", found.end())
        elif declaration:
            position = _after_declaration(text, found.start())
    raise ParseError(ParseCode.NOT_A_FEED, "there is no markup in it")


def _after(text: str, end: str, position: int) -> int:
    found = text.find(end, position)
    return len(text) if found < 0 else found + len(end)


def _after_declaration(text: str, start: int) -> int:
    """The end of a DOCTYPE; its subset may hold `>` inside of brackets."""
    end = _after(text, ">", start)
    bracket = text.find("[", start, end)
    if bracket >= 0:
        end = _after(text, "]", bracket)
        end = _after(text, ">", end)
    if (
        re.search(r"<!ENTITY", text[start:end], re.IGNORECASE)
        or text[start + 2 : start + 8].upper() == "ENTITY"
    ):
        raise ParseError(ParseCode.ENTITIES, "its DOCTYPE declares entities, which can be a bomb")
    return end


def _first_items(text: str) -> tuple[str, int]:
    """The text with its first MOST_POSTS items, and how many were cut out behind them."""
    starts = [found.start() for found in _ITEM.finditer(text)]
    if len(starts) <= MOST_POSTS:
        return text, 0
    ends = [found.end() for found in _ITEM_END.finditer(text, starts[MOST_POSTS])]
    return text[: starts[MOST_POSTS]] + (text[ends[-1] :] if ends else ""), len(starts) - MOST_POSTS


def _without_cdata(text: str) -> str:
    # By hand: a regular expression would look for the end of each of a thousand sections that have none.
    kept, position = [], 0
    while (start := text.find("<![CDATA[", position)) >= 0:
        kept.append(text[position:start])
        position = _after(text, "]]>", start)
    return "".join((*kept, text[position:]))


def _refuse_excess(text: str) -> None:
    markup = _without_cdata(text)
    if markup.count("<") > _MOST_TAGS or markup.count("&") > _MOST_REFERENCES:
        raise ParseError(ParseCode.NOT_A_FEED, "it holds more markup than any feed")
    depth = 0
    for slash, closed in _TAG.findall(markup):
        if not closed:
            depth = max(0, depth - 1) if slash else depth + 1
            if depth > _DEEPEST:
                raise ParseError(ParseCode.NOT_A_FEED, "its markup is nested as in no feed")
