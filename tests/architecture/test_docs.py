"""The documentation says what is: links lead somewhere, commands and settings exist, all words are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

from digest.cli import app
from digest.config import Settings
from digest.models import Digest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
# Where a file that is named in code type may lie.
PLACES = (ROOT, ROOT / "src" / "digest", ROOT / "templates", ROOT / "docs")

# Variables of the compose file and of the settings' reader, which are no settings.
NO_SETTINGS = {"DIGEST_CONFIG", "DIGEST_LISTEN", "DIGEST_CONCURRENCY"}
TERMS = {
    *(
        "Source",
        "Post",
        "Digest",
        "Cadence",
        "Edition",
        "Item",
        "Revision",
        "Variant",
        "Topic",
        "MailingList",
    ),
    *(
        "Subscriber",
        "Subscription",
        "ConsentEvent",
        "Suppression",
        "Delivery",
        "Batch",
        "Notice",
        "Transport",
    ),
    *("freeze", "slot", "preflight", "breaker", "placeholder", "sign of life", "sent", "fingerprint"),
    "account",
}

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FILE = re.compile(r"(?:[\w.-]+/)+[\w.-]+\.(?:py|html|txt|po|md|toml|yml|css)")
_VARIABLE = re.compile(r"\bDIGEST_[A-Z_]+\b")
_GIVEN = re.compile(r"^(?:[A-Z_]+=\S* )*(?:\S*/)?digest ")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def slug(heading: str) -> str:
    """A heading's anchor as the usual viewers make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.strip().replace(" ", "-")


def commands_of(page: Path) -> Iterator[str]:
    """Each `digest ...` command of the page: in code type, and at the start of a line of a fenced block."""
    for span in _SPAN.findall(prose_of(page)):
        yield from (part for part in re.split(r" (?:&&|\|) |; ", span) if _GIVEN.match(part))
    for _, block in _FENCE.findall(text_of(page)):
        for line in block.replace("\\\n", " ").splitlines():
            bare = line.removeprefix("$ ").split("  #")[0].removesuffix("&").strip()
            if _GIVEN.match(bare):
                yield bare


def words_of(command: str) -> list[str]:
    """The words after `digest`."""
    return shlex.split(command[command.index("digest ") :])[1:]


@cache
def root_command() -> Any:
    return typer.main.get_command(app)


def problem_of(words: list[str]) -> str:
    """Why the command line does not know these words, or ""."""
    command: Any = root_command()
    path = []
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name, *words = words
        path.append(name)
        found = command.commands.get(name)
        if found is None:
            return f"there is no command {' '.join(path)}"
        command = found.load() if hasattr(found, "load") else found
    known = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)} | {"--help"}
    unknown = [word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    return f"{' '.join(path)} has no {unknown[0]}" if unknown else ""


def shown(default: object) -> str:
    """A setting's default as the table writes it."""
    if default is None:
        return "unset"
    return "empty" if default in ((), "") else f"`{default}`"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link inside the project names a file that is there, and a heading that is in it."""
    for target in _LINK.findall(prose_of(page)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.is_file(), target
        if anchor:
            assert anchor in {slug(heading) for heading in _HEADING.findall(prose_of(other))}, target


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_named_file_is_there(page: Path) -> None:
    """A path in code type is one of the project, from its root or from the folder that the page is about."""
    for span in _SPAN.findall(prose_of(page)):
        if _FILE.fullmatch(span):
            assert any((place / span).is_file() for place in PLACES), span


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_exists(page: Path) -> None:
    """Whoever types what the page says is not told that there is no such command or option."""
    for command in commands_of(page):
        assert problem_of(words_of(command)) == "", command


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["digest", "create", "x", "--title", "y"], ""),
        (["--help"], ""),
        (["digest", "invent"], "there is no command digest invent"),
        (["edition", "send", "1", "--twice"], "edition send has no --twice"),
    ],
)
def test_a_wrong_command_is_found(words: list[str], problem: str) -> None:
    """The check above tells a command that exists from one that does not."""
    assert problem_of(words) == problem


def test_commands_are_found_in_the_pages() -> None:
    """The check above has something to check, in spans, in blocks and over continued lines."""
    found = [command for page in PAGES for command in commands_of(page)]
    assert len(found) > 50
    assert any("--featured" in command for command in found)
    assert any(command.startswith("digest doctor") for command in found)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_make_command_exists(page: Path) -> None:
    """`make X` is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    for span in [
        *_SPAN.findall(prose_of(page)),
        *"\n".join(b for _, b in _FENCE.findall(text_of(page))).splitlines(),
    ]:
        found = re.match(r"make ([a-z-]+)", span)
        if found:
            assert found[1] in targets, span


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_named_setting_exists(page: Path) -> None:
    """No page speaks of a variable that the settings would refuse."""
    known = {f"DIGEST_{name.upper()}" for name in Settings.model_fields} | NO_SETTINGS
    assert set(_VARIABLE.findall(text_of(page))) <= known


def test_every_setting_is_documented_with_its_default() -> None:
    """The table of settings has each of them once, in the order of the code, as it is built in."""
    rows = re.findall(
        r"^\| `(DIGEST_[A-Z_]+)` \| ([^|]+) \| (.+) \|$", text_of(ROOT / "docs/running.md"), re.MULTILINE
    )
    expected = [
        (f"DIGEST_{name.upper()}", shown(field.default)) for name, field in Settings.model_fields.items()
    ]
    assert [(name, default.strip()) for name, default, _ in rows] == expected


def test_the_glossary_has_every_term() -> None:
    """Each word of the project has its row, once, with a meaning and the word on the screen."""
    rows = re.findall(
        r"^\| \*\*([^*]+)\*\* \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$",
        text_of(ROOT / "docs/glossary.md"),
        re.MULTILINE,
    )
    names = [name for name, *_ in rows]
    assert set(names) >= TERMS
    assert len(names) == len(set(names))
    assert all(cell.strip() for row in rows for cell in row)


def test_every_table_is_documented() -> None:
    """The architecture page has a row for each table of the database."""
    section = text_of(ROOT / "docs/architecture.md").partition("\n## Tables\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(rows) == sorted(Digest.metadata.tables)


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    """Each decision has its number, its four parts, and its line on the architecture page."""
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    listed = text_of(ROOT / "docs/architecture.md")
    for page in pages:
        text = text_of(page)
        assert text.startswith(f"# {page.name[:4]}. ")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"]
        title = text.splitlines()[0].partition(". ")[2]
        assert f"| [{page.name[:4]}](adr/{page.name}) | {title} |" in listed


def test_pictures_are_small_and_used() -> None:
    """No picture is larger than 300 kB, and each is shown or linked somewhere."""
    everything = "".join(text_of(page) for page in PAGES)
    pictures = sorted((ROOT / "docs" / "pictures").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size <= 300_000, picture.name
        assert f"pictures/{picture.name})" in everything, picture.name
