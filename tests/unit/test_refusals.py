"""What is refused below the doors is said for every door: no sentence names a command, and each is told."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

import digest
from digest.cli import app

_SOURCE = Path(digest.__file__).parent
_DOORS = {"cli", "web", "tasks", "inbound", "embedded"}
# What a person at any door may be told; the others stop a process, whose log an operator reads.
_TOLD = {"DigestError", "InputError", "NotFoundError", "StateError", "UnreachableError"}
_GROUPS = "|".join(sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]
_COMMAND = re.compile(rf"`digest |\bdigest (?:{_GROUPS}) [a-z]")
_CLASS = re.compile(r"^class (\w+)\((\w+)\):", re.MULTILINE)
_MARKS = {"N_", "_", "gettext", "ngettext"}

# What reaches neither a browser nor a mail, and so need not be told in other languages: whole files, or a
# function of one (a class, for what is refused in its methods).
_OF_COMMANDS = "only a command asks for it"
_OF_FILES = "read from a file that only a command is given"
_OF_A_FAULT = "a mail that we make wrongly: a fault of ours, which stops a task, with its log"
_OF_A_READER = "the reader's page says in its own words that it cannot be done"
_OF_A_TURN = "somebody else goes on with the import, and this turn leaves it alone"
_UNTOLD = {
    "db/engine.py": "without the database there is no page to say it on",
    "deliveries/switch.py:_check_nobody_is_at_it": "the desk has words of its own for it",
    "deliveries/write.py": _OF_A_FAULT,
    "editions/links.py": _OF_COMMANDS,
    "feeds/bylines.py": "of rules that were checked when they were written; only a command writes them",
    "lists/erasures.py": _OF_FILES,
    "lists/import_run.py:_hold": _OF_A_TURN,
    "lists/import_turns.py:_Noted": _OF_A_TURN,
    "lists/languages.py": _OF_A_READER,
    "lists/my_data.py": "its page is not there, for a person who is not there",
    "lists/permission.py": _OF_COMMANDS,
    "lists/preferences.py": _OF_A_READER,
    "lists/segment_rules.py": "a rule as JSON, which only a command takes; the desk builds its rules itself",
    "mail/copies.py": _OF_A_FAULT,
    "mail/dkim_head.py": _OF_A_FAULT,
    "mail/headers.py": _OF_A_FAULT,
    "mail/journal_records.py": _OF_A_FAULT,
    "mail/mailbox.py": "the inbox page has words of its own for it",
    "mail/placeholders.py:_check_wire": _OF_A_FAULT,
    "mail/placeholders.py:_checked": _OF_A_FAULT,  # half a character; the rest of it is marked
    "mail/placeholders.py:check": _OF_A_FAULT,
    "mail/prepared.py": _OF_A_FAULT,
    "mail/sign_off_mail.py": "read from mails that come in",
    "mail/transport.py": _OF_A_FAULT,
    "notices/ask.py": _OF_A_FAULT,
    "pacing/permits.py": "the mail service was removed while it was used: the task takes another one",
    "preflight/mail_words.py:as_error": "made of findings, each of which is told",
    "queueing/inspect.py": "only a command asks the broker",
    "rendering/camera.py": "only a command takes pictures of mails",
    "sources/find_parts.py": _OF_COMMANDS,
    "web/reader_acts.py": _OF_A_READER,
    "web/several.py": "stops the process",
    "web/sign_up_fields.py": "the form says in its own words that it is no address",
}


@functools.cache
def text_of(path: Path) -> str:
    """A module of ours."""
    return path.read_text(encoding="utf-8")


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """The same, taken apart."""
    return ast.parse(text_of(path))


@functools.cache
def families() -> frozenset[str]:
    """The errors that a person may be told, with what is made of them anywhere."""
    made = set(_TOLD)
    classes = [pair for path in _SOURCE.rglob("*.py") for pair in _CLASS.findall(text_of(path))]
    while new := {name for name, base in classes if base in made - {"DigestError"}} - made:
        made |= new
    return frozenset(made)


def refused_in(tree: ast.AST) -> Iterator[ast.Call]:
    """Where such errors are made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in families():
            yield node


