"""Nothing in the schema is forgotten: each table and column is personal with both rules, or named as not."""

from __future__ import annotations

import pytest

import digest.models  # noqa: F401
from digest.db import Base
from digest.lists.personal import NOT_PERSONAL, PERSONAL
from digest.lists.personal_rules import Deleted, Kept, NotGiven, Rule, Table

TABLES = Base.metadata.tables


def test_every_table_is_classified_once() -> None:
    """A new table must say whether it holds anything about readers."""
    names = [table.name for table in PERSONAL]
    assert sorted([*names, *NOT_PERSONAL]) == sorted(TABLES)
    assert all(NOT_PERSONAL.values())


@pytest.mark.parametrize("table", PERSONAL, ids=lambda table: table.name)
def test_every_column_of_a_table_with_people_has_both_rules(table: Table) -> None:
    """A new column must say how it is exported and how it is erased, or that it is not personal."""
    assert sorted(table.columns) == sorted(TABLES[table.name].columns.keys())
    rules = [rule for rule in table.columns.values() if rule is not None]
    assert rules
    for rule in rules:
        assert isinstance(rule, Rule)
        if isinstance(rule.export, NotGiven):
            assert rule.export.reason
        if isinstance(rule.erase, Kept):
            assert rule.erase.reason
    # A row goes as a whole or stays.
    deleted = [isinstance(rule.erase, Deleted) for rule in rules]
    assert all(deleted) or not any(deleted)


def test_whatever_is_named_like_a_person_is_personal() -> None:
    """No table that is named as not personal has a column that points at readers or is named for them."""
    suspects = {"address", "address_key", "address_hash", "subscriber_id", "subscription_id", "network"}
    staff = {"accounts", "account_sessions"}
    for name in NOT_PERSONAL.keys() - staff:
        columns = TABLES[name].columns
        assert not suspects & set(columns.keys()), name
        pointed = {key.column.table.name for column in columns for key in column.foreign_keys}
        assert not pointed & {"subscribers", "subscriptions", "consent_events"}, name
