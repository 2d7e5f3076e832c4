"""What a web application needs of the desk: its routes, and an end to its streams."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from fastapi import APIRouter

from digest.web.desk import pages
from digest.web.desk.table import desk


def load_pages() -> None:
    """Import every module of `pages`, by which its routes come into the table."""
    for module in sorted(pkgutil.iter_modules(pages.__path__), key=lambda each: each.name):
        importlib.import_module(f"{pages.__name__}.{module.name}")


def end_streams(app: Any) -> None:
    """End the streams of an application; the server waits for its answers to end."""
    live = getattr(app.state, "live", None)
    if live is not None:
        live.close()


def desk_router() -> APIRouter:
    """All that answers below /desk."""
    load_pages()
    return desk.router
