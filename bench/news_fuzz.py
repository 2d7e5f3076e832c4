"""Fuzzing of what reads the web's bytes: `make proof ARGS=news`.

Each target has a process of its own, for a find ends it. DIGEST_PROOF_SECONDS says how long each is tried.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator

from bench.figures import Figure, Target
from tests.fuzz.names import NAMES

AREA = "news"
SECONDS = int(os.environ.get("DIGEST_PROOF_SECONDS") or 120)


def proofs() -> Iterator[Figure]:
    """For each target how many inputs it could not take."""
    if importlib.util.find_spec("atheris") is None:
        print("news: atheris is not there (it has no build for this Python); nothing was fuzzed.")
        return
    for name in NAMES:
        yield _fuzzed(name)


def _fuzzed(name: str) -> Figure:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(SECONDS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS + 120,
        check=False,
    )
    said = done.stdout.decode("utf-8", "replace")
    runs = re.search(r"Done (\d+) runs", said)
    note = f"{runs[1]} inputs in {SECONDS} s" if runs and done.returncode == 0 else said[-1500:]
    return Figure(
        AREA,
        f"inputs that `{name}` cannot take",
        float(done.returncode != 0),
        "found",
        target=Target("<=", 0),
        note=note,
    )
