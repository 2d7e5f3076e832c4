"""What a mail is made of, by the names of caniemail.com, and the data that says who knows it."""

from __future__ import annotations

import hashlib
import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.preflight.clients import CLIENTS, data
from digest.preflight.features import features_of
from tests.architecture.caniemail import FILE, FOLDER, stripped

KNOWN = data().known


@pytest.mark.parametrize(
    ("markup", "slugs"),
    [
        ("<p style='padding-left:4px'></p>", {"html-p", "css-padding", "css-unit-px"}),
        ("<p style='border-bottom-color:#111'></p>", {"html-p", "css-border"}),
        ("<p style='border-top-left-radius:1em'></p>", {"html-p", "css-border-radius", "css-unit-em"}),
        ("<p style='row-gap:1%'></p>", {"html-p", "css-gap", "css-unit-percent"}),
        ("<p style='margin-inline-start:0'></p>", {"html-p", "css-margin-inline-start-end"}),
        ("<p style='display:none !important'></p>",
         {"html-p", "css-display", "css-display-none", "css-important"}),
        ("<p style='display:inline-block'></p>", {"html-p", "css-display"}),
        ("<p style='background:linear-gradient(#111,#222)'></p>",
         {"html-p", "css-background", "css-linear-gradient"}),
        ("<p style='font-family:\"1px rem\", system-ui'></p>", {"html-p", "css-font", "css-sytem-ui"}),
        ("<p style='--a:1;color:var(--a)'></p>", {"html-p", "css-variables"}),
        ("<p style='color:red;mso-x:1px;-webkit-y:1px'></p>", {"html-p"}),
        ("<p style='color'></p>", {"html-p"}),
        ("<h4 lang=hy>x</h4>", {"html-h1-h6", "html-lang"}),
        ("<ol><li>x</li></ol>", {"html-lists"}),
        ("<a href='MAILTO:a@b.example' target=x></a>", {"html-mailto-links", "html-target"}),
        ("<a href='#top'></a>", {"html-anchor-links"}),
        ("<input type=radio required>", {"html-input-radio", "html-required"}),
        ("<meta name=color-scheme>", {"html-meta-color-scheme"}),
        ("<img src='https://a.example/A.PNG?x=.svg' loading=lazy>",
         {"html-img", "image-png", "html-loading-attribute"}),
        ("<img src='data:image/png;base64,x'>", {"html-img", "image-base64"}),
        ("<img src='https://[x/a.png'>", {"html-img"}),
        ("<!doctype HTML><section></section>", {"html-doctype", "html-semantics"}),
        ("<!--[if mso]><svg style='display:flex'></svg><![endif]-->", set()),
        ("<style>a:hover, a.b { color: #111 }</style>", {
            "html-style", "css-selector-type", "css-selector-class", "css-selector-chaining",
            "css-selector-grouping", "css-pseudo-class-hover"}),
        ("<style>@media (prefers-color-scheme: dark) { #a > b { top: 1vh } }</style>", {
            "html-style", "css-at-media", "css-at-media-prefers-color-scheme", "css-selector-id",
            "css-selector-child", "css-selector-type", "css-left-right-top-bottom", "css-unit-vh"}),
        ('<style>/* x */ p::before { content: "}" }</style>',
         {"html-style", "css-comments", "css-selector-type", "css-pseudo-element-before"}),
        ("<style>@import 'x'; @supports (x:y) { [a~=b] { } }</style>",
         {"html-style", "css-at-import", "css-at-supports", "css-selector-attribute"}),
        ("<style>.a { & .b { color: red } }</style>", {"html-style", "css-selector-class", "css-nesting"}),
    ],
)  # fmt: skip
def test_what_a_page_uses(markup: str, slugs: set[str]) -> None:
    """Elements, attributes, properties, values, selectors and rules, and no more than those."""
    assert features_of(markup, KNOWN) == slugs


@given(st.text(alphabet="<>{}@;:/*!-'\"()[].#&~+ aepm1x%", max_size=80))
def test_broken_markup_is_read_as_well_as_it_can_be(text: str) -> None:
    """Nothing that a newsroom's template may hold makes the look at it fail or hang."""
    assert features_of(f"<p style='{text}'>{text}<style>{text}", KNOWN) <= KNOWN


def test_the_data_is_as_it_was_vendored() -> None:
    """The file has its checksum, its date and its licence beside it, and knows every client of the list."""
    kept, name = (FOLDER / "features.json.sha256").read_text(encoding="ascii").split()
    assert name == FILE.name
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == kept
    folder = resources.files("digest.preflight") / "caniemail"
    found = json.loads((folder / "features.json").read_text(encoding="utf-8"))
    assert found["date"] in (folder / "README.md").read_text(encoding="utf-8")
    assert "HTeuMeuLeu" in (folder / "LICENSE").read_text(encoding="utf-8")
    assert set(CLIENTS) <= set(found["clients"])


def test_the_newest_version_of_a_client_counts() -> None:
    """A feature is missing where the last version that was tested does nothing with it."""
    stats = {
        "a": {"ios": {"1": "n", "2": "y"}},
        "b": {"web": {"2019": "y", "2020": "n #1"}, "mac": {"1": "u"}},
    }
    feature = {"slug": "css-x", "title": "x", "stats": stats}
    names = {"family": {"a": "A"}, "platform": {}}
    made = stripped({"last_update_date": "2026-05-13 14:45", "nicenames": names, "data": [feature]})
    assert made["clients"] == ["a.ios", "b.mac", "b.web"]
    assert made["features"] == {"css-x": {"title": "x", "no": [2]}}
    assert made["date"] == "2026-05-13"
