"""Pictures of a mail, taken by the browser that is there."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from digest.errors import DigestError
from digest.rendering.camera import find_browser, photograph
from digest.rendering.previews import View

pytestmark = pytest.mark.browser

LIGHT, DARK, BLOCKED = View("light", 320), View("dark", 320, is_dark=True), View("b", 320, has_pictures=False)
MAIL = """<html><head><meta name="color-scheme" content="light dark"><style>
body { margin: 0; background: #ffffff; } div { height: 900px; }
@media (prefers-color-scheme: dark) { body { background: #101010; } }
@media (max-width: 320px) { div { height: 700px; } }
</style></head><body>
<img src="red.png" alt="" width="10" height="10" style="display:block"><div></div></body></html>"""


def test_each_picture_shows_its_view(chromium_path: Path, tmp_path: Path) -> None:
    """The whole length at that width, in that scheme, with the pictures that lie beside it or without."""
    Image.new("RGB", (10, 10), "#ff0000").save(tmp_path / "red.png")
    taken = photograph(MAIL, tmp_path, chromium_path, rows=((LIGHT, DARK, BLOCKED),))
    seen = {view: Image.open(io.BytesIO(picture)) for view, picture in taken.items()}
    assert {view: image.size for view, image in seen.items()} == dict.fromkeys(
        (LIGHT, DARK, BLOCKED), (320, 710)
    )
    assert [seen[view].getpixel((200, 500)) for view in (LIGHT, DARK)] == [(255, 255, 255), (16, 16, 16)]
    assert [seen[view].getpixel((5, 5)) == (255, 0, 0) for view in (LIGHT, DARK, BLOCKED)] == [
        *(True, True, False)
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["red.png"]


def test_a_browser_that_fails_is_said(tmp_path: Path) -> None:
    """One that is none, and one that is not there."""
    false = find_browser(Path("/bin/false"))
    assert false is not None
    with pytest.raises(DigestError, match="false could not be run"):
        photograph(MAIL, tmp_path, false, rows=((LIGHT,),))
    assert find_browser(tmp_path / "none") is None
