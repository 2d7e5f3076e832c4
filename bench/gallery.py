"""The gallery: the hard cases of a mail as contact sheets. `make gallery`; ARGS=--all for the full matrix.

They are looked at by eye, against the list in docs/gallery.md.
"""

from __future__ import annotations

import dataclasses
import html as html_escapes
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from digest.rendering.camera import paste_up
from digest.rendering.contexts import TextSize
from digest.rendering.digest_email import render_mail
from digest.rendering.previews import View, all_views, as_seen, with_local_pictures
from tests.mail_cases import Case, everything, pairwise
from tests.servers import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_ROOT: Final = Path(__file__).resolve().parents[1]
_DRAWN: Final = _ROOT / "src" / "digest" / "embedded" / "newspaper" / "pictures"
_OUT: Final = _ROOT / "var" / "gallery"


def main() -> int:
    """Photograph each case in every view; returns 1 where there is no browser."""
    service = chromium.find()
    if not service.url:
        sys.stderr.write(f"The gallery needs a browser: {service.text}.\n")
        return 1
    cases = list(everything() if "--all" in sys.argv[1:] else pairwise())
    _OUT.mkdir(parents=True, exist_ok=True)
    with chromium.launched(Path(service.url)) as browser:
        for case in cases:
            path = _OUT / f"{case}.jpg"
            path.write_bytes(paste_up(_photographed(browser, case)))
            sys.stdout.write(f"{path}\n")
    (_OUT / "index.html").write_text(_index(cases), encoding="utf-8")
    sys.stdout.write(f"{_OUT / 'index.html'}\n")
    return 0


def _photographed(browser: Browser, case: Case) -> dict[View, bytes]:
    return {view: seen(browser, case, view) for view in all_views()}


def seen(browser: Browser, case: Case, view: View, *, size: TextSize = TextSize.NORMAL) -> bytes:
    """A case's whole mail as PNG."""
    context = dataclasses.replace(case.context(), text_size=size)
    html = render_mail(context).html
    featured = context.featured
    picture = featured.picture if featured is not None else None
    local = {picture.url: "ferry.jpg"} if picture is not None and picture.url.endswith("ferry.jpg") else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ferry.jpg").write_bytes((_DRAWN / "bridge.png").read_bytes())
        (folder / "mail.html").write_text(as_seen(with_local_pictures(html, local), view), "utf-8")
        page = browser.new_page(
            viewport={"width": view.width, "height": 600},
            color_scheme="dark" if view.is_dark else "light",
        )
        page.goto((folder / "mail.html").as_uri())
        png = page.screenshot(full_page=True)
        page.close()
    return png


def _index(cases: list[Case]) -> str:
    shown = "\n".join(
        f'<h2>{html_escapes.escape(str(case))}</h2>\n<img src="{case}.jpg" alt="" loading="lazy">'
        for case in cases
    )
    head = '<meta charset="utf-8">\n<title>Gallery</title>'
    return f'<!DOCTYPE html>\n<html lang="en">\n{head}\n{shown}\n</html>\n'


if __name__ == "__main__":
    sys.exit(main())
