"""Python files as the architecture tests read them: which modules a file imports, what it calls."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "digest"


def our_files() -> Iterator[tuple[str, Path]]:
    """Every Python file of the package, with its place in it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path


@functools.cache
def imported_by(path: Path) -> frozenset[str]:
    """The modules that a file imports, as `imported` tells them."""
    return frozenset(imported(parsed(path)))


@functools.cache
def parsed(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.AST) -> set[str]:
    """The modules that a file imports, at its top or inside its functions, by statement or by name.

    `from a import b` counts as `a` and as `a.b`, for b may be a module.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and called(node) in {"import_module", "__import__"}:
            found.update(str(each.value) for each in node.args if isinstance(each, ast.Constant))
    return found


def called(node: ast.Call) -> str:
    """The last name of what is called: `b` of `a.b(...)`."""
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def is_one_of(module: str, packages: frozenset[str]) -> bool:
    """Whether a module is one of these packages or lies in one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def attributes_of(tree: ast.AST, name: str) -> set[str]:
    """What is used of a module: `b` of `name.b`."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }
