"""What is stored of a picture: the site's word, our copy, the faults."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.feeds.picture_file import PictureFile
from digest.feeds.stored_pictures import (
    begun,
    copy_of,
    is_broken,
    next_try,
    read_name,
    with_copy,
    with_fault,
)

NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
SAID = {"url": "https://news.example.org/a.jpg", "width": 90, "height": 60, "alt": "Boats"}
MINUTE = dt.timedelta(minutes=1)


def test_a_copy_comes_back_as_it_was_noted() -> None:
    """With its name, which is read back into what it is; the faults before it are forgotten."""
    stored = with_copy(with_fault(begun(SAID), "timeout"), PictureFile(b"x", "image/png", 9, 6), "ab" * 32)
    found = copy_of(stored)
    assert found is not None
    assert (found.width, found.height, found.name) == (9, 6, f"{'ab' * 32}.png")
    assert read_name(found.name) == ("ab" * 32, "image/png")
    assert stored.keys() == {*SAID, "copy"}
    assert copy_of(SAID) is None


@pytest.mark.parametrize(
    "name",
    [
        *("", "a.jpg", f"{'ab' * 32}", f"{'ab' * 32}.gif", f"{'AB' * 32}.jpg", f"{'zz' * 32}.png"),
        *(f"{'ab' * 33}.jpg", f"{'ab' * 32}.jpg.png", "../" + "a" * 61 + ".jpg", "\x00" * 64 + ".jpg"),
    ],
)
def test_any_other_name_is_none(name: str) -> None:
    """Nothing but sixty-four digits and one of two endings."""
    assert read_name(name) is None


def test_the_waits_between_tries_grow() -> None:
    """A quarter of an hour, four times that, at most a day; at once where nothing has failed."""
    stored, waits = dict(SAID), []
    assert next_try(stored, NOW) is None
    for _ in range(6):
        stored = with_fault(begun(stored), "timeout")
        again = next_try(stored, NOW)
        assert again is not None
        waits.append((again - NOW) / MINUTE)
    assert waits == [15, 60, 240, 960, 1440, 1440]
    assert next_try(stored, None) is None


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        *(("not_a_picture", True), ("counter", True), ("http_404", True), ("http_410", True)),
        *(("http_403", False), ("http_503", False), ("timeout", False), ("too_large", False)),
        *(("too_many_pixels", False), ("unfinished", False), ("refused_address", False)),
    ],
)
def test_what_nobody_can_see_is_known(fault: str, broken: bool) -> None:  # noqa: FBT001
    """A page, a counter or nothing at all is not shown from its site either; what may be there is."""
    assert is_broken(with_fault(begun(SAID), fault)) == broken
    assert not is_broken(SAID)
