"""The floors of the house: imports go down only, and few rooms know the frameworks."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from tests.architecture import reading

# Which packages may import a framework: the doors that it opens, and nobody else.
_KNOWN_TO = {
    frozenset({"celery", "kombu", "billiard"}): ("tasks/", "queueing/", "embedded/"),
    frozenset({"fastapi", "starlette", "uvicorn"}): ("web/",),
    frozenset({"typer", "click"}): ("cli/",),
    frozenset({"sqlalchemy", "alembic", "psycopg"}): (
        *("db/", "models/", "queueing/", "pacing/", "audit/", "notices/", "sources/", "lists/", "editions/"),
        *("accounts/", "deliveries/", "tasks/", "web/", "cli/", "embedded/"),
    ),
}

_BROKEN = """
[tool.importlinter]
root_package = "digest"

[[tool.importlinter.contracts]]
name = "A contract that the code breaks"
type = "forbidden"
source_modules = ["digest.tokens"]
forbidden_modules = ["digest.errors"]
"""


def test_imports_go_down_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every contract of pyproject.toml holds, the floors among them."""
    monkeypatch.chdir(tmp_path)  # whatever it writes, it does not write into the checkout
    code = lint_imports(config_filename=str(reading.ROOT / "pyproject.toml"), no_cache=True)
    said = capsys.readouterr().out
    assert code == 0, said
    assert "Floors: imports go down only KEPT" in said


def test_a_broken_contract_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check sees this code: a contract against an import that is there fails."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "broken.toml"
    config.write_text(_BROKEN, encoding="utf-8")
    assert lint_imports(config_filename=str(config), no_cache=True) == 1
    assert "A contract that the code breaks BROKEN" in capsys.readouterr().out


@pytest.mark.parametrize("packages", _KNOWN_TO, ids=min)
def test_few_rooms_know_a_framework(packages: frozenset[str]) -> None:
    """Celery, FastAPI, typer and SQLAlchemy are imported in their own rooms only, functions included."""
    rooms = _KNOWN_TO[packages]
    strangers = {
        place: sorted(found)
        for place, path in reading.our_files()
        if (found := {m for m in reading.imported_by(path) if reading.is_one_of(m, packages)})
        and not place.startswith(rooms)
    }
    assert strangers == {}


def test_entry_point_knows_the_door_alone() -> None:
    """`worker.py` imports the Celery door and nothing beside it."""
    modules = reading.imported_by(reading.ROOT / "worker.py")
    assert {module for module in modules if module.startswith("digest")} == {
        "digest.tasks",
        "digest.tasks.app",
    }
