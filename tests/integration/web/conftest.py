"""An installation on each database, and a client of its web pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from digest import keys
from digest.config import Settings
from digest.db import Database
from digest.web.app import create_app
from digest.web.deps import Services
from tests.integration.web.rows import Scene, make_scene, make_settings


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The settings of the installation; its mail catcher's folder is there but empty."""
    return make_settings(tmp_path / "data", database_url, catcher_dir=tmp_path / "caught")


@pytest.fixture
def app(settings: Settings, database: Database) -> FastAPI:
    """The application, on the database that the test has in its hands."""
    return create_app(settings, services=Services(settings, database, keys.load(settings.secrets_folder)))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client that follows nothing and keeps nothing by itself."""
    with TestClient(app, follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def scene(database: Database, settings: Settings) -> Scene:
    """A digest with an edition and a reader."""
    return make_scene(database, settings)
