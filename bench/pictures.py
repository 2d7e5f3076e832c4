"""Make the pictures of the documentation: `python -m bench.pictures`.

The demo is run once in a temporary folder. Two of its mails, English and Armenian, are opened in Chromium as
a mail program would show them, and its report at the terminal is drawn. Nothing is fetched: the pictures in
the mails are the demo's own copies, out of its database.
"""

from __future__ import annotations

import functools
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import sqlalchemy as sa
from playwright.sync_api import Browser, Route
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from bench.pictures_gallery import beside, sheets, small
from digest.db import Database
from digest.feeds.stored_pictures import KIND
from digest.lists import assets
from digest.mail.mailbox import list_messages, read_message
from digest.models import Asset
from tests.servers import chromium

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
DEMO_SECONDS = 180
LARGEST = 200_000  # bytes of a picture: the documentation is cloned with the code
COLUMNS = 96

_PAPER = "#fffefb"
_THEME = TerminalTheme(
    background=(255, 254, 251),
    foreground=(28, 25, 23),
    # black, red, green, yellow, blue, magenta, cyan, white: dark enough for a light ground
    normal=[
        *((28, 25, 23), (138, 28, 28), (22, 101, 52), (133, 77, 14)),
        *((30, 64, 175), (107, 33, 168), (14, 116, 144), (87, 82, 75)),
    ],
)
# As rich draws it, but with fonts of the system alone (its own form names one on the network), a little
# larger so that the lines of boxes meet.
_SVG = """<svg viewBox="0 0 {terminal_width} {terminal_height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace;
font-size: 21px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="100%" height="100%" /></clipPath>{lines}</defs>
<rect width="100%" height="100%" fill="none"/>
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g>
</svg>"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a mail: which mail, how wide, in which scheme, and from where on."""

    name: str
    language: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"
    begin: str = ""  # a selector; from the top without one


SHOTS = (
    Shot("mail-en-light", "en", 640, 1180),
    Shot("mail-en-dark", "en", 640, 1180, scheme="dark"),
    Shot("mail-en-headlines", "en", 640, 900, begin=".recents"),
    Shot("mail-en-phone", "en", 360, 900),
    Shot("mail-hy-light", "hy", 640, 1180),
    Shot("mail-hy-dark", "hy", 640, 1180, scheme="dark"),
    Shot("mail-hy-phone", "hy", 360, 900),
)
PAIR = (Shot("light", "en", 600, 1080), Shot("dark", "en", 600, 1080, scheme="dark"))


def main() -> int:
    """Make all pictures; 1, with a sentence, if something that it needs is missing."""
    program = chromium.find()
    if not program.url:
        sys.stderr.write(f"Chromium is needed to make the pictures: {program.text}.\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, chromium.launched(Path(program.url)) as browser:
        said = run_demo(Path(temporary))
        demo = Path(temporary) / "var" / "demo"
        mails = dict(mails_by_language(demo / "inbox"))
        copies = copies_in(demo / "digest.db")
        for shot in SHOTS:
            save(shot.name, photograph(browser, mails[shot.language], shot, copies))
        pair = [(photograph(browser, mails["en"], shot, copies), 0) for shot in PAIR]
        save("mail-en-pair", beside(pair, PAIR[0].height))
        for name, png in sheets(browser):
            save(name, png)
        save("demo-report", draw(browser, said))
    return 0


def run_demo(folder: Path) -> str:
    """Run the demo once in `folder`; what it printed, with its colours."""
    done = subprocess.run(
        [sys.executable, "-m", "digest.cli", "demo", "--once"],
        cwd=folder,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the demo failed: {done.stderr.strip()[-500:]}")
    # The reader of the documentation runs it elsewhere.
    return done.stdout.replace(f"{folder.resolve()}{os.sep}", "")


def mails_by_language(inbox: Path) -> Iterator[tuple[str, str]]:
    """(language, HTML) of each caught mail in the normal text size."""
    for summary in list_messages(inbox):
        html = read_message(inbox, summary.name).html
        found = re.search(r'<html lang="(\w+)"', html)
        if found and "font-size:44px" in html.replace(" ", ""):
            yield found[1], html


def copies_in(path: Path) -> dict[str, bytes]:
    """The pictures that a database keeps, by their fingerprints."""
    database = Database(f"sqlite:///{path}")
    with database.read() as session:
        kept = session.scalars(sa.select(Asset).where(Asset.kind == KIND)).all()
        found = {one.fingerprint: b"".join(assets.chunks(session, one.id)) for one in kept}
    database.close()
    return found


def photograph(browser: Browser, html: str, shot: Shot, copies: Mapping[str, bytes]) -> bytes:
    """A part of the mail as PNG; fails if a picture in it is missing."""
    context = browser.new_context(
        color_scheme=shot.scheme, viewport={"width": shot.width, "height": shot.height}
    )
    page = context.new_page()
    page.route("**/*", functools.partial(_serve, copies))
    page.set_content(html, wait_until="load")
    broken = page.evaluate("[...document.images].filter(image => !image.naturalWidth).length")
    if broken:
        raise RuntimeError(f"{shot.name}: {broken} pictures of the mail could not be shown")
    top = 0.0
    if shot.begin:
        box = page.locator(shot.begin).bounding_box()
        assert box is not None
        top = box["y"]
    png = page.screenshot(
        full_page=True,
        animations="disabled",
        clip={"x": 0, "y": top, "width": shot.width, "height": shot.height},
    )
    context.close()
    return png


def draw(browser: Browser, said: str) -> bytes:
    """What the demo printed at a terminal, as PNG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(said))
    svg = console.export_svg(theme=_THEME, code_format=_SVG, unique_id="demo")
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    page = context.new_page()
    style = f"width:1000px;padding:16px;box-sizing:border-box;background:{_PAPER}"
    page.set_content(f'<body style="margin:0"><div style="{style}">{svg}</div>')
    png = page.locator("div").screenshot()
    context.close()
    return png


def save(name: str, png: bytes) -> None:
    """Write a picture into the documentation's folder with a palette, if it is small enough."""
    png = small(png)
    if len(png) > LARGEST:
        raise RuntimeError(f"{name} has {len(png)} bytes, more than {LARGEST}")
    (FOLDER / f"{name}.png").write_bytes(png)
    sys.stdout.write(f"{name}.png  {len(png) // 1000} kB\n")


def _serve(copies: Mapping[str, bytes], route: Route) -> None:
    """A copy by its name; nothing else is reached."""
    name = Path(urlsplit(route.request.url).path)
    if name.stem in copies:
        route.fulfill(body=copies[name.stem], content_type=f"image/{name.suffix[1:].replace('jpg', 'jpeg')}")
    else:
        route.abort()


if __name__ == "__main__":
    raise SystemExit(main())
