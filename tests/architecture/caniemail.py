"""Make the data that `preflight.clients` reads from what caniemail.com publishes.

    python -m tests.architecture.caniemail caniemail.json

The file is `data/caniemail.json` of the npm package `caniemail` (MIT). Kept of it are each feature's title
and in which clients its newest tested version does nothing: a few percent of its size.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "src" / "digest" / "preflight" / "caniemail"
FILE = FOLDER / "features.json"


def stripped(published: dict[str, Any]) -> dict[str, Any]:
    """What is kept. `clients` are all that were tested; a feature names those without it by place."""
    tested = {
        f"{family}.{platform}"
        for feature in published["data"]
        for family, platforms in feature["stats"].items()
        for platform in platforms
    }
    clients = sorted(tested)
    features = {
        feature["slug"]: {"title": feature["title"], "no": _without(feature["stats"], clients)}
        for feature in published["data"]
    }
    return {
        "date": published["last_update_date"][:10],
        "clients": clients,
        "names": published["nicenames"]["family"] | published["nicenames"]["platform"],
        "features": dict(sorted(features.items())),
    }


def _without(stats: dict[str, dict[str, dict[str, str]]], clients: list[str]) -> list[int]:
    without = {
        f"{family}.{platform}"
        for family, platforms in stats.items()
        for platform, versions in platforms.items()
        if list(versions.values())[-1].split()[0] == "n"
    }
    return [place for place, client in enumerate(clients) if client in without]


def main(name: str) -> None:
    raw = Path(name).read_bytes()
    made = json.dumps(stripped(json.loads(raw)), ensure_ascii=False, indent=None, separators=(",", ":"))
    FILE.write_text(made.replace('},"', '},\n"') + "\n", encoding="utf-8")
    kept, source = (hashlib.sha256(data).hexdigest() for data in (FILE.read_bytes(), raw))
    (FOLDER / "features.json.sha256").write_text(f"{kept}  features.json\n", encoding="utf-8")
    print(f"{source}  {name}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
