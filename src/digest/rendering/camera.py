"""Pictures of a mail in every view, by a Chromium that is there already; without one there are none.

It runs as a program, without network: a mail's words come from elsewhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from digest.errors import DigestError
from digest.rendering.previews import ROWS, View, heights_in, row_page

if TYPE_CHECKING:
    from PIL.Image import Image

_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_PATIENCE: Final = 90  # seconds for one picture
_TALLEST: Final = 14_000  # CSS pixels: what a browser can draw in one piece
_ARGUMENTS: Final = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-dev-shm-usage"),
    *("--hide-scrollbars", "--force-device-scale-factor=1", "--host-resolver-rules=MAP * ~NOTFOUND"),
)
_SHEET_SCALE: Final = 0.4
_GAP: Final = 16


def find_browser(given: Path | None = None) -> Path | None:
    """The browser's program: that one, or the first that PATH has; None if there is none."""
    names = (str(given),) if given is not None else _NAMES
    found = next((path for name in names if (path := shutil.which(name)) is not None), None)
    return Path(found) if found is not None else None


def photograph(
    html: str, folder: Path, browser: Path, *, rows: Sequence[Sequence[View]] = ROWS
) -> dict[View, bytes]:
    """PNG pictures of a mail in every view. Its pictures are files in `folder`, named as its `src` say.

    Raises DigestError if the browser fails or takes too long.
    """
    taken: dict[View, bytes] = {}
    for views in rows:
        taken |= _row(views, html, folder, browser)
    return taken


def _row(views: Sequence[View], html: str, folder: Path, browser: Path) -> dict[View, bytes]:
    from PIL import Image  # noqa: PLC0415  (only whoever makes pictures loads it)

    with tempfile.NamedTemporaryFile("w", suffix=".html", dir=folder, encoding="utf-8") as page:
        page.write(row_page(views, html))
        page.flush()
        address = Path(page.name).as_uri()
        wide = sum(view.width for view in views)
        heights = heights_in(_run(browser, "--dump-dom", f"--window-size={wide},800", address).decode())
        if len(heights) != len(views):
            raise DigestError(f"{browser.name} could not show the mail; its picture is not made.")
        tall = min(max(heights), _TALLEST)
        shot = folder / f"{Path(page.name).stem}.png"
        try:
            _run(browser, f"--screenshot={shot}", f"--window-size={wide},{tall}", address)
            with Image.open(shot) as opened:
                whole = opened.convert("RGB")
        except OSError as error:
            raise DigestError(f"{browser.name} made no picture: {error}") from error
        finally:
            shot.unlink(missing_ok=True)
    taken, left = {}, 0
    for view, height in zip(views, heights, strict=True):
        part = whole.crop((left, 0, left + view.width, min(height, tall)))
        taken[view] = _png(part)
        left += view.width
    return taken


def paste_up(taken: Mapping[View, bytes]) -> bytes:
    """All pictures on one JPEG, smaller: light beside dark, and below them what mail programs take away."""
    from PIL import Image  # noqa: PLC0415

    rows: list[list[Image.Image]] = []
    for views in (ROWS[0] + ROWS[1], ROWS[2] + ROWS[3]):
        row = []
        for view in views:
            with Image.open(BytesIO(taken[view])) as opened:
                size = (round(opened.width * _SHEET_SCALE), max(1, round(opened.height * _SHEET_SCALE)))
                row.append(opened.resize(size))
        rows.append(row)
    wide = max(sum(one.width + _GAP for one in row) for row in rows) + _GAP
    tall = sum(max(one.height for one in row) + _GAP for row in rows) + _GAP
    sheet = Image.new("RGB", (wide, tall), "#77736b")
    top = _GAP
    for row in rows:
        left = _GAP
        for one in row:
            sheet.paste(one, (left, top))
            left += one.width + _GAP
        top += max(one.height for one in row) + _GAP
    kept = BytesIO()
    sheet.save(kept, "JPEG", quality=85)
    return kept.getvalue()


def _png(image: Image) -> bytes:
    kept = BytesIO()
    image.save(kept, "PNG", compress_level=5)
    return kept.getvalue()


def _run(browser: Path, *arguments: str) -> bytes:
    # It refuses to run as root unless its own sandbox is off.
    root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="digest-preview-") as home:
        try:
            done = subprocess.run(  # noqa: S603  (the browser that whoever runs Digest has)
                [str(browser), *_ARGUMENTS, *root, f"--user-data-dir={home}", *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise DigestError(f"{browser.name} could not be run: {type(error).__name__}.") from error
    return done.stdout
