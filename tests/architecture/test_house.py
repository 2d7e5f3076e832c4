"""House rules that a linter does not know: sizes, notes to oneself, pinned packages, migrations."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from digest.db import schema
from tests.architecture import reading

_MOST_LINES = 350
_MIGRATIONS = reading.PACKAGE / "db" / "migrations" / "versions"
_LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")
_TEXTS = {
    ".py",
    ".md",
    ".toml",
    ".lock",
    ".yml",
    ".yaml",
    ".html",
    ".txt",
    ".css",
    ".js",
    ".po",
    ".sh",
    ".cfg",
    "",
}
_NOT_OURS = {"var", "dist", "build", "vendor", "__pycache__"}

_NOTE = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
# Folders of one machine; what stands in the image (/srv, /opt, /var/lib) is meant.
_MACHINE = re.compile(r"(?<![\w.:/-])/(?:home|root|workspace|Users|mnt|media)/\w")


def our_texts() -> Iterator[tuple[str, str]]:
    """Every text file of the checkout that is ours, with its place in it."""
    for folder, inner, names in os.walk(reading.ROOT):
        # Whatever is not ours is not even looked through: an environment has a hundred times as many files.
        inner[:] = [each for each in inner if each not in _NOT_OURS and (each[0] != "." or each == ".ci")]
        for name in names:
            path = Path(folder, name)
            if name not in _NOT_OURS and path.suffix in _TEXTS and path.is_file():
                yield from _text_of(path)


def _text_of(path: Path) -> Iterator[tuple[str, str]]:
    # But for a picture, or a feed that is broken on purpose.
    with contextlib.suppress(UnicodeDecodeError):
        yield path.relative_to(reading.ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_no_file_is_too_long_to_read() -> None:
    """A file answers one question; a migration, which is written once, may be longer."""
    long = {
        place: lines
        for place, path in reading.our_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > _MOST_LINES
        and path.parent != _MIGRATIONS
    }
    assert long == {}


def test_nothing_is_left_to_do_and_no_machine_is_named() -> None:
    """No notes to oneself, and no path that is true on one machine only."""
    texts = dict(our_texts())
    assert len(texts) > 300
    faults = {
        place: found[0]
        for place, text in texts.items()
        for pattern in (_NOTE, _MACHINE)
        if place != "tests/architecture/test_house.py" and (found := pattern.search(text))
    }
    assert faults == {}


@pytest.mark.parametrize("text", ["# TODO: later", "see /home/ani/digest", 'PATH = "/mnt/disk"'])
def test_a_planted_fault_is_found(text: str) -> None:
    """The patterns see what they are for."""
    assert _NOTE.search(text) or _MACHINE.search(text)


@pytest.mark.parametrize("text", ["https://courier.example/home/news", "/var/lib/digest/work", "dir/home/x"])
def test_what_only_looks_like_it_is_let_through(text: str) -> None:
    """A path of an address or a folder inside another is no machine's."""
    assert not _NOTE.search(text)
    assert not _MACHINE.search(text)


@pytest.mark.parametrize("name", _LOCKS)
def test_lock_file_pins_and_hashes(name: str) -> None:
    """Each package has one version and its hashes, and no line says where from."""
    text = (reading.ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    joined = text.replace("\\\n", " ").splitlines()
    lines = [line for line in joined if line.strip() and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9._\[\]-]+==\S+( |$)", line), line[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line[:80]
    assert not any(
        word.startswith("-") and not word.startswith("--hash=") for line in lines for word in line.split()
    )


def test_runtime_packages_are_locked_alike() -> None:
    """What runs in production is what the tests ran with."""
    pins = [dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", _lock(name), re.MULTILINE)) for name in _LOCKS]
    production, build, development = pins
    assert production
    for name, version in (production | build).items():
        assert development[name] == version, name


def test_every_wanted_package_is_locked() -> None:
    """A dependency that was added to pyproject.toml stands in the lock files too."""
    project = tomllib.loads((reading.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    locked = {
        _plain(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", _lock("requirements.lock"), re.MULTILINE)
    }
    wanted = [re.match(r"[A-Za-z0-9._-]+", line) for line in project["project"]["dependencies"]]
    assert {_plain(found[0]) for found in wanted if found} <= locked


def test_what_a_stranger_looks_for_is_there() -> None:
    """Licence, readme and changelog exist and say something."""
    for name, word in (("LICENSE", "MIT License"), ("README.md", "# "), ("CHANGELOG.md", "# Changelog")):
        assert word in (reading.ROOT / name).read_text(encoding="utf-8")


def test_migrations_stand_alone() -> None:
    """A migration imports nothing of ours but its own steps: it must not change when the models do."""
    found = sorted(_MIGRATIONS.glob("*.py"))
    assert found
    for path in (*found, _MIGRATIONS.parent / "alter.py"):
        modules = {
            module.split(".")[0]
            for module in reading.imported_by(path)
            if not module.startswith("digest.db.migrations.alter")
        }
        assert modules - sys.stdlib_module_names <= {"alembic", "sqlalchemy"}, path.name
    for path in found:
        assert re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", path.name)
    environment = reading.imported_by(_MIGRATIONS.parent / "env.py")
    assert {module for module in environment if module.startswith("digest")} <= {
        "digest.db.base",
        "digest.db.base.NAMES",
    }


def test_migrations_have_one_head() -> None:
    """There is one newest revision, each builds on one, is named by its file, and none goes back."""
    scripts = ScriptDirectory.from_config(schema.configuration())
    assert scripts.get_heads() == [schema.head()]
    for script in scripts.walk_revisions():
        assert not isinstance(script.down_revision, tuple)
        assert Path(script.path).name.startswith(f"{script.revision}_")
        tree = reading.parsed(Path(script.path))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert "upgrade" in functions
        assert "downgrade" not in functions


def _lock(name: str) -> str:
    return (reading.ROOT / name).read_text(encoding="utf-8")


def _plain(name: str) -> str:
    return re.sub(r"[._-]+", "-", name).lower()
