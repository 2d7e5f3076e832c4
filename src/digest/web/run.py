"""The web of `digest up`: what `digest web` does, without the command line, which takes 5 MB a process."""

from __future__ import annotations

import sys

from digest.config import settings
from digest.errors import DigestError
from digest.web.serve import serve


def main() -> int:
    """Serve until a stop signal; returns the exit status."""
    try:
        serve(settings())
    except DigestError as error:
        sys.stderr.write(f"digest: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
