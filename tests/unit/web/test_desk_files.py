"""The browser files that others wrote: the very bytes, licence and version; and how much a page loads."""

from __future__ import annotations

import gzip
import hashlib
import json
import re

from digest.rendering.environment import template_folders
from digest.web.desk import files
from tests.architecture.vendored import FOLDER, ICONS, LIST

_FIRST_LOAD = 300_000
_DESK = template_folders()[0] / "web" / "desk"


def test_every_vendored_file_is_the_one_that_was_published() -> None:
    """Each has a version, a licence beside it, and the checksum of its bytes; none lies there unlisted."""
    rows = json.loads(LIST.read_text(encoding="utf-8"))
    listed = {row["file"]: row for row in rows}
    there = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.is_file() and path not in {LIST, ICONS}
    }
    assert there - listed.keys() == {"tabler/LICENSE"}  # its package comes without the text
    assert listed.keys() <= there
    for name, row in listed.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == row["sha256"], name
        assert re.fullmatch(r"\d+\.\d+\.\d+", row["version"])
        assert row["licence"] in {"0BSD", "MIT", "Apache-2.0"}
        assert (FOLDER / name).parent.joinpath("LICENSE").is_file()


def test_no_vendored_script_asks_for_what_is_not_there() -> None:
    """No source map is named: a browser would ask for it."""
    for path in (*FOLDER.rglob("*.js"), *FOLDER.rglob("*.css")):
        assert b"sourceMappingURL" not in path.read_bytes()


def test_every_icon_that_a_page_names_is_in_the_sprite() -> None:
    """An icon that is not there would be an empty square."""
    sprite = (FOLDER / "icons" / "sprite.svg").read_text(encoding="utf-8")
    there = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    assert there == set(ICONS.read_text(encoding="utf-8").split())
    texts = "".join(path.read_text(encoding="utf-8") for path in _DESK.rglob("*.html"))
    named = set(re.findall(r'\bicon\("([\w-]+)"', texts))
    assert named
    assert named <= there


def test_the_first_page_loads_little() -> None:
    """All that every page of the desk loads is below 300 kB as it is sent."""
    frame = (_DESK / "_base.html").read_text(encoding="utf-8")
    loaded = {*re.findall(r'asset\("([^"]+)"\)', frame), "vendor/icons/sprite.svg"}
    assert len(loaded) >= 5
    sizes = {name: len(found.compressed) for name in loaded if (found := files.find(name))}
    assert sizes.keys() == loaded
    assert sum(sizes.values()) < _FIRST_LOAD
    assert gzip.decompress(files.find("desk/desk.js").compressed)  # type: ignore[union-attr]


def test_nothing_in_a_template_is_inline() -> None:
    """The content policy allows no script or style in a page, nor an attribute of either kind."""
    for path in _DESK.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son\w+=|javascript:|hx-on|\bjs:", text
        ), path
