"""The fields by which a reader leaves with one click, beside an auditor that nobody here wrote."""

from __future__ import annotations

from functools import cache

import listunsub
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code
from digest.preflight.wire import list_unsubscribe, one_click
from tests.unit.preflight.mails import changed, facts_of
from tests.unit.rendering import samples

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM, HTTPS, POST = Code.LIST_UNSUBSCRIBE_FORM, Code.SIGN_OFF_NOT_HTTPS, Code.NO_ONE_CLICK
# By RFC 2369 (the form), RFC 8058 (one https address, this very value), RFC 3986 and RFC 6068 (the spelling).
GOOD = (
    "<https://a.example/u/Ab-_~9?x=%41&y=1#z>",
    "<https://a.example:8443/u>,\r\n <mailto:u@a.example?subject=unsubscribe>",
    "<mailto:u+A9@a.example>, <HTTPS://a.example/u>",
    "<https://[2001:db8::1]/u>",
)
BAD = {
    "empty": ("", FORM),
    "no brackets": ("https://a.example/u", FORM),
    "nothing in brackets": ("<>", FORM),
    "no comma": ("<https://a.example/u> <mailto:u@a.example>", FORM),
    "a comma at the end": ("<https://a.example/u>,", FORM),
    "words behind": ("<https://a.example/u> or write", FORM),
    "an open bracket": ("<https://a.example/u", FORM),
    "encoded words": ("=?utf-8?q?=3Chttps=3A//a.example/u=3E?=", FORM),
    "an encoded word inside": ("<=?utf-8?q?https=3A//a.example/u?=>", FORM),
    "folded inside": ("<https://a.example/\r\n u>", FORM),
    "a space inside": ("<https://a.example/u u>", FORM),
    "no scheme": ("<a.example/u>", FORM),
    "no host": ("<https:///u>", FORM),
    "a port that is none": ("<https://a.example:x/u>", FORM),
    "a user": ("<https://ani:secret@a.example/u>", FORM),
    "a lone percent sign": ("<https://a.example/u?a=5%>", FORM),
    "a quote": ('<https://a.example/"u">', FORM),
    "not ASCII": ("<https://a.example/\u0561>", FORM),
    "a mailbox that is none": ("<https://a.example/u>, <mailto:?subject=x>", FORM),
    "http": ("<http://a.example/u>", HTTPS),
    "mail alone": ("<mailto:u@a.example>", HTTPS),
}
# What the auditor lets pass: RFC 8058 section 3.1 has one https address, and nothing else of the web.
BAD_HERE = {
    "two of https": "<https://a.example/u>, <https://b.example/u>",
    "http beside https": "<https://a.example/u>, <http://a.example/u>",
    "another scheme": "<https://a.example/u>, <ftp://a.example/u>",
}


@cache
def clean() -> MailFacts:
    return facts_of(samples.edition())


def ours(value: str, post: str = ONE_CLICK) -> set[Code]:
    """What the checks before sending say of a mail with these two fields."""
    raw = f"From: a@a.example\r\nList-Unsubscribe: {value}\r\nList-Unsubscribe-Post: {post}\r\n\r\nx\r\n"
    facts = changed(clean(), raw=raw.encode())
    return {one.code for rule in (list_unsubscribe, one_click) for one in rule(facts)}


@pytest.mark.parametrize("value", GOOD)
def test_good_fields_are_let_through_by_both(value: str) -> None:
    """Several ways of writing it that standards allow."""
    assert ours(value) == set()
    assert listunsub.audit(value, ONE_CLICK) == []


@pytest.mark.parametrize(("value", "code"), BAD.values(), ids=BAD)
def test_a_planted_defect_is_found_by_both(value: str, code: Code) -> None:
    """Ours stops it or warns; the auditor finds it too, so it is no invention of ours."""
    assert ours(value) == {code}
    assert listunsub.audit(value, ONE_CLICK) != []


@pytest.mark.parametrize("value", BAD_HERE.values(), ids=BAD_HERE)
def test_ours_is_stricter_where_the_standard_is(value: str) -> None:
    """More than one address of the web leaves it open which one is meant."""
    assert ours(value) == {FORM}


@pytest.mark.parametrize("post", ["", "One-Click", "List-Unsubscribe=One-click!", f"{ONE_CLICK}; x", "=?q?="])
def test_the_other_field_has_one_value(post: str) -> None:
    """Of List-Unsubscribe-Post, RFC 8058 section 5."""
    assert ours(GOOD[0], post) == {POST}
    assert {one.code for one in listunsub.audit(GOOD[0], post)} == {"invalid-post"}


def test_each_field_stands_once() -> None:
    """Two of either are no mail of ours."""
    assert ours(f"{GOOD[0]}\r\nList-Unsubscribe: {GOOD[0]}") == {FORM}
    assert ours(GOOD[0], f"{ONE_CLICK}\r\nList-Unsubscribe-Post: {ONE_CLICK}") == {POST}
    codes = {one.code for one in listunsub.audit([GOOD[0]] * 2, [ONE_CLICK] * 2)}
    assert codes == {"duplicate-list-unsubscribe", "duplicate-post"}


PARTS = st.sampled_from(
    (
        *(
            "<",
            ">",
            ",",
            " ",
            "\r\n ",
            "https:",
            "HTTPS:",
            "http:",
            "mailto:",
            "ftp:",
            "//",
            "a.example",
            "/u",
        ),
        *(
            ":8443",
            ":x",
            "@",
            "u@a.example",
            "?subject=x",
            "%41",
            "%",
            "#",
            "=?utf-8?q?",
            "?=",
            "[::1]",
            "(x)",
        ),
        *("<https://a.example/u>", "<mailto:u@a.example>", "\u0561", '"', "\\"),
    )
)


@given(st.lists(PARTS, max_size=9).map("".join))
def test_what_ours_lets_through_the_auditor_lets_through(value: str) -> None:
    """Whatever stands in the field: there is nothing that only the auditor finds."""
    if not ours(value):
        assert listunsub.audit(value.strip(), ONE_CLICK) == []
