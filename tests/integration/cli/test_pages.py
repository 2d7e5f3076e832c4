"""Long lists page by page: each row once, also where new ones come meanwhile."""

from __future__ import annotations

from pathlib import Path

from tests.integration.cli.commands import Cli


def test_the_do_not_mail_list_is_read_page_by_page(readers: Cli) -> None:
    """By number, the newest first; a new entry in between moves nothing, and it is said how to go on."""
    for number in range(5):
        readers("suppression", "add", f"d{number}.example.org", "--reason", "asked")
    first = readers.json("suppression", "list", "--limit", 2)
    assert [one["value"] for one in first] == ["d4.example.org", "d3.example.org"]
    assert f"--after {first[-1]['id']}" in readers("suppression", "list", "--limit", 2)
    readers("suppression", "add", "late.example.org", "--reason", "asked")
    second = readers.json("suppression", "list", "--limit", 2, "--after", first[-1]["id"])
    assert [one["value"] for one in second] == ["d2.example.org", "d1.example.org"]
    last = readers("suppression", "list", "--limit", 2, "--after", second[-1]["id"])
    assert "d0.example.org" in last
    assert "--after" not in last
    assert "Nothing more" in readers("suppression", "list", "--after", 1)


def test_imports_are_read_page_by_page(readers: Cli, tmp_path: Path) -> None:
    """As the do-not-mail list; of one list or of all."""
    for number in range(3):
        path = tmp_path / f"p{number}.csv"
        path.write_text(f"address\np{number}@example.org\n", encoding="utf-8")
        readers("subscriber", "import", path, "--list", "readers", "--basis", "moved")
    first = readers.json("import", "list", "--limit", 2, "--list", "readers")
    assert [one["file_name"] for one in first] == ["p2.csv", "p1.csv"]
    assert f"--after {first[-1]['id']}" in readers("import", "list", "--limit", 2)
    rest = readers.json("import", "list", "--limit", 2, "--after", first[-1]["id"])
    assert [one["file_name"] for one in rest] == ["p0.csv"]
