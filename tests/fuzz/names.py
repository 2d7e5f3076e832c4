"""The names of the targets, for whoever must not import them: they are made ready for fuzzing on import."""

from __future__ import annotations

NAMES = ("parse", "excerpt", "title", "address", "discover", "opml", "wordpress")
