"""Photograph every screen of the desk: `make screens`. Looked at against the list in docs/screens.md.

An invented newsroom is made in a temporary folder and served; each page of the route table is opened in
Chromium, and photographed wide and narrow, light and dark. Nothing is fetched from elsewhere.
"""

from __future__ import annotations

import io
import itertools
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from digest import clock, keys
from digest.db import Database
from digest.db.schema import upgrade
from digest.embedded.newspaper.newspaper import Newspaper
from digest.embedded.newspaper.site import running
from digest.logs import set_up
from tests.browser.desk_scene import ZONE, Scene, make_beginning, make_scene, quiet
from tests.browser.desk_screens import Screen, beginnings, screens
from tests.browser.first_load import MOST_BYTES as MOST_OF_A_PAGE
from tests.browser.first_load import MOST_MOVED, FirstLoad
from tests.integration.web.rows import make_settings
from tests.integration.web.served import served
from tests.servers import chromium
from tests.servers.dns import DnsServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "docs" / "screens"
INDEX: Final = ROOT / "docs" / "screens.md"
READERS: Final = 2000
# Of all together: the documentation is cloned with the code. Some 100 screens, four pictures of 25 kB each.
MOST_BYTES: Final = 9_500_000
_MARK: Final = "<!-- made by `make screens` -->"
_QUALITY: Final = 24
_NARROW: Final = 900


class Shot(NamedTuple):
    """How a page is looked at; what is below `height` is cut off."""

    width: int
    height: int
    scheme: Literal["light", "dark"]

    @property
    def name(self) -> str:
        return f"{self.width}-{self.scheme}"


SHOTS: Final = (
    Shot(1280, 1500, "light"),
    Shot(1280, 1500, "dark"),
    Shot(390, 1600, "light"),
    Shot(390, 1600, "dark"),
)


def main(names: Iterable[str]) -> int:
    """Photograph all, or those named; 1 if something that it needs is missing, or all are too large."""
    program = chromium.find()
    if not program.url:
        sys.stderr.write(f"Chromium is needed to make the pictures: {program.text}.\n")
        return 1
    wanted, taken = set(names), []
    FOLDER.mkdir(parents=True, exist_ok=True)
    set_up(level="WARNING", json=False)
    with (
        quiet(),
        chromium.launched(Path(program.url)) as browser,
        tempfile.TemporaryDirectory() as full,
        tempfile.TemporaryDirectory() as empty,
        running(Newspaper(clock.utc_now())) as site,
        DnsServer(ZONE) as dns,
    ):
        for folder, url in ((full, site.url), (empty, "")):
            for screen in photographed(browser, Path(folder), url, wanted, dns.setting):
                taken.append(screen)
                sys.stdout.write(f"{screen}\n")
    if not wanted:
        for path in FOLDER.iterdir():
            if path.stem.rpartition("-")[0].rpartition("-")[0] not in taken:
                path.unlink()
        INDEX.write_text(_with_index(INDEX.read_text(encoding="utf-8"), taken), encoding="utf-8")
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    sys.stdout.write(f"{len(taken)} screens; {size / 1e6:.1f} MB in all\n")
    return 0 if size <= MOST_BYTES else 1


def photographed(browser: Browser, folder: Path, site: str, wanted: set[str], dns: str) -> Iterator[str]:
    """Serve an installation, in full swing if there is a site, and photograph it; its screens' names."""
    settings = make_settings(
        folder / "data",
        f"sqlite:///{folder / 'digest.db'}",
        private_hosts=(site.rpartition("/")[2],),
        dns_servers=dns,
        log_level="WARNING",
    )
    database = Database(settings.database)
    upgrade(database)
    scene, all_screens = _scene(database, keys.load(settings.secrets_folder), site)
    with served(settings, folder) as web:
        for screen in all_screens:
            if not wanted or screen.name in wanted:
                _take(browser, web.url, scene, screen)
                yield screen.name
    database.close()


def _scene(database: Database, made: keys.Keys, site: str) -> tuple[Scene, list[Screen]]:
    now = clock.utc_now()
    if site:
        scene = make_scene(database, made, readers=READERS, now=now, site=site)
        return scene, list(screens(scene))
    scene = make_beginning(database, made, now=now)
    return scene, list(beginnings(scene))


def _take(browser: Browser, url: str, scene: Scene, screen: Screen) -> None:
    """Photograph a screen, opened anew for each width; say so where it moves while it comes, or is heavy."""
    for width, shots in itertools.groupby(SHOTS, key=lambda shot: shot.width):
        context = browser.new_context(
            locale="en",
            reduced_motion="reduce",
            color_scheme="light",
            viewport={"width": width, "height": 900 if width > _NARROW else 844},
        )
        page = context.new_page()
        load = FirstLoad(page)
        screen.open(page, context, url, scene)
        moved = load.moved()
        if screen.then is None and (load.bytes > MOST_OF_A_PAGE or sum(far for far, _ in moved) > MOST_MOVED):
            sys.stderr.write(f"{screen.name}, {width}: {load.bytes} bytes, moved: {moved}\n")
        _photograph(page, screen.name, shots)
        context.close()


def _photograph(page: Page, name: str, shots: Iterable[Shot]) -> None:
    for shot in shots:
        page.emulate_media(color_scheme=shot.scheme)
        # A dialog stands in the middle of the window, whatever the length of the page behind it.
        is_whole = page.locator("dialog[open], :popover-open").count() == 0
        height = page.evaluate(
            "is_whole => is_whole ? document.documentElement.scrollHeight : innerHeight", is_whole
        )
        clip = {"x": 0, "y": 0, "width": shot.width, "height": min(height, shot.height)}
        png = page.screenshot(full_page=is_whole, animations="disabled", clip=clip)  # type: ignore[arg-type]
        (FOLDER / f"{name}-{shot.name}.webp").write_bytes(_small(png))


def _small(png: bytes) -> bytes:
    from PIL import Image  # noqa: PLC0415  (only whoever makes pictures wants it)

    made = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(made, "WEBP", quality=_QUALITY, method=4)
    return made.getvalue()


def _with_index(text: str, names: Iterable[str]) -> str:
    """The page of the pictures, with its list made anew behind the mark."""
    head, mark, _ = text.partition(_MARK)
    if not mark:
        raise ValueError(f"{INDEX.name} has no line {_MARK}")
    lines = [
        f"- {name}: "
        + ", ".join(f"[{shot.width} {shot.scheme}](screens/{name}-{shot.name}.webp)" for shot in SHOTS)
        for name in sorted(set(names))
    ]
    return f"{head}{mark}\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
