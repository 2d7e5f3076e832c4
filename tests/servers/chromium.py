"""The browser for tests: the system's own, never downloaded.

The ladder: the variable CHROMIUM, then what is on PATH: the one that knows no windows, which has a fifth less
to do, then those that people use.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.run import Service
from tests.servers.waiting import HANG

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# No sandbox: it needs rights that root in a container does not have, and only our own pages are opened.
# /dev/shm is small in a container. Few processes: each costs more than what our pages ask of it.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-extensions",
    "--in-process-gpu",
    "--renderer-process-limit=1",
    # Nothing is fetched from elsewhere. To stop it request by request would cost each page its cache.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def find() -> Service:
    """The program and its version, or why there is none."""
    given = os.environ.get("CHROMIUM", "")
    for candidate in (given,) if given else _NAMES:
        path = shutil.which(candidate)
        if path is not None:
            said = subprocess.run(
                [path, "--version"], capture_output=True, text=True, timeout=HANG, check=False
            )
            version = said.stdout.strip().split(" built on")[0] or "version unknown"
            return Service("chromium", path, f"{version} from {'CHROMIUM' if given else 'system'}")
    return Service(
        "chromium", "", f"the program {given} is not there" if given else f"none of {', '.join(_NAMES)}"
    )


@contextlib.contextmanager
def launched(path: Path) -> Iterator[Browser]:
    """A headless browser for the length of a block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
