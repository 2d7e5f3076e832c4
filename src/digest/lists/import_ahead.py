"""Read the next batch of a file while the database writes the one before."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(lines: Iterator[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size`, each made in a second thread while its forerunner is used.

    Never more than two are held; an error of the reading is raised where its batch would come.
    """

    def read() -> list[T]:
        return list(itertools.islice(lines, size))

    with ThreadPoolExecutor(1, "import-reader") as reader:
        coming = reader.submit(read)
        while batch := coming.result():
            coming = reader.submit(read)
            yield batch
