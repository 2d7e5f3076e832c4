"""What is said of a rule that cannot be used: one sentence, with the place in the tree."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.lists.segment_rules import (
    DEPTH_LIMIT,
    RULES_LIMIT,
    SIZE_LIMIT,
    VALUES_LIMIT,
    Known,
    RuleError,
    parse_rule,
    read_rule,
)
from digest.lists.segment_tree import AllOf, AttributeRule, Named, Not, Text, attributes_in
from digest.models import AttributeKind

KNOWN = Known(
    frozenset({"readers", "donors"}),
    frozenset({"morning"}),
    frozenset(),
    {
        "city": AttributeKind.TEXT,
        "age": AttributeKind.NUMBER,
        "born": AttributeKind.DATE,
        "member": AttributeKind.YES_NO,
    },
)


def test_a_rule_becomes_a_tree() -> None:
    """One value or several, in either spelling of a language; what was given is what is stored."""
    text = '{"all": [{"list": "readers"}, {"not": {"language": ["HY", "en_us"]}}]}'
    stored, rule = read_rule(text, KNOWN)
    assert rule == AllOf((Named("list", ("readers",)), Not(Text("language", ("hy", "en-us")))))
    assert stored == json.loads(text)
    assert parse_rule(stored) == rule


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"all": []}, "at all: a list with at least one rule"),
        (
            {"all": [{"list": "readers"}, {"any": [{"list": "x"}]}]},
            "at all[1].any[0].list: there is no list 'x'",
        ),
        ({"topic": "x"}, "at topic: there is no topic 'x', nor any other yet."),
        ({"list": ["readers", 5]}, "at list[1]: a text must stand here, not a number."),
        ({"not": [1]}, "at not: a rule is an object with one key; a list stands here."),
        (
            {"list": "readers", "zone": "UTC"},
            "In the rule: a rule is an object with one key; an object with 2",
        ),
        ({"lists": "readers"}, "In the rule: 'lists' is unknown; there are all, any, not, list"),
        ({"zone": "Yerevan"}, "at zone: There is no time zone 'Yerevan'"),
        ({"language": {"is": "hy"}}, 'at language: a text, a list of texts or {"set": true}'),
        ({"joined": {"since": "yesterday"}}, "at joined.since: 'yesterday' is no date"),
        ({"joined": {"never": True}}, "at joined: 'never' is unknown"),
        ({"last_sign_of_life": {"within": "9 days"}}, "at last_sign_of_life.within: '9 days' is no span"),
        ({"last_sign_of_life": {"within": "999999d"}}, "is no span"),
        (
            {"attribute": {"name": "shoe", "is": 1}},
            "at attribute: there is no attribute 'shoe'; there are: age",
        ),
        ({"attribute": {"name": "city"}}, "at attribute: nothing is asked of it"),
        ({"attribute": "city"}, "at attribute: it is written as"),
        ({"attribute": {"name": "city", "is": 5}}, "at attribute.is: 5.0 is no value of the kind text"),
        ({"attribute": {"name": "born", "is": "2026-02-30"}}, "is no value of the kind date"),
        (
            {"attribute": {"name": "city", "at_least": 5}},
            "at attribute.at_least: this cannot be asked of 'city'",
        ),
        ({"attribute": {"name": "age", "at_least": True}}, "a number must stand here, not true or false"),
        ({"attribute": {"name": "age", "is": 1e99}}, "a number is at most"),
        ({"attribute": {"name": "member", "is": "yes"}}, "is no value of the kind yes_no"),
        ({"list": ["readers"] * (VALUES_LIMIT + 1)}, f"from 1 to {VALUES_LIMIT} values"),
        ({"any": [{"list": "readers"}] * RULES_LIMIT}, f"more than {RULES_LIMIT} rules"),
        ({"zone": "x" * 500}, "a text has 1 to 200 characters"),
        ({"list": "rea\u0000ders"}, "all of them visible"),
    ],
)
def test_a_wrong_place_is_named(rule: dict[str, Any], sentence: str) -> None:
    """Which rule in which list, and what could stand there."""
    with pytest.raises(RuleError) as caught:
        read_rule(json.dumps(rule), KNOWN)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("In the rule")


def test_limits_hold_for_any_depth_and_size() -> None:
    """Eight rules in rules are read, a ninth is not; neither is a text of 20,000 brackets."""
    rule: dict[str, Any] = {"list": "readers"}
    for _ in range(DEPTH_LIMIT - 1):
        rule = {"not": rule}
    read_rule(json.dumps(rule), KNOWN)
    with pytest.raises(RuleError, match="deeper"):
        read_rule(json.dumps({"not": rule}), KNOWN)
    with pytest.raises(RuleError):
        read_rule("[" * SIZE_LIMIT, KNOWN)
    with pytest.raises(RuleError, match="longer"):
        read_rule(" " * (SIZE_LIMIT + 1), KNOWN)


@pytest.mark.parametrize("text", ["", "nothing", '{"list": NaN}', '{"list": "a", "list": "b"}', "{]", '"x"'])
def test_no_other_text_is_a_rule(text: str) -> None:
    """Broken JSON, a key twice, numbers that are none."""
    with pytest.raises(RuleError):
        read_rule(text, KNOWN)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "list", "zone", "joined", "attribute", "name", "is", "x"]),
            inner,
            max_size=3,
        )
    ),
)


@given(json_values)
def test_whatever_comes_is_read_or_refused(value: Any) -> None:
    """No other error for any JSON."""
    with contextlib.suppress(RuleError):
        read_rule(json.dumps(value), KNOWN)


def test_the_attributes_of_a_tree_are_found() -> None:
    """Wherever they stand."""
    rule = parse_rule({"any": [{"not": {"attribute": {"name": "city", "set": True}}}, {"list": "a"}]})
    assert attributes_in(rule) == {"city"}
    assert rule.parts[0].part == AttributeRule("city", is_set=True)  # type: ignore[union-attr]
