"""How many files may wait to be imported: of one account, and of all together."""

from __future__ import annotations

import pytest

from digest.errors import InputError
from digest.lists.import_kept import MOST, MOST_BYTES, MOST_OWN, MOST_OWN_BYTES, Waiting, check_room


def files(count: int, *, size: int = 1, account: int = 0) -> list[Waiting]:
    """That many files, each of an account of its own unless one is named."""
    return [Waiting(account or 100 + number, f"print {number}", size) for number in range(count)]


@pytest.mark.parametrize(
    ("waiting", "size"),
    [
        ([], MOST_OWN_BYTES),
        (files(MOST_OWN - 1, account=1), 1),
        (files(MOST - 1), 1),
        (files(3, size=MOST_BYTES // 4), MOST_BYTES // 4),
        ([Waiting(number, "one print", MOST_OWN_BYTES) for number in range(2, 30)], 1),  # kept once
    ],
)
def test_there_is_room_up_to_the_last_byte(waiting: list[Waiting], size: int) -> None:
    """Up to the number and the bytes that are named; the same bytes of several people count once in all."""
    check_room(waiting, Waiting(1, "new", size))


@pytest.mark.parametrize(
    ("waiting", "size", "said"),
    [
        ([], MOST_OWN_BYTES + 1, "throw one away"),
        (files(MOST_OWN, account=1), 1, "throw one away"),
        (files(2, size=MOST_OWN_BYTES // 2, account=1), 1, "throw one away"),
        (files(MOST), 1, "bring this one again later"),
        (files(4, size=MOST_BYTES // 4), 1, "bring this one again later"),
    ],
)
def test_one_file_more_is_refused(waiting: list[Waiting], size: int, said: str) -> None:
    """With the sentence that says whose files they are."""
    with pytest.raises(InputError, match=said):
        check_room(waiting, Waiting(1, "new", size))
