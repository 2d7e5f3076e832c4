"""Which start of the machine this is: a journal of an earlier one may have lost its tail."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

from digest.errors import ConfigError

_LINUX = Path("/proc/sys/kernel/random/boot_id")
_MACOS = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")


@functools.cache
def boot_id() -> str:
    """An id that is the same until the machine restarts, and never again after.

    Raises ConfigError where the system has none: without it no crash could be told from a power cut.
    """
    try:
        if sys.platform == "darwin":
            asked = subprocess.run(_MACOS, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
            found = asked.stdout
        else:
            found = _LINUX.read_text("ascii")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise ConfigError("This system has no boot id, which the send journal needs.") from error
    if not found.strip():
        raise ConfigError("This system's boot id is empty; the send journal needs one.")
    return found.strip()
