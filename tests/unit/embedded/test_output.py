"""Lines of the children: cut, kept, limited."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from digest.embedded.output import Output, ToFile, ToStandardError


class Kept:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.closed = False

    def write(self, line: bytes) -> None:
        self.lines.append(line)

    def close(self) -> None:
        self.closed = True


def _feed(output: Output, *pieces: bytes, end: bool = False) -> bool:
    read, write = os.pipe()
    try:
        for piece in pieces:
            os.write(write, piece)
            more = output.read_from(read)
        if end:
            os.close(write)
            write = -1
            more = output.read_from(read)
    finally:
        os.close(read)
        if write >= 0:
            os.close(write)
    return more


def test_lines_are_put_together_from_pieces() -> None:
    """A line that comes in two reads is one line; a line without an end waits for it."""
    sink = Kept()
    output = Output(sink)
    assert _feed(output, b"one\ntw", b"o\nthr")
    assert sink.lines == [b"one", b"two"]
    assert output.last_line == "two"


def test_last_words_without_a_line_end_are_kept() -> None:
    """What a child said before it died is passed on though it is not a whole line."""
    sink = Kept()
    output = Output(sink)
    assert not _feed(output, b"cannot open the file", end=True)
    assert sink.lines == [b"cannot open the file"]
    assert output.last_line == "cannot open the file"


def test_blank_lines_are_not_last_words() -> None:
    """The last line that says something counts."""
    output = Output(Kept())
    _feed(output, b"reason\n\n  \n")
    assert output.last_line == "reason"


def test_hushed_lines_are_neither_shown_nor_last_words() -> None:
    """Advice that does not concern us does not hide the line that does."""
    sink = Kept()
    output = Output(sink, hush=(b"advice",))
    _feed(output, b"reason\nWARNING some advice\n")
    assert sink.lines == [b"reason"]
    assert output.last_line == "reason"


def test_endless_line_is_cut() -> None:
    """A child that prints no line end does not fill our memory."""
    sink = Kept()
    output = Output(sink)
    for _ in range(40):
        _feed(output, b"x" * 1024)
    assert sum(map(len, sink.lines)) >= 32 * 1024
    assert max(map(len, sink.lines)) <= 17 * 1024


def test_bytes_that_are_not_text_do_no_harm() -> None:
    """A last line in another encoding is shown as well as it can be."""
    output = Output(Kept())
    _feed(output, b"\xff\xfe broken\n")
    assert output.last_line.endswith("broken")


def test_file_is_turned_over_at_its_limit(tmp_path: Path) -> None:
    """A log takes at most twice its limit on disk, and the newest lines are in the file itself."""
    path = tmp_path / "logs" / "web.log"
    sink = ToFile(path, limit=100)
    for number in range(50):
        sink.write(b"line %02d" % number)
    sink.close()
    assert path.read_bytes().endswith(b"line 49\n")
    assert sorted(each.name for each in path.parent.iterdir()) == ["web.log", "web.log.1"]
    assert sum(each.stat().st_size for each in path.parent.iterdir()) <= 200
    assert path.stat().st_mode & 0o777 == 0o600


def test_file_goes_on_where_an_earlier_run_ended(tmp_path: Path) -> None:
    """A restart does not lose the log of the run before."""
    for word in (b"first", b"second"):
        sink = ToFile(tmp_path / "web.log")
        sink.write(word)
        sink.close()
    assert (tmp_path / "web.log").read_bytes() == b"first\nsecond\n"


def test_names_are_put_before_lines(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Names stand in one column; without a terminal there is no colour."""
    ToStandardError("web", width=6, place=0).write("Ծիրան".encode())
    assert capfdbinary.readouterr().err == "web    | Ծիրան\n".encode()
