"""What the children print: line by line to our standard error under their names, or each into a file."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from pathlib import Path
from typing import Protocol

_CHUNK = 64 * 1024
_LONGEST_LINE = 16 * 1024
_LONGEST_FILE = 5 * 1024 * 1024
_TAIL = 5
_COLOURS = (36, 32, 35, 33, 34)


class Sink(Protocol):
    """Where finished lines go."""

    def write(self, line: bytes) -> None:
        """Take one line, without its end."""

    def close(self) -> None:
        """Let go of what is held."""


class ToStandardError:
    """Each line to our standard error, after the child's name; in a colour of its own at a terminal."""

    def __init__(self, name: str, *, width: int, place: int) -> None:
        plain = f"{name.ljust(width)} | "
        colour = _COLOURS[place % len(_COLOURS)]
        self._prefix = (f"\x1b[{colour}m{plain}\x1b[0m" if sys.stderr.isatty() else plain).encode()

    def write(self, line: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):  # the terminal may be gone; the work goes on
            sys.stderr.buffer.write(self._prefix + line + b"\n")
            sys.stderr.buffer.flush()

    def close(self) -> None:
        return


class ToFile:
    """Each line to a file of at most `limit` bytes; the one before it is kept as NAME.log.1."""

    def __init__(self, path: Path, *, limit: int = _LONGEST_FILE) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._limit = limit
        self._file = self._open()

    def write(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk must not end the supervisor
            if os.fstat(self._file).st_size + len(line) >= self._limit:
                os.close(self._file)
                self._path.replace(self._path.with_name(self._path.name + ".1"))
                self._file = self._open()
            os.write(self._file, line + b"\n")

    def close(self) -> None:
        os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


class Output:
    """Cuts what comes through one child's pipe into lines, and remembers the last few.

    Lines that hold one of the words of `hush` are dropped.
    The pipe is ours for as long as the child and whatever it started hold the other end.
    """

    def __init__(self, sink: Sink, *, hush: tuple[bytes, ...] = ()) -> None:
        self._sink = sink
        self._hush = hush
        self._rest = b""
        self._last: deque[bytes] = deque(maxlen=_TAIL)

    @property
    def last_line(self) -> str:
        """The last line that was not blank."""
        return next(
            (line.decode("utf-8", "replace").strip() for line in reversed(self._last) if line.strip()), ""
        )

    @property
    def tail(self) -> str:
        """The last few lines."""
        return b"\n".join(self._last).decode("utf-8", "replace")

    def read_from(self, pipe: int) -> bool:
        """Take what there is now; false at its end."""
        try:
            data = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE or (not data and self._rest):
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            if not any(word in line for word in self._hush):
                self._last.append(line)
                self._sink.write(line)
        return bool(data)

    def close(self) -> None:
        """Let go of the sink."""
        self._sink.close()
