"""A received mail taken apart: whose it says it is, and what is left once that is masked."""

from __future__ import annotations

import email.parser
import email.policy
import email.utils
import hashlib
import html
import re
from dataclasses import dataclass, field
from email.header import decode_header, make_header

# Fields that differ from person to person, or from moment to moment.
_OWN_FIELDS = frozenset(
    {"to", "message-id", "date", "list-id", "list-unsubscribe", "dkim-signature", "feedback-id"}
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WORD = re.compile(r"[\w-]+")
_PARSER = email.parser.BytesParser(policy=email.policy.compat32)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as it came over the wire, read without our own code.

    `fields` are its header fields, unfolded, names in lower case; `texts` its decoded parts.
    """

    fields: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]
    rest: tuple[str, ...] = field(repr=False)  # the parts' own fields, preamble and epilogue

    def values(self, name: str) -> list[str]:
        return [value for field_name, value in self.fields if field_name == name]

    @property
    def recipients(self) -> list[tuple[str, str]]:
        """Name and address of everybody in To, Cc and Bcc."""
        lines = [line for name in ("to", "cc", "bcc") for line in self.values(name)]
        return [
            (str(make_header(decode_header(name))) if name else "", address)
            for name, address in email.utils.getaddresses(lines)
        ]

    def addresses(self) -> set[str]:
        """All mail addresses in the texts, in lower case."""
        return {found.lower() for text in self.texts for found in _ADDRESS.findall(text)}

    def words(self) -> set[str]:
        """All words of the texts and of To."""
        return {word for text in (*self.texts, *self.values("to")) for word in _WORD.findall(text)}

    def tokens(self, base: str) -> list[set[str]]:
        """What stands behind addresses that begin with `base`: in List-Unsubscribe, then in each text."""
        link = re.compile(re.escape(base) + r"([\w-]+)")
        sources = (" ".join(self.values("list-unsubscribe")), *self.texts)
        return [set(link.findall(html.unescape(source))) for source in sources]

    def fingerprint(self, own_values: list[str]) -> str:
        """A hash of everything but the person's own values: equal for all who got the same revision."""
        spellings = {form for value in own_values if value for form in (value, html.escape(value))}
        mask = re.compile("|".join(map(re.escape, sorted(spellings, key=len, reverse=True))) or r"(?!)")
        common = [f"{name}: {value}" for name, value in self.fields if name not in _OWN_FIELDS]
        masked = [mask.sub("\x00", text) for text in self.texts]
        whole = "\x01".join((*common, "\x02", *masked, "\x02", *self.rest))
        return hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()


def read_letter(raw: bytes) -> Letter:
    """Take a mail apart by the standard library's parser."""
    parsed = _PARSER.parsebytes(raw)
    fields = tuple(
        (name.lower(), re.sub(r"\r?\n(?=[ \t])", "", str(value))) for name, value in parsed.raw_items()
    )
    texts, rest = [], []
    for part in parsed.walk():
        if part is not parsed:
            rest += [f"{name}: {value}" for name, value in part.raw_items()]
        rest += [str(part.preamble), str(part.epilogue)]
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            texts.append(payload.decode("utf-8", "surrogateescape"))
    return Letter(fields, tuple(texts), tuple(rest))
