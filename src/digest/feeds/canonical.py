"""One form for all bodies: a small builder that turns clean HTML into the few elements a mail may carry.

It is fed what nh3 (an HTML5 parser) has closed and nested rightly. What comes out is a row of blocks: p, h2
to h4, ul, ol, blockquote; text never stands outside of one; blocks with nothing in them do not exist; a mail
client finds nothing to repair. Building from its own output changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

from digest.feeds.images import Image, read_image
from digest.feeds.links import absolute
from digest.feeds.text import shortened, without_controls

_LEAVES = {"p": "p", "h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}
_INLINE = {"strong", "em", "b", "i", "u"}
_LISTS = {"ul", "ol"}
_CONTAINERS = {*_LISTS, "blockquote"}
# Elements that end a line of text though they leave no element of their own.
BREAKING = frozenset(
    {
        *(
            "address",
            "article",
            "aside",
            "center",
            "details",
            "dialog",
            "div",
            "fieldset",
            "figcaption",
            "figure",
        ),
        *("footer", "header", "hgroup", "hr", "main", "nav", "pre", "section", "summary", "dd", "dl", "dt"),
        *("caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"),
    }
)
_CELLS = {"td", "th"}
_WHITE = " \t\n\r\f\xa0"
_INNER = re.compile(rf"[{_WHITE}]{{2,}}|[\t\n\r\f]")  # what is not one plain or one no-break space
_ITEM_STARTS = ("<li>", "</ul>", "</ol>", "</blockquote>")  # after one of these, text needs no line break

KeepImage = Callable[[Image], bool]


@dataclass(slots=True)
class _Container:
    tag: str
    is_open: bool = False  # its start tag has been written
    is_implied: bool = False  # an li that the source left out


@dataclass(slots=True)
class _Line:
    """The leaf under way: its element ("" inside of an li), what is open in it, what waits to be written."""

    tag: str = "p"
    is_open: bool = False
    has_content: bool = False
    start: int = 0  # where in the block under way it starts
    opened: list[_Container] = field(default_factory=list)  # what had to be opened for it
    open_inline: list[str] = field(default_factory=list)
    space: str = ""
    breaks: int = 0


class Builder(HTMLParser):
    """Collects blocks from HTML that nh3 has cleaned; `blocks()` ends it.

    Links become absolute against `base`, or text. `most` is the size in letters at which a body is cut, at
    the end of the last block or list item that fitted. `keep_image` says which pictures stay.
    """

    def __init__(self, *, base: str, most: int, keep_image: KeepImage) -> None:
        super().__init__(convert_charrefs=True)
        self._base = base
        self._most = most
        self._keep_image = keep_image
        self._blocks: list[str] = []
        self._out: list[str] = []
        self._size = 0
        self._is_full = False
        self._containers: list[_Container] = []
        self._line = _Line()
        self._wanted: list[tuple[str, str]] = []  # inline elements the source has open: tag, start tag
        self._preformatted = 0

    def blocks(self) -> list[str]:
        self.close()
        self._end_line()
        while self._containers:
            self._close_container()
        self._flush()
        return self._blocks

    # The parser's events

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._line.breaks += 1
        elif tag == "img":
            self._image({name: value or "" for name, value in attrs})
        elif tag == "a" or tag in _INLINE:
            self._wanted.append((tag, self._start_of(tag, dict(attrs))))
        elif tag == "li":
            self._start_item()
        elif tag in _CONTAINERS:
            self._start_container(tag)
        elif tag in _LEAVES:
            self._end_line()
            self._line.tag = _LEAVES[tag]
        elif tag in BREAKING:
            self._preformatted += tag == "pre"
            self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" or tag in _INLINE:
            self._end_inline(tag)
        elif tag == "li" or tag in _CONTAINERS:
            self._end_container(tag)
        elif tag in _LEAVES:
            self._end_line()
        elif tag in BREAKING:
            self._preformatted -= tag == "pre"
            self._break(tag)

    def handle_data(self, data: str) -> None:
        lines = re.split(r"\r?\n", data) if self._preformatted else [data]
        for number, line in enumerate(lines):
            self._line.breaks += number > 0
            self._text(without_controls(line))

    # What the events mean

    def _text(self, text: str) -> None:
        core = text.strip(_WHITE)
        before = text[: len(text) - len(text.lstrip(_WHITE))]
        self._wait_space(before)
        if core:
            piece = escape(_INNER.sub(lambda run: _space_of(run[0]), core), quote=False)
            if len(piece) > self._most and not self._blocks and not self._out:
                piece = escape(shortened(core, self._most // 5), quote=False)  # all of it is one text
            self._write(piece)
            self._wait_space(text[len(before) + len(core) :])

    def _image(self, attributes: dict[str, str]) -> None:
        image = read_image(attributes, self._base)
        if image is None:
            return
        if image.is_letter:
            self._text(image.alt)
        elif self._keep_image(image):
            self._write(image.html())

    def _start_of(self, tag: str, attributes: dict[str, str | None]) -> str:
        if tag != "a":
            return f"<{tag}>"
        if any(start and open_tag == "a" for open_tag, start in self._wanted):
            return ""
        href = absolute(attributes.get("href") or "", self._base)
        return f'<a href="{escape(href)}">' if href else ""

    def _end_inline(self, tag: str) -> None:
        for position in range(len(self._wanted) - 1, -1, -1):
            if self._wanted[position][0] == tag:
                del self._wanted[position]
                return

    def _break(self, tag: str) -> None:
        if tag in _CELLS:
            self._wait_space(" ")
        else:
            self._end_line()

    def _start_item(self) -> None:
        self._end_line()
        if self._containers and self._containers[-1].is_implied:
            self._close_container()
        if not self._containers or self._containers[-1].tag not in _LISTS:
            self._containers.append(_Container("ul", is_implied=True))
        self._containers.append(_Container("li"))

    def _start_container(self, tag: str) -> None:
        self._end_line()
        if self._containers and self._containers[-1].tag in _LISTS:
            self._containers.append(_Container("li", is_implied=True))
        self._containers.append(_Container(tag))

    def _end_container(self, tag: str) -> None:
        self._end_line()
        if not any(container.tag == tag and not container.is_implied for container in self._containers):
            return
        while self._containers:
            closed = self._close_container()
            if closed.tag == tag and not closed.is_implied:
                break
        if tag == "li" and self._containers and self._containers[-1].is_implied:
            self._close_container()
        if not self._containers:
            self._flush()

    def _close_container(self) -> _Container:
        closed = self._containers.pop()
        if closed.is_open:
            self._emit(f"</{closed.tag}>")
        return closed

    # Writing

    def _wait_space(self, run: str) -> None:
        if run:
            self._line.space = _space_of(self._line.space + run)

    def _write(self, piece: str) -> None:
        """Write text or a picture, and before it all that it needs to stand in."""
        if self._is_full:
            return
        if self._size + len(piece) > self._most:
            self._is_full = True
            self._take_back_line()
            return
        line = self._line
        if line.breaks > 1 and line.has_content and line.tag == "p":
            self._end_line()  # two line breaks are how people without a paragraph key write one
        if not self._line.is_open:
            self._open_line()
        self._open_inline()
        self._line.has_content = True
        self._emit(piece)

    def _emit(self, piece: str) -> None:
        self._out.append(piece)
        self._size += len(piece)

    def _take_back_line(self) -> None:
        """Drop the line that did not fit; the first line of all stays as far as it came."""
        line = self._line
        if not line.is_open or not (self._blocks or line.start):
            return
        del self._out[line.start :]
        for container in line.opened:
            container.is_open = False
        self._line = _Line()

    def _open_line(self) -> None:
        line = self._line
        line.start, line.is_open = len(self._out), True
        if self._containers and self._containers[-1].tag in _LISTS:
            self._containers.append(_Container("li", is_implied=True))
        for container in self._containers:
            if not container.is_open:
                container.is_open = True
                line.opened.append(container)
                self._emit(f"<{container.tag}>")
        if self._containers and self._containers[-1].tag == "li":
            line.tag = ""
            # A second line in the same item follows a line break.
            line.has_content = not self._out[-1].endswith(_ITEM_STARTS)
            line.space, line.breaks = "", int(line.has_content)
        else:
            self._emit(f"<{line.tag}>")
            line.space, line.breaks = "", 0

    def _open_inline(self) -> None:
        """Close and open inline elements until those that are open are those the source has open."""
        line = self._line
        wanted = [start for start in dict.fromkeys(start for _, start in self._wanted) if start]
        same = 0
        is_new_line = bool(line.breaks) and line.has_content
        # A line break stands outside of inline elements, wherever the source had it.
        if not is_new_line:
            same = _common(wanted, line.open_inline)
        self._close_inline(same)
        if is_new_line:
            self._emit("<br>")
        elif line.space and line.has_content:
            self._emit(line.space)
        line.space, line.breaks = "", 0
        for start in wanted[same:]:
            self._emit(start)
            line.open_inline.append(start)

    def _close_inline(self, keep: int) -> None:
        while len(self._line.open_inline) > keep:
            start = self._line.open_inline.pop()
            self._emit(f"</{start[1:-1].partition(' ')[0]}>")

    def _end_line(self) -> None:
        self._close_inline(0)
        if self._line.is_open and self._line.tag:
            self._emit(f"</{self._line.tag}>")
        self._line = _Line()
        if not self._containers:
            self._flush()

    def _flush(self) -> None:
        if self._out:
            self._blocks.append("".join(self._out))
            self._out.clear()


def _common(left: list[str], right: list[str]) -> int:
    """How many items two lists have in common at their beginning."""
    return next(
        (n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
    )


def _space_of(run: str) -> str:
    """A run of white space as one: a no-break space only if it is nothing else."""
    return "\xa0" if run and not run.strip("\xa0") else " " if run else ""
