"""Thunderbird as it shows a mail, on a screen that nobody sees (Xvfb). It asks nothing of any network.

A profile of its own, without first-run pages, accounts and updates, all of its requests sent to a port where
nobody listens. The screen is read from the file that Xvfb keeps it in.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.run import Service

if TYPE_CHECKING:
    from PIL.Image import Image

_PROGRAMS = {"thunderbird": "thunderbird", "Xvfb": "xvfb", "dbus-run-session": "dbus-daemon"}
_NOBODY = {"http": 9, "ssl": 9, "socks": 9}
_PREFERENCES: dict[str, bool | int | str] = {
    # No questions and no pages but the mail.
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.shell.checkDefaultClient": False,
    "mail.rights.version": 1,
    "mail.inappnotifications.enabled": False,
    "mailnews.start_page.enabled": False,
    "mailnews.start_page_override.mstone": "ignore",
    "app.donation.eoy.version.viewed": 999,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    # No network.
    "network.proxy.type": 1,
    "network.proxy.no_proxies_on": "",
    **{f"network.proxy.{kind}": "127.0.0.1" for kind in _NOBODY},
    **{f"network.proxy.{kind}_port": port for kind, port in _NOBODY.items()},
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:9",
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "toolkit.telemetry.enabled": False,
}
_WINDOW = "chrome://messenger/content/messageWindow.xhtml"
_LIMIT = 180.0
# It has drawn the mail when the screen has stood still for so many looks, a second apart.
_STILL = 5


def find() -> Service:
    """The program and its version, or why there is none."""
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        return Service(
            "thunderbird", "", f"it is not installed (Debian: apt-get install {' '.join(_PROGRAMS.values())})"
        )
    path = shutil.which("thunderbird") or ""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    return Service("thunderbird", path, said.stdout.strip() or "version unknown")


def photograph(program: Path, mail: bytes, *, width: int, height: int, is_dark: bool = False) -> Image:
    """The window of a mail, of this size, once it stands still; AssertionError if it does not come up."""
    with tempfile.TemporaryDirectory(prefix="digest-thunderbird-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "mail.eml").write_bytes(mail)
        _make_profile(folder / "profile", width=width, height=height, is_dark=is_dark)
        with _screen(folder, width, height) as (display, pixels), _opened(program, folder, display):
            _wait(pixels, folder)
            return _picture(pixels)


def _make_profile(folder: Path, *, width: int, height: int, is_dark: bool) -> None:
    folder.mkdir()
    chosen = {
        **_PREFERENCES,
        "ui.systemUsesDarkTheme": int(is_dark),
        "layout.css.prefers-color-scheme.content-override": int(not is_dark),
    }
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in chosen.items()]
    (folder / "user.js").write_text("".join(lines), encoding="utf-8")
    size = {"screenX": "0", "screenY": "0", "width": str(width), "height": str(height), "sizemode": "normal"}
    (folder / "xulstore.json").write_text(json.dumps({_WINDOW: {"messengerWindow": size}}), encoding="utf-8")


@contextlib.contextmanager
def _screen(folder: Path, width: int, height: int) -> Iterator[tuple[str, Path]]:
    """A screen: its display's name, and the file that it is kept in."""
    size = f"{width}x{height}x24"
    argv = [
        "Xvfb",
        "-displayfd",
        "1",
        "-screen",
        "0",
        size,
        "-fbdir",
        folder,
        "-nolisten",
        "tcp",
        "-nocursor",
    ]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout
        number = process.stdout.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}", folder / "Xvfb_screen0"
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout:
            process.stdout.close()


@contextlib.contextmanager
def _opened(program: Path, folder: Path, display: str) -> Iterator[None]:
    argv = ["dbus-run-session", "--", program, "--no-remote", "--profile", folder / "profile"]
    env = {"HOME": str(folder), "TMPDIR": str(folder), "PATH": os.environ["PATH"], "DISPLAY": display}
    env |= {"LANG": "C.UTF-8", "TZ": "UTC", "MOZ_CRASHREPORTER_DISABLE": "1"}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [*argv, "-file", folder / "mail.eml"],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(pixels: Path, folder: Path) -> None:
    """Until the screen has many colours, and has stood still for a while."""
    until, last, still = time.monotonic() + _LIMIT, b"", 0
    while still < _STILL:
        said = (folder / "said").read_text(errors="replace")[-500:]
        assert time.monotonic() < until, f"Thunderbird does not show the mail: {said}"
        time.sleep(1)
        now = pixels.read_bytes()
        is_drawn = len(set(now[4096::997])) > 16
        still = still + 1 if now == last and is_drawn else 0
        last = now


def _picture(pixels: Path) -> Image:
    """What lies in the file: an X window dump (X11/XWDFile.h), here of 32 bits a point."""
    from PIL import Image

    raw = pixels.read_bytes()
    head = struct.unpack(">25I", raw[:100])
    start = head[0] + 12 * head[19]  # the header, and a table of colours
    width, height, row = head[4], head[5], head[12]
    return Image.frombuffer("RGB", (width, height), raw[start : start + row * height], "raw", "BGRX", row, 1)
