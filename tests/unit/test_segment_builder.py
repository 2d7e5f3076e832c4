"""The rows of a segment's rule: whatever they say is a rule, and a rule that rows can say comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import InputError
from digest.lists.segment_builder import BARE, Built, Group, Row, built_of, hows, rule_of, settled
from digest.lists.segment_rules import Known, parse_rule, read_rule
from digest.models import AttributeKind

KINDS = {
    "city": AttributeKind.TEXT,
    "age": AttributeKind.NUMBER,
    "born": AttributeKind.DATE,
    "donor": AttributeKind.YES_NO,
}
KNOWN = Known(frozenset({"a", "b"}), frozenset({"a", "b"}), frozenset({"a", "b"}), KINDS)
_VALUES = {
    "language": ["hy", "en"],
    "zone": ["Asia/Yerevan", "Europe/Paris"],
    "attribute:city": ["Gyumri", "Yerevan"],
    "attribute:age": ["7", "60.5"],
}
_DAYS = ["2020-01-01", "2026-02-03"]


@st.composite
def rows(draw: st.DrawFn) -> Row:
    moments = ("joined", "last_handed_over", "last_sign_of_life")
    what = draw(
        st.sampled_from(
            ("list", "cadence", "topic", *moments, "language", "zone", *map("attribute:{}".format, KINDS))
        )
    )
    how = draw(st.sampled_from(hows(what, KINDS)))
    if how in BARE:
        return Row(what, how)
    if how in {"within", "older_than"}:
        return Row(what, how, (str(draw(st.integers(1, 9999))),))
    values = _DAYS if what in moments or what == "attribute:born" else _VALUES.get(what, ["a", "b"])
    several = how in {"is", "is_not"}
    found = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2 if several else 1, unique=True))
    return Row(what, how, tuple(found))


groups = st.builds(
    Group, st.sampled_from(["all", "any"]), st.lists(rows(), min_size=1, max_size=3).map(tuple)
)


@settings(max_examples=30)
@given(st.builds(Built, st.sampled_from(["all", "any"]), st.lists(groups, min_size=1, max_size=3).map(tuple)))
def test_rows_are_a_rule_and_come_back_as_what_they_mean(built: Built) -> None:
    """Every choice of rows is a rule that is accepted, and its rows say the very same rule again."""
    made = rule_of(built, KINDS)
    read_rule(json.dumps(made), KNOWN)
    again = built_of(made)
    assert again is not None
    assert parse_rule(rule_of(again, KINDS)) == parse_rule(made)


@pytest.mark.parametrize(
    "rule",
    [
        {"not": {"all": [{"list": "a"}, {"list": "b"}]}},
        {"any": [{"all": [{"any": [{"list": "a"}, {"list": "b"}]}, {"topic": "a"}]}, {"list": "a"}]},
        {"joined": {"within": "12h"}},
        {
            "all": [
                {"any": [{"joined": {"within": "9d", "before": "2021-01-01"}}, {"list": "a"}]},
                {"list": "b"},
            ]
        },
        {"not": {"language": {"set": True}}},
        {"not": {"attribute": {"name": "age", "is": 7, "at_least": 3}}},
    ],
)
def test_what_rows_cannot_say_is_left_to_be_written(rule: dict[str, Any]) -> None:
    """It is never shown as something else."""
    parse_rule(rule)
    assert built_of(rule) is None


def test_moments_that_hold_together_are_rows_of_one_group() -> None:
    """Since and before of one moment are two rows of a group that wants both."""
    built = built_of({"joined": {"since": "2020-01-01", "before": "2021-01-01"}})
    assert built == Built(
        "all",
        (Group("all", (Row("joined", "since", ("2020-01-01",)), Row("joined", "before", ("2021-01-01",)))),),
    )


@pytest.mark.parametrize(
    "row",
    [
        Row("list", "is"),
        Row("list", "at_least", ("a",)),
        Row("nothing", "is", ("a",)),
        Row("joined", "never"),
        Row("joined", "within", ("soon",)),
        Row("joined", "within", ("0",)),
        Row("attribute:age", "is", ("old",)),
        Row("attribute:gone", "is", ("x",)),
    ],
)
def test_a_row_that_says_nothing_is_refused(row: Row) -> None:
    """With a sentence, and never as a rule that fits everybody."""
    with pytest.raises(InputError):
        rule_of(Built("all", (Group("all", (row,)),)), KINDS)


def test_no_rows_are_no_rule() -> None:
    """An empty rule would be everybody: it is refused."""
    with pytest.raises(InputError):
        rule_of(Built(), KINDS)


def test_another_field_has_another_comparison() -> None:
    """Where the field was changed, the comparison is its first, and the old values are gone."""
    assert settled(Row("joined", "is", ("a",)), KINDS) == Row("joined", "within")
    assert settled(Row("attribute:gone", "is", ("a",)), KINDS) == Row("list", "is")
    assert settled(Row("topic", "is_not", ("a",)), KINDS) == Row("topic", "is_not", ("a",))
