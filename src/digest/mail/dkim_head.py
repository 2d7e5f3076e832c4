"""What a DKIM signature covers of a header: which fields, and their relaxed form.

Sources: RFC 6376 (section 3.4.2 relaxed form, 5.4 which fields, 5.4.2 fields that occur several times).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from digest.errors import InputError

# The fields that are signed where they are there, in the order of `h=`; the guarded ones also where they are
# not. Received, Return-Path and the like are written on the way, so they are left out.
GUARDED = ("From", "To", "Subject", "Date")
SIGNED = (
    *GUARDED,
    *("Message-ID", "Reply-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
    *("In-Reply-To", "References"),  # of a correction: what it is threaded under is its sender's to say
    *("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "Feedback-ID"),
)
SPACES = re.compile(rb"[ \t]+")

Counts = bytes  # how often each field of SIGNED occurs

_Alike = tuple[int, tuple[int, ...], tuple[bytes, ...]]  # how many pieces, which are shared, and these

_PLACES = {name.lower().encode("ascii"): place for place, name in enumerate(SIGNED)}
_KINDS = len(SIGNED)
_MOST_OF_A_KIND = 100
_KEPT_PLANS = 64  # one for each second, list and variant of an edition


class SignedFields(NamedTuple):
    """How often each field is there, and all that are signed in relaxed form, one after another."""

    counts: Counts
    text: bytes


def signed_fields(head: Iterable[bytes]) -> SignedFields:
    """What is signed of a head in pieces of whole fields; the empty line behind it may be there or not.

    Of a field that occurs several times the last one is signed first. Raises InputError for a line that is no
    field, and for a field that is there more than a hundred times.
    """
    counts, found = _counted(head)
    return SignedFields(counts, b"".join(found))


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376 section 3.4.2 of a field, without its last CRLF. Raises InputError if it is none."""
    name, value = _name_and_value(field.replace(b"\r\n", b""))
    return name + b":" + _relaxed_value(value)


class Heads:
    """Reads heads of which many are alike: what they have in common is read once."""

    def __init__(self) -> None:
        self._plans: dict[_Alike, _Plan] = {}

    def signed(self, head: Sequence[bytes], shared: tuple[int, ...]) -> SignedFields:
        """As `signed_fields`; of the pieces at the places `shared` other heads have the very same."""
        alike = (len(head), shared, tuple([head[at] for at in shared]))
        plan = self._plans.get(alike)
        if plan is None:
            if len(self._plans) >= _KEPT_PLANS:
                self._plans.clear()
            plan = self._plans[alike] = _Plan.of(head, shared)
        return plan.filled(head) or signed_fields(head)


class _Plan(NamedTuple):
    """Heads that are alike but for some fields: what is signed of them, with gaps.

    `found` are the relaxed fields by their places in SIGNED. `own` says of each field that differs where it
    stands in the head, where it belongs, and how it begins as it travels and in relaxed form.
    """

    counts: Counts
    found: tuple[bytes, ...]
    own: tuple[tuple[int, int, bytes, bytes], ...]

    @classmethod
    def of(cls, head: Sequence[bytes], shared: Sequence[int]) -> _Plan:
        """The plan of all heads that have the pieces at the places `shared` in common with this one."""
        counts, found = _counted(head)
        own = []
        for at in sorted(set(range(len(head))).difference(shared)):
            name = head[at].partition(b":")[0]
            place = _PLACES.get(name.lower())
            if place is not None and counts[place] == len(_unfolded(head[at])) == 1:
                own.append((at, place, name + b": ", name.lower() + b":"))
            else:
                own.append((at, 0, b"\r", b""))  # nothing begins so: such heads are read as a whole
        return cls(counts, tuple(found), tuple(own))

    def filled(self, head: Sequence[bytes]) -> SignedFields | None:
        """What is signed of one of the heads; None if a field of its own is not as most of ours are.

        They are on one line, and their spaces are as they should be.
        """
        found = list(self.found)
        for at, place, start, relaxed_start in self.own:
            piece = head[at]
            if not piece.startswith(start) or piece.find(b"\r") != len(piece) - 2:
                return None
            if b"  " in piece or b" \r" in piece or b"\t" in piece:
                return None
            found[place] = relaxed_start + piece[len(start) :]
        return SignedFields(self.counts, b"".join(found))


def _counted(head: Iterable[bytes]) -> tuple[Counts, list[bytes]]:
    """How often each field is there, and the relaxed fields, both by their places in SIGNED."""
    counts, found = bytearray(_KINDS), [b""] * _KINDS
    for piece in head:
        for line in _unfolded(piece):
            name, value = _name_and_value(line)
            place = _PLACES.get(name)
            if place is None:
                continue
            if counts[place] == _MOST_OF_A_KIND:
                raise InputError("A mail that has a header field more than a hundred times is not signed.")
            found[place] = b"%b:%b\r\n" % (name, _relaxed_value(value)) + found[place]
            counts[place] += 1
    return bytes(counts), found


def _unfolded(piece: bytes) -> list[bytes]:
    """The fields of a piece, each on one line."""
    text = piece.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t").rstrip(b"\r\n")
    return text.split(b"\r\n") if text else []


def _name_and_value(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or line[0] in b" \t":
        raise InputError("A mail cannot be signed whose header has a line that is no field.")
    return name.rstrip(b" \t").lower(), value


def _relaxed_value(value: bytes) -> bytes:
    value = value.strip(b" \t")
    return SPACES.sub(b" ", value) if b"  " in value or b"\t" in value else value
