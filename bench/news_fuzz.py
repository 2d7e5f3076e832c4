"""Fuzzing of what reads the web's bytes: `make proof ARGS=news`.

Each target has a process of its own, for a find ends it. DIGEST_PROOF_SECONDS says how long each is tried.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

from bench import effort
from bench.figures import Figure, Target
from tests.fuzz.names import NAMES

AREA = "news"
# Reading a target's code and its seeds, and an input that is looked at for as long as one may be.
_BESIDES = 180

Fuzzing = Callable[[str, int], subprocess.CompletedProcess[bytes]]


def proofs() -> Iterator[Figure]:
    """For each target how many inputs it could not take, or that nothing was tried."""
    if importlib.util.find_spec("atheris") is None:
        yield not_fuzzed(may_be_there=_has_a_build())
        return
    for name in NAMES:
        yield fuzzed(name, effort.FUZZ_SECONDS)


def not_fuzzed(*, may_be_there: bool) -> Figure:
    """Nothing was tried: missed where it could have been, else only said."""
    why = (
        "atheris is not installed; `pip install --require-hashes -r requirements-fuzz.lock` says why"
        if may_be_there
        else "atheris has builds for Linux on x86-64 and Python < 3.14 only, and this is something else"
    )
    print(f"news: NOTHING WAS FUZZED: {why}.")
    target = Target(">=", len(NAMES)) if may_be_there else None
    return Figure(AREA, "targets that were fuzzed", 0.0, f"of {len(NAMES)}", target=target, note=why)


def _has_a_build() -> bool:
    """As the group `fuzz` of pyproject.toml has it."""
    return (
        sys.platform == "linux"
        and platform.machine() == "x86_64"
        and (sys.version_info.major, sys.version_info.minor) < (3, 14)
    )


def fuzz(name: str, seconds: int) -> subprocess.CompletedProcess[bytes]:
    """Try one target for so long, in a process of its own; its status is 0 if nothing was found."""
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds + _BESIDES,
        check=False,
    )


def fuzzed(name: str, seconds: int, fuzzing: Fuzzing = fuzz) -> Figure:
    """What came of it. A process that ends badly, does not end or has tried nothing is a find as well."""
    try:
        done = fuzzing(name, seconds)
    except subprocess.TimeoutExpired as error:
        return _figure(name, 1, f"it hung: {_text(error.output)[-1500:]}")
    said = _text(done.stdout)
    runs = re.search(r"Done (\d+) runs", said)
    if done.returncode != 0 or runs is None:
        return _figure(name, 1, said[-1500:])
    return _figure(name, 0, f"{int(runs[1]):,} inputs in {seconds} s")


def _figure(name: str, finds: int, note: str) -> Figure:
    title = f"inputs that `{name}` cannot take"
    return Figure(AREA, title, float(finds), "found", target=Target("<=", 0), note=note)


def _text(said: bytes | None) -> str:
    return (said or b"").decode("utf-8", "replace")
