"""Language tags: which language of ours they mean, how they are written, which way they run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.i18n import (
    DRAFTS,
    LANGUAGES,
    READER_LANGUAGES,
    canonical,
    direction,
    for_editors,
    framed,
    is_foreign,
    spoken,
)


@pytest.mark.parametrize(
    ("tag", "language", "frame", "editors"),
    [
        ("en", "en", "en", "en"),
        ("EN-gb", "en", "en-GB", "en"),
        ("hy_AM", "hy", "hy-AM", "hy"),
        ("hyw", "hyw", "hyw", "hy"),
        ("hy-arevmda", "hyw", "hyw", "hy"),
        ("hy-Armn-LB-arevmda", "hyw", "hyw", "hy"),
        ("fr-CA", "fr", "fr-CA", "en"),
        ("ar-LB", "ar", "ar-LB", "en"),
        ("de", "en", "en", "en"),
        ("fa-IR", "en", "en", "en"),
        ("", "en", "en", "en"),
        ("frp", "en", "en", "en"),
        ("fr-", "fr", "fr", "en"),
    ],
)
def test_a_tag_means_the_nearest_language(tag: str, language: str, frame: str, editors: str) -> None:
    """Readers get their own, editors one that has all of their words, a stranger English."""
    assert (spoken(tag), framed(tag), for_editors(tag)) == (language, frame, editors)


@given(tag=st.text(max_size=40))
def test_any_text_means_some_language(tag: str) -> None:
    """Whatever a row holds, there are words for it, and they run one way or the other."""
    assert spoken(tag) in READER_LANGUAGES
    assert for_editors(tag) in LANGUAGES
    assert spoken(framed(tag)) == spoken(tag)
    assert direction(tag) in {"ltr", "rtl"}
    assert not DRAFTS & set(LANGUAGES)


@pytest.mark.parametrize(
    ("given_as", "written"),
    [
        ("EN", "en"),
        ("fr_ca", "fr-CA"),
        (" AZ-arab-ir ", "az-Arab-IR"),
        ("hy-AREVMDA", "hy-arevmda"),
        ("es-419", "es-419"),
        ("en-x-us", "en-x-us"),
        ("de-1996", "de-1996"),
    ],
)
def test_a_tag_is_written_as_it_usually_is(given_as: str, written: str) -> None:
    """Small language, capital region, Script with one capital; after a single letter nothing is a region."""
    assert canonical(given_as) == written
    assert canonical(written) == written


@pytest.mark.parametrize(
    "tag", ["", "english", "e", "../en", "fr--CA", "en US", "fr-" + "a" * 9, "hy" + "-ab" * 12]
)
def test_what_is_no_tag_is_refused(tag: str) -> None:
    """With a sentence that shows how one is written."""
    with pytest.raises(InputError, match="write it like en, hy, hyw or fr-CA"):
        canonical(tag)


@pytest.mark.parametrize(
    ("tag", "way"),
    [
        ("az-Arab", "rtl"),
        ("ar-Latn", "ltr"),
        ("ckb", "rtl"),
        ("pa-arab-PK", "rtl"),
        ("hyw", "ltr"),
        ("ar-LB", "rtl"),
    ],
)
def test_a_script_decides_the_direction(tag: str, way: str) -> None:
    """Azeri in Arabic letters runs from the right, Arabic in Latin ones does not."""
    assert direction(tag) == way


@pytest.mark.parametrize(
    ("own", "other", "wants"),
    [
        ("en", "", False),
        ("en-GB", "en-US", False),
        ("en", "hy", True),
        ("hy", "hyw", True),
        ("hyw", "hy", False),
        ("hyw", "hy-arevmda", False),
        ("ar-LB", "ar", False),
        ("ar", "fa", True),
    ],
)
def test_only_another_language_is_marked(own: str, other: str, *, wants: bool) -> None:
    """`hy` is what sites in either Armenian say, so it is no other language among Western words."""
    assert is_foreign(own, other) is wants
