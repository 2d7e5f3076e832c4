"""An installation on each database, and a client of its web pages.

What a fixture needs is imported by it: the controller of a run reads this file too, and waits for no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from digest.config import Settings
    from digest.db import Database
    from tests.integration.web.reader_hands import Reader
    from tests.integration.web.rows import Scene


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The settings of the installation; its mail catcher's folder is there but empty."""
    from tests.integration.web.rows import make_settings

    return make_settings(tmp_path / "data", database_url, catcher_dir=tmp_path / "caught")


@pytest.fixture
def app(settings: Settings, database: Database) -> FastAPI:
    """The application, on the database that the test has in its hands."""
    from digest import keys
    from digest.web.app import create_app
    from digest.web.deps import Services

    return create_app(settings, services=Services(settings, database, keys.load(settings.secrets_folder)))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client that follows nothing and keeps nothing by itself."""
    from fastapi.testclient import TestClient

    with TestClient(app, follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def scene(database: Database, settings: Settings) -> Scene:
    """A digest with an edition and a reader."""
    from tests.integration.web.rows import make_scene

    return make_scene(database, settings)


@pytest.fixture
def reader(client: TestClient, database: Database, settings: Settings, scene: Scene) -> Reader:
    """A reader of a digest with a daily and a weekly cadence, two topics, a sister and one more list."""
    from tests.integration.web.reader_hands import make_reader

    return make_reader(client, database, settings, scene)
