"""`python -m tests.fuzz TARGET --seconds 60`: look for an input that a target cannot take.

`python -m tests.fuzz TARGET --again var/fuzz/TARGET-crash-...`: try one that was found; it needs no atheris.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

# An input that takes longer than this is a find, and so is one with which the process takes more megabytes.
_SECONDS_EACH = 30
_MEMORY = 300
_LARGEST = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument(
        "--finds", type=Path, default=Path("var/fuzz"), help="Where an input is kept that was found."
    )
    parser.add_argument("--again", type=Path, help="Try one input that was kept, and nothing else.")
    given = parser.parse_args()
    if given.again:
        from tests.fuzz.targets import TARGETS, tried

        tried(TARGETS[given.target], given.again.read_bytes())
        return
    import atheris

    with atheris.instrument_imports(include=["digest.feeds", "feedparser"]):
        from tests.fuzz.targets import TARGETS, tried
    from tests.fuzz.seeds import SEEDS

    target = TARGETS[given.target]
    given.finds.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS[given.target]):
            (Path(folder) / str(number)).write_bytes(seed)
        limits = [
            f"-max_total_time={given.seconds}",
            f"-timeout={_SECONDS_EACH}",
            f"-rss_limit_mb={_MEMORY}",
            f"-max_len={_LARGEST}",
        ]
        kept = f"-artifact_prefix={given.finds}/{given.target}-"
        atheris.Setup([sys.argv[0], *limits, kept, folder], lambda data: tried(target, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
