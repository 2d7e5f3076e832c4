"""Read the next batch of a file while the database writes the one before.

All that the file alone tells is done here, in a second thread: on a server, that costs no time of its own.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from digest.addresses import keyed_hash
from digest.lists.csv_lines import BadLine
from digest.lists.import_rows import Row
from digest.lists.import_seen import Seen

_OBJECTS = 50_000


@dataclass(slots=True)
class Batch:
    """Some lines of a file, in its order: people by their addresses' hashes, and what else there was."""

    lines: int = 0
    rows: dict[str, Row] = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)
    repeated: list[Row] = field(default_factory=list)
    offices: list[Row] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many lines came to what before anything was looked up."""
        bad, repeated, offices = len(self.bad), len(self.repeated), len(self.offices)
        return {"lines": self.lines, "bad": bad, "repeated": repeated, "offices": offices}


def take_batch(lines: Iterator[Row | BadLine], size: int, *, seen: Seen, address_key: bytes) -> Batch:
    """At most `size` lines, without whoever stood in the file before; an empty batch at its end."""
    batch = Batch()
    rows, add = batch.rows, seen.add
    for line in itertools.islice(lines, size):
        batch.lines += 1
        if isinstance(line, BadLine):
            batch.bad.append(line)
        elif add(line.address.key):
            rows[keyed_hash(address_key, line.address.key)] = line
            if line.is_office:
                batch.offices.append(line)
        else:
            batch.repeated.append(line)
    return batch


class ReadAhead:
    """Batches until one is empty, each made in a second thread while its forerunner is written.

    Never more than two are held; an error of the reading is raised where its batch would come. Whoever takes
    them calls `go_on` once only the database has much to do: both threads share Python's one lock, and short
    questions to a server would wait for it between lines.
    """

    def __init__(self, take: Callable[[], Batch]) -> None:
        self._take = take
        self._coming: Future[Batch] | None = None
        self._reader = ThreadPoolExecutor(1, "import-reader")

    def __iter__(self) -> Iterator[Batch]:
        with self._reader:
            while (batch := self.go_on().result()).lines:
                self._coming = None
                yield batch
                # What was asked of the database lies about in cycles, half a megabyte of texts a batch.
                gc.collect(1)

    def go_on(self) -> Future[Batch]:
        """Begin with the next batch, unless that was done."""
        if self._coming is None:
            self._coming = self._reader.submit(self._take)
        return self._coming


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Have Python look for cycles after many more new objects than usual, for the length of a block.

    Rows make no cycles, and going through thousands of them again and again takes a quarter of the time.
    The block itself must then look for the few cycles that there are.
    """
    usual = gc.get_threshold()
    gc.set_threshold(max(_OBJECTS, usual[0]), *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
