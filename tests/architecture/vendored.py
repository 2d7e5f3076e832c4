"""Make the folder of browser files that others wrote, and its list, from their published packages.

    python -m tests.architecture.vendored FOLDER

FOLDER holds each package as npm packs it, unpacked: `FOLDER/htmx.org/package/...`. What is taken is said
here; the list beside the files keeps version, licence and checksum of each. The icons become one sprite.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "src" / "digest" / "web" / "static" / "vendor"
LIST = FOLDER / "vendored.json"
SPRITE = "icons/sprite.svg"
# Which icons are wanted, a name a line: add one there, then make the folder anew.
ICONS = FOLDER / "icons" / "names.txt"

# Package: its licence, and which of its files become which of ours.
TAKEN: dict[str, tuple[str, dict[str, str]]] = {
    "htmx.org": ("0BSD", {"dist/htmx.min.js": "htmx/htmx.min.js", "LICENSE": "htmx/LICENSE"}),
    "@tabler/core": ("MIT", {"dist/css/tabler.min.css": "tabler/tabler.min.css"}),
    "sortablejs": (
        "MIT",
        {"Sortable.min.js": "sortablejs/Sortable.min.js", "LICENSE": "sortablejs/LICENSE"},
    ),
    "@tabler/icons": ("MIT", {"LICENSE": "icons/LICENSE"}),
}
_CHILDREN = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


def sprite(package: Path) -> str:
    """The icons as one file of symbols."""
    found = []
    for name in ICONS.read_text(encoding="utf-8").split():
        path = package / "icons" / "outline" / f"{name}.svg"
        inside = _CHILDREN.search(path.read_text(encoding="utf-8"))
        assert inside, name
        drawn = " ".join(inside[1].split())
        found.append(f'<symbol id="{name}" viewBox="0 0 24 24">{drawn}</symbol>')
    head = '<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor" stroke-width="2"'
    return f'{head} stroke-linecap="round" stroke-linejoin="round">\n' + "\n".join(found) + "\n</svg>\n"


def rows(source: Path) -> Iterator[dict[str, Any]]:
    """Copy what is taken; for each file what the list says of it."""
    for name, (licence, files) in TAKEN.items():
        package = source / name / "package"
        version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
        texts = {ours: (package / theirs).read_bytes() for theirs, ours in files.items()}
        if name == "@tabler/icons":
            texts[SPRITE] = sprite(package).encode()
        for ours, data in texts.items():
            cleaned = without_map(data)
            (FOLDER / ours).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / ours).write_bytes(cleaned)
            yield {
                "file": ours,
                "package": name,
                "version": version,
                "licence": licence,
                "sha256": hashlib.sha256(cleaned).hexdigest(),
            }


def without_map(data: bytes) -> bytes:
    """Without the line that names a source map: a browser would ask for one that is not there."""
    return re.sub(rb"\n?(?://[#@] sourceMappingURL=\S+|/\*[#@] sourceMappingURL=\S+ \*/)\s*$", b"\n", data)


def main(folder: str) -> None:
    made = sorted(rows(Path(folder)), key=lambda row: row["file"])
    LIST.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
