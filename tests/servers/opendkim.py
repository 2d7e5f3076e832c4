"""OpenDKIM as a judge of our signatures: the filter in its verifying mode over a file, without any DNS."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.servers.run import Service
from tests.servers.waiting import HANG

# Debian keeps it where only root's PATH leads.
_PLACES = ("/usr/sbin", "/usr/local/sbin")
_VERDICT = re.compile(r"\bdkim=(\w+).*?header\.a=([\w-]+)")


def find() -> Service:
    """The program and its version, or why there is none."""
    path = shutil.which("opendkim") or shutil.which("opendkim", path=":".join(_PLACES))
    if path is None:
        return Service("opendkim", "", "the program opendkim is not there")
    said = subprocess.run([path, "-V"], capture_output=True, text=True, timeout=HANG, check=False)
    first = (said.stdout + said.stderr).splitlines()[0]
    return Service("opendkim", path, first.removeprefix("opendkim: "))


def verdicts(program: Path, folder: Path, message: bytes, records: Mapping[str, str]) -> dict[str, str]:
    """What it says of each signature: `pass`, `fail` or another word, by the signature's algorithm.

    `records` are the TXT records by name. Its exit code is 0 whatever it found, so its words are read.
    """
    (folder / "message.eml").write_bytes(message)
    (folder / "keys").write_text("".join(f"{name} {text}\n" for name, text in records.items()))
    (folder / "opendkim.conf").write_text(f"Mode v\nTestDNSData {folder / 'keys'}\n")
    said = subprocess.run(
        [program, "-vv", "-x", folder / "opendkim.conf", "-t", folder / "message.eml"],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=True,
    ).stdout
    return {found[2]: found[1] for found in _VERDICT.finditer(said)}
