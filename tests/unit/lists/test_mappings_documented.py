"""The pages about moving name the columns that the ready mappings read, each with what becomes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from digest.lists.mappings import read_heading
from digest.lists.mappings_ready import column_map

DOCS = Path(__file__).resolve().parents[3] / "docs"


def page(name: str) -> str:
    """The page about moving from a product."""
    return (DOCS / f"moving-from-{name}.md").read_text(encoding="utf-8")


def test_each_column_of_mailchimps_is_told() -> None:
    """The table has every column that is read and no other, and the list below it those that are not."""
    told = page("mailchimp").partition("### Each column")[2].partition("\n## ")[0].partition("Look first")[0]
    table, _, unread = told.partition("These are **not read**")
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    read = {name.lower() for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert read == set(column_map("mailchimp", {}).columns)
    names = re.findall(r"`([A-Z_]+)`", unread.partition("**Your audience")[0])
    assert len(names) > 10
    assert read_heading(["Email Address", *names], column_map("mailchimp", {})).ignored == tuple(names)


@pytest.mark.parametrize("name", ["mailpoet", "listmonk"])
def test_the_other_pages_name_what_is_read(name: str) -> None:
    """The plain name of each column; MailPoet's others are spellings of those."""
    text = page(name).lower()
    columns = column_map(name, {}).columns
    plain = {field: column for column, field in reversed(columns.items())}
    assert {column for column in plain.values() if column not in text} == set()


def test_what_is_said_of_mailchimps_columns_is_so() -> None:
    """What an admin maps goes before the table; what is not mapped is not read."""
    heading = ["Email Address", "Birthday", "TAGS", "Full name"]
    own = {"birthday": "attribute:birthday", "full name": "name"}
    found = read_heading(heading, column_map("mailchimp", own))
    assert found.fields == ("address", "attribute:birthday", None, "name")
    assert found.ignored == ("TAGS",)
