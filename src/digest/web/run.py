"""The web of `digest up`: what `digest web` does, without the command line, which takes 5 MB a process.

With two numbers it is one of several processes: the socket and the lifeline that its parent handed down.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from digest.config import Settings, settings
from digest.errors import DigestError
from digest.web.several import processes_of, serve_by_several


def main(numbers: Sequence[str] = ()) -> int:
    """Serve until a stop signal; returns the exit status."""
    try:
        if numbers:
            listener, lifeline = map(int, numbers)
            _serve_one(settings(), listener, lifeline)
        else:
            run(settings())
    except DigestError as error:
        sys.stderr.write(f"digest: {error}\n")
        return 2
    return 0


def run(config: Settings) -> None:
    """Serve by as many processes as the settings say. Raises as `serve` and `serve_by_several` do."""
    count = processes_of(config)
    if count > 1:
        serve_by_several(config, count)
        return
    from digest.web.serve import serve  # noqa: PLC0415  (a parent of several serves nothing: memory)

    serve(config)


def _serve_one(config: Settings, listener: int, lifeline: int) -> None:
    from digest.web.serve import serve_from  # noqa: PLC0415

    serve_from(config, listener, lifeline)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
