"""A reader for the plain YAML of our compose file; no more of the language than that.

Mappings and lists by indentation, `[...]` and `"..."` in JSON's form, anchors on mappings, `<<: *name` and
`*name`. Everything else is text. Raises ValueError, with the line, for what it does not know.
"""

from __future__ import annotations

import json
import re
from typing import Any

_KEY = re.compile(r"(?P<key>[\w<.-]+):(?: +(?P<rest>.*))?$")
_UNKNOWN = ("|", ">", "{", "!", "'", "?")


def read(text: str) -> Any:
    """The document as dicts, lists, strings and None."""
    lines = [
        (number, len(line) - len(line.lstrip()), line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    reader = _Reader(lines)
    document = reader.block(0)
    if reader.place < len(lines):
        raise ValueError(f"line {lines[reader.place][0]}: not indented as expected")
    return document


class _Reader:
    def __init__(self, lines: list[tuple[int, int, str]]) -> None:
        self.lines = lines
        self.place = 0
        self.anchors: dict[str, Any] = {}

    def block(self, indent: int) -> Any:
        """The mapping or list that begins here, with this indentation."""
        is_list = self.lines[self.place][2].startswith("- ")
        mapping: dict[str, Any] = {}
        items: list[Any] = []
        while self.place < len(self.lines) and self.lines[self.place][1] == indent:
            number, _, line = self.lines[self.place]
            self.place += 1
            if is_list and line.startswith("- "):
                items.append(self.scalar(number, line[2:].strip()))
            elif not is_list and (found := _KEY.match(line)):
                self.entry(mapping, number, indent, found["key"], found["rest"] or "")
            else:
                raise ValueError(f"line {number}: neither a key nor an item")
        return items if is_list else mapping

    def entry(self, mapping: dict[str, Any], number: int, indent: int, key: str, rest: str) -> None:
        """One key of a mapping, with what belongs to it."""
        anchor = rest[1:] if rest.startswith("&") else ""
        value = None if anchor or not rest else self.scalar(number, rest)
        if value is None and self.place < len(self.lines) and self.lines[self.place][1] > indent:
            value = self.block(self.lines[self.place][1])
        if anchor:
            self.anchors[anchor] = value
        if key == "<<":
            for name, inherited in value.items():
                mapping.setdefault(name, inherited)
        else:
            mapping[key] = value

    def scalar(self, number: int, text: str) -> Any:
        """What stands on one line."""
        if text.startswith("*"):
            return self.anchors[text[1:]]
        if text.startswith(('"', "[")):
            return json.loads(text)
        if text.startswith(_UNKNOWN) or " #" in text:
            raise ValueError(f"line {number}: this form is not read here")
        return text
