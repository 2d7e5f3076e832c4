"""`python -m bench [AREA]`: measure the figures; `python -m bench --proof [AREA]`: run the slow proofs."""

from __future__ import annotations

import argparse
import os
import sys

# Effort is read before the variables are put out of the way.
from bench import effort as _effort  # noqa: F401
from bench.run import AREAS, run


def main(argv: list[str] | None = None) -> int:
    """Measure; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Digest beside references.")
    parser.add_argument("area", nargs="?", help=f"one of: {', '.join(AREAS)} (default: all)")
    parser.add_argument("--proof", action="store_true", help="run the slow proofs instead")
    given = parser.parse_args(argv)
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        del os.environ[
            name
        ]  # the settings of an installation on this machine must not be measured, or touched
    return run(given.area, proof=given.proof)


if __name__ == "__main__":
    sys.exit(main())