def refusals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the sentence of each error that is made here, without what only the command line adds."""
    for node in refused_in(tree):
        for argument in node.args:
            words = [each.value for each in ast.walk(argument) if isinstance(each, ast.Constant)]
            yield node.lineno, "".join(word for word in words if isinstance(word, str))


def bare_words(
    tree: ast.Module, said: ast.AST, seen: frozenset[str] = frozenset(), *, follows: bool = True
) -> bool:
    """Whether words stand in what is said that nothing marks; names are followed to what they are given."""
    match said:
        case ast.Constant(value=value):
            return isinstance(value, str) and bool(value)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _MARKS:
            return False
        case ast.Name(id=name):
            given = given_to(tree, name) if follows and name not in seen else ()
            return any(bare_words(of, value, seen | {name}) for of, value in given)
        case ast.Subscript(value=value):
            parts: list[ast.AST] = [value]
        case ast.IfExp(body=body, orelse=orelse):
            parts = [body, orelse]
        case ast.Dict(values=values):
            parts = [*values]
        case ast.Call(func=func, args=args):
            # What is made of other things is not looked for, nor what a name was given by a call.
            parts, follows = [func] if seen else [func, *args], False
        case _:
            parts = list(ast.iter_child_nodes(said))
    return any(bare_words(tree, part, seen, follows=follows) for part in parts)


@functools.cache
def given_to(tree: ast.Module, name: str) -> tuple[tuple[ast.Module, ast.AST], ...]:
    """What a name of a module stands for: what it is given there, or in the module that it comes from."""
    return tuple(_given_to(tree, name))


def _given_to(tree: ast.Module, name: str) -> Iterator[tuple[ast.Module, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                yield tree, node.value
        elif isinstance(node, ast.ImportFrom) and any(each.name == name for each in node.names):
            path = _SOURCE.parent.joinpath(*(node.module or "").split(".")).with_suffix(".py")
            if path.is_relative_to(_SOURCE) and path.exists():
                yield from given_to(tree_of(path), name)


def unmarked(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The outermost function or class, and the line, of each error whose sentence is not marked."""
    for outer in tree.body:
        name = getattr(outer, "name", "")
        for node in refused_in(outer):
            if any(bare_words(tree, argument) for argument in node.args):
                yield name, node.lineno


def test_no_refusal_below_the_doors_names_a_command() -> None:
    """An editor cannot type it; the command line says it by the error's `hint`."""
    paths = [path for path in _SOURCE.rglob("*.py") if path.relative_to(_SOURCE).parts[0] not in _DOORS]
    found = [
        (path.relative_to(_SOURCE).as_posix(), line, said)
        for path in paths
        if "Error(" in text_of(path)
        for line, said in refusals(tree_of(path))
    ]
    assert len(found) > 300
    assert [each for each in found if _COMMAND.search(each[2]) or " --" in each[2]] == []


def test_each_refusal_that_a_person_may_see_is_marked() -> None:
    """An editor who reads Armenian is told in Armenian what cannot be. Each exception is in use."""
    found: dict[str, list[int]] = {}
    for path in sorted(_SOURCE.rglob("*.py")):
        place = path.relative_to(_SOURCE)
        if place.parts[0] not in _DOORS - {"web"} and len(place.parts) > 1:
            for name, line in unmarked(tree_of(path)) if "Error(" in text_of(path) else ():
                where = place.as_posix()
                found.setdefault(where if where in _UNTOLD else f"{where}:{name}", []).append(line)
    assert {place: lines for place, lines in found.items() if place not in _UNTOLD} == {}
    assert set(_UNTOLD) - set(found) == set()


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ('raise StateError("Lock it: `digest edition freeze 5`.")', True),
        ('raise InputError(f"{name!r} is none; digest attribute add makes one.")', True),
        ('raise NotFoundError(N_("Look at `digest edition list`."))', True),
        ('raise StateError(N_("Lock it."), hint="`digest edition freeze` does.")', False),
        ('raise InputError("A digest has no such edition.")', False),
    ],
)
def test_a_command_is_found_wherever_it_stands(source: str, *, is_found: bool) -> None:
    """In a sentence that is marked, in one with values in it; not in the hint."""
    assert any(_COMMAND.search(said) for _, said in refusals(ast.parse(source))) is is_found


@pytest.mark.parametrize(
    ("said", "is_found"),
    [
        ('InputError("It is none.")', True),
        ('StateError(f"Edition {number} is none.")', True),
        ('InputError(N_("None.") if few else "Many.")', True),
        ("InputError(_BARE)", True),
        ("InputError(_BARE_OF[code])", True),
        ('InputError(none_of("it"))', True),
        ('StillHeldError("It is none.")', True),
        ('InputError(SENTENCES[reason].removeprefix("Skipped: "))', True),
        ('InputError(N_("%(name)r is none."), name="it", hint="Say one.")', False),
        ("InputError(_MARKED)", False),
        ('InputError(visit.words.gettext(N_("None.")))', False),
        ('NotFoundError(N_("None.") if few else N_("Many."))', False),
        ("InputError(NOT_ALONE)", False),
    ],
)
def test_a_sentence_that_nothing_marks_is_found(said: str, *, is_found: bool) -> None:
    """By itself, by a name that it was given, as one of two; what is marked is not."""
    module = f"""
from digest.web.desk.pages.source_acts import NOT_ALONE
_BARE = "It is none."
_MARKED = N_("It is none.")
_BARE_OF = {{1: "It is none."}}
def act():
    raise {said}
"""
    tree = ast.parse(module)
    assert any(True for _ in unmarked(tree)) is is_found
